"""A worker process: takes jobs from the queue, one at a time, until it is told to stop.

``python -m hilum.serve.worker`` with the settings as JSON on standard input. A worker keeps its
name over its deaths: what it was reading when it was killed, its successor reads.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

from dbos import DBOS, DBOSConfig

from hilum.serve.heartbeat import keep_beating
from hilum.serve.jobs import APPLICATION_VERSION, QUEUE, WORKFLOW
from hilum.serve.service import Service, open_service
from hilum.serve.settings import load_settings
from hilum.serve.web.logs import silence_libraries

__all__ = ["run_worker"]

EXIT_HUNG = 70
LIMIT_SECONDS = 600.0
GRACE_SECONDS = 60
POLLING_SECONDS = 0.25


def run_worker(service: Service, name: str, stop: threading.Event) -> None:
    """Read queued studies until ``stop`` is set; the study at hand is finished first."""
    from hilum.serve.reader import read_revision

    config: DBOSConfig = {
        "name": "hilum",
        "system_database_url": service.settings.resolved_database_url,
        "executor_id": name,
        "application_version": APPLICATION_VERSION,
        "log_level": "ERROR",
    }
    DBOS(config=config)

    @DBOS.workflow(name=WORKFLOW, max_recovery_attempts=1_000_000)  # tries are counted in the study
    def read_study(study_id: str, revision: int) -> str:
        watchdog = threading.Timer(LIMIT_SECONDS, os._exit, (EXIT_HUNG,))
        watchdog.daemon = True
        watchdog.start()
        try:
            return read_revision(service, study_id, revision)
        finally:
            watchdog.cancel()

    DBOS.launch()
    DBOS.register_queue(QUEUE, worker_concurrency=1, polling_interval_sec=POLLING_SECONDS)
    keep_beating(service, name, stop)
    DBOS.destroy(workflow_completion_timeout_sec=GRACE_SECONDS)


def main() -> None:
    """Entry of the process."""
    request: dict[str, Any] = json.loads(sys.stdin.readline())
    logging.basicConfig(level=logging.WARNING)
    silence_libraries()
    stop = threading.Event()

    def ask_to_stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        stop.set()

    signal.signal(signal.SIGTERM, ask_to_stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the server, which stops us
    parent = os.getppid()
    threading.Thread(target=_follow, args=(parent, stop), daemon=True).start()
    values = request["settings"]
    values["data"] = Path(values["data"])
    service = open_service(load_settings(Path(os.devnull), environment={}, **values))
    run_worker(service, request["name"], stop)


def _follow(parent: int, stop: threading.Event) -> None:
    """An orphan ends: the server that started it has died."""
    while not stop.wait(2.0):
        if os.getppid() != parent:
            stop.set()


if __name__ == "__main__":
    main()
