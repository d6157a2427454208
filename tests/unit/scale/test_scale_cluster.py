"""Batches on a Ray cluster of two nodes on loopback, one of which is killed half-way."""

import importlib.util
import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image
from scale_readers import FakeReader

import hilum
from hilum.errors import InvalidValueError
from hilum.scale import BatchOptions, StudyReader, read_batch
from hilum.scale.batch import BatchProgress
from hilum.scale.cluster import open_cluster
from hilum.scale.worker import CheckNode

needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="Ray is not installed: pip install 'hilum[ray]'"
)
# Ray's own modules warn of themselves when they are imported, and leave sockets to the collector.
quiet = pytest.mark.filterwarnings("ignore")
STORE_BYTES = 80_000_000  # the least that Ray takes is 75 MB


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A head of one core; without a dashboard, and it reports to nobody."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    paths = (Path(hilum.__file__).parents[1], Path(__file__).parent)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, paths)))
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": STORE_BYTES}
    made = Cluster(initialize_head=True, head_node_args=head)
    yield made
    made.shutdown()


def write_manifest(folder: Path, *names: str) -> Path:
    (folder / "list.csv").write_text(
        "path,age\n" + "".join(f"{n},{i}\n" for i, n in enumerate(names))
    )
    return folder / "list.csv"


@needs_ray
@quiet
@pytest.mark.slow
@pytest.mark.skipif(
    "HILUM_CLUSTER_TESTS" not in os.environ,
    reason="once a busy machine's cluster took pytest with it: run apart, HILUM_CLUSTER_TESTS=1",
)
def test_a_killed_node_loses_no_file_and_reads_none_twice(cluster: Any, tmp_path: Path) -> None:
    node = cluster.add_node(num_cpus=1, object_store_memory=STORE_BYTES)
    names = [f"{number}.png" for number in range(40)]
    names[5:7] = ["killalways.png", "hang.png"]
    manifest, seen = write_manifest(tmp_path, *names), list[BatchProgress]()
    options = BatchOptions(reader=FakeReader(), limit_seconds=5.0, flush_rows=1)
    doomed = [node]

    def kill_half_way(progress: BatchProgress) -> None:
        seen.append(progress)
        if progress.done >= 10 and doomed:
            cluster.remove_node(doomed.pop(), allow_graceful=False)

    there, here = tmp_path / "there.parquet", tmp_path / "here.parquet"
    on_cluster = replace(options, cluster=cluster.address)
    read_batch(manifest, there, workers=2, options=on_cluster, on_progress=kill_half_way)
    assert not doomed, "the node was killed"
    assert [progress.done for progress in seen] == list(range(41))
    read_batch(manifest, here, workers=2, options=options)
    table, local = pq.read_table(there), pq.read_table(here)
    assert Counter(table["path"].to_pylist()) == dict.fromkeys(names, 1)
    assert table.schema.equals(local.schema, check_metadata=True)
    assert table.drop_columns(["seconds"]).equals(local.drop_columns(["seconds"]))
    assert sum(error is not None for error in table["error"].to_pylist()) == 2


@needs_ray
@quiet
@pytest.mark.slow
def test_real_models_give_the_table_of_the_local_pool_and_go_on(
    cluster: Any, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    names = [f"{number}.png" for number in range(4)]
    for name in names:
        Image.fromarray(rng.integers(0, 256, (96, 96), np.uint8)).save(tmp_path / name)
    manifest = write_manifest(tmp_path, *names, "missing.png")
    local = BatchOptions(reader=StudyReader(), flush_rows=1)
    there = replace(local, cluster=cluster.address)

    def interrupt(progress: BatchProgress) -> None:
        if progress.done == 2:
            raise KeyboardInterrupt

    out, other = tmp_path / "there.parquet", tmp_path / "here.parquet"
    with pytest.raises(KeyboardInterrupt):
        read_batch(manifest, out, workers=1, options=there, on_progress=interrupt)
    assert read_batch(manifest, out, workers=1, options=there).skipped == 2
    read_batch(manifest, other, workers=2, options=local)
    table, expected = pq.read_table(out), pq.read_table(other)
    assert table.schema.equals(expected.schema, check_metadata=True)
    assert table.drop_columns(["seconds"]).equals(expected.drop_columns(["seconds"]))
    assert json.loads(table.schema.metadata[b"hilum"])["models"]


def test_without_ray_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str, *rest: Any) -> Any:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr("hilum.scale.cluster.importlib.import_module", refuse)
    with (
        pytest.raises(InvalidValueError, match=r"pip install 'hilum\[ray\]'"),
        open_cluster("auto"),
    ):
        pass


def test_a_ray_client_address_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="--cluster auto"), open_cluster("ray://head:10001"):
        pass


@needs_ray
@quiet
@pytest.mark.parametrize("address", ["127.0.0.1:9", "127.0.0.1:none", "127.0.0.1:99999"])
def test_an_address_without_a_cluster_is_refused_and_leaves_nothing(
    tmp_path: Path, address: str
) -> None:
    options = BatchOptions(reader=FakeReader(), cluster=address)
    out = tmp_path / "out" / "readings.parquet"
    with pytest.raises(InvalidValueError, match="no Ray cluster"):
        read_batch(write_manifest(tmp_path, "a.png"), out, workers=1, options=options)
    assert not any(out.parent.iterdir())


def test_a_node_that_would_read_otherwise_is_named() -> None:
    same = {"findings": "fake@1"}
    assert CheckNode(FakeReader(), same)() == ""
    assert "findings" in CheckNode(FakeReader("fake@2"), same)()
    assert "0.0.0" in CheckNode(FakeReader(), same, version="0.0.0")()
    assert "no-such" in CheckNode(StudyReader({"findings": "no-such"}), same)()
