"""A batch on a Ray cluster of two nodes, one of which is killed half-way; run as a process.

``python killed_node.py FOLDER`` reads ``FOLDER/list.csv`` into ``FOLDER/there.parquet`` and
writes the progress that it saw to ``FOLDER/seen.json``. It is apart from the tests because a
cluster that breaks down may end the process that drives it without a word.
"""

import json
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any

STORE_BYTES = 80_000_000  # the least that Ray takes is 75 MB
KILL_AFTER = 6
START_SECONDS = 600.0
LIMIT_SECONDS = 300.0
"""Of one file: no file may be ended for the slowness of a busy machine."""


def wait_for_nodes() -> None:
    """Let a node have minutes to register; Ray's own 30 seconds are too few on a busy machine."""
    from ray._private import services

    get_node = services.get_node

    def wait(*args: Any) -> Any:
        limit = time.monotonic() + START_SECONDS
        while True:
            try:
                return get_node(*args)
            except RuntimeError:
                if time.monotonic() > limit:
                    raise
                time.sleep(1.0)

    services.get_node = wait


def run(folder: Path) -> None:
    """Read the manifest of ``folder``, and kill the second node on the way."""
    from ray.cluster_utils import Cluster
    from scale_readers import FakeReader

    from hilum.scale import BatchOptions, read_batch
    from hilum.scale.batch import BatchProgress

    wait_for_nodes()
    head = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": STORE_BYTES}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    node = cluster.add_node(num_cpus=1, object_store_memory=STORE_BYTES)
    seen: list[int] = []
    doomed = [node]

    def kill_half_way(progress: BatchProgress) -> None:
        seen.append(progress.done)
        if progress.done >= KILL_AFTER and doomed:
            cluster.remove_node(doomed.pop(), allow_graceful=False)

    options = BatchOptions(
        reader=FakeReader(), limit_seconds=LIMIT_SECONDS, flush_rows=1, cluster=cluster.address
    )
    out = folder / "there.parquet"
    read_batch(folder / "list.csv", out, workers=2, options=options, on_progress=kill_half_way)
    (folder / "seen.json").write_text(json.dumps({"done": seen, "was_killed": not doomed}))
    cluster.shutdown()


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # Ray's own modules warn of themselves
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"
    os.environ.update(
        RAY_health_check_period_ms="1000",  # a dead node is noticed the sooner
        RAY_worker_niceness="0",  # of Ray's 15, a busy machine leaves the actors next to nothing
        RAY_agent_register_timeout_ms="600000",
        RAY_raylet_start_wait_time_s="30",
        RAY_worker_register_timeout_seconds="300",
    )
    run(Path(sys.argv[1]))
