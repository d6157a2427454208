"""Batches on a Ray cluster of two nodes on loopback, one of which is killed half-way."""

import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import uuid
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
RUN_SECONDS = 1200.0  # a busy machine takes minutes; a cluster that hangs must not hold the suite


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A head of one core; without a dashboard, and it reports to nobody."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    monkeypatch.setenv("RAY_worker_niceness", "0")
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


def end_marked(mark: str) -> None:
    """Kill the processes that carry ``mark`` in their environment: Ray's leave their group."""
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark.encode() in (entry / "environ").read_bytes():
                os.kill(int(entry.name), signal.SIGKILL)


def run_apart(folder: Path) -> subprocess.CompletedProcess[str]:
    """``killed_node.py`` in a process of its own; nothing of it is left when this returns."""
    script = Path(__file__).with_name("killed_node.py")
    paths = (Path(hilum.__file__).parents[1], script.parent)
    mark = f"HILUM_CLUSTER_RUN={uuid.uuid4()}"
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        **dict([mark.split("=")]),
    }
    with (folder / "output.txt").open("w") as output:
        process = subprocess.Popen(
            [sys.executable, str(script), str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
            start_new_session=True,
        )
        try:
            code = process.wait(RUN_SECONDS)
        finally:
            end_marked(mark)
            process.wait()
    text = (folder / "output.txt").read_text(errors="replace")
    return subprocess.CompletedProcess(process.args, code, text, "")


@needs_ray
@quiet
@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds what a cluster left in /proc")
def test_a_killed_node_loses_no_file_and_reads_none_twice(tmp_path: Path) -> None:
    names = [f"{number}.png" for number in range(24)]
    names[4] = "killalways.png"
    manifest = write_manifest(tmp_path, *names)
    done = run_apart(tmp_path)
    assert done.returncode == 0, done.stdout[-4000:]
    seen = json.loads((tmp_path / "seen.json").read_text())
    assert seen == {"done": list(range(25)), "was_killed": True}
    here = tmp_path / "here.parquet"
    options = BatchOptions(reader=FakeReader(), limit_seconds=300.0)
    read_batch(manifest, here, workers=2, options=options)
    table, local = pq.read_table(tmp_path / "there.parquet"), pq.read_table(here)
    assert Counter(table["path"].to_pylist()) == dict.fromkeys(names, 1)
    assert table.schema.equals(local.schema, check_metadata=True)
    assert table.drop_columns(["seconds"]).equals(local.drop_columns(["seconds"]))
    assert sum(error is not None for error in table["error"].to_pylist()) == 1


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
