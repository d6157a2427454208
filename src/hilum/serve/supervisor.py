"""Keeps the workers alive: starts them, starts them again when they die, stops them in peace."""

from __future__ import annotations

import contextlib
import json
import logging
import subprocess
import sys
import threading
import time
from dataclasses import asdict

from hilum.serve.settings import Settings

__all__ = ["Supervisor"]

LOG = logging.getLogger(__name__)
PAUSES_SECONDS = (0.0, 0.5, 2.0, 10.0)
"""Waits before a worker that keeps dying at once is started again."""
HEALTHY_SECONDS = 20.0
STOP_SECONDS = 90.0


class Supervisor:
    """The workers of one server."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stop = threading.Event()
        self._processes: dict[int, subprocess.Popen[str]] = {}
        self._threads: list[threading.Thread] = []
        self.restarts = 0

    def start(self) -> None:
        """Start all workers."""
        for number in range(self._settings.workers):
            thread = threading.Thread(target=self._keep, args=(number,), name=f"worker-{number}")
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Let every worker finish the study at hand, then end it."""
        self._stop.set()
        for process in list(self._processes.values()):
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        for thread in self._threads:
            thread.join(STOP_SECONDS)
        for process in list(self._processes.values()):
            if process.poll() is None:
                process.kill()

    @property
    def alive(self) -> int:
        """How many workers run."""
        return sum(process.poll() is None for process in list(self._processes.values()))

    @property
    def pids(self) -> list[int]:
        """Their process ids."""
        return [p.pid for p in list(self._processes.values()) if p.poll() is None]

    def _keep(self, number: int) -> None:
        failures = 0
        while not self._stop.is_set():
            started = time.monotonic()
            process = self._launch(number)
            code = process.wait()
            if self._stop.is_set():
                return
            self.restarts += 1
            failures = 0 if time.monotonic() - started > HEALTHY_SECONDS else failures + 1
            LOG.warning("worker %d ended with %d and is started again", number, code)
            self._stop.wait(PAUSES_SECONDS[min(failures, len(PAUSES_SECONDS) - 1)])

    def _launch(self, number: int) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "hilum.serve.worker"], stdin=subprocess.PIPE, text=True
        )
        self._processes[number] = process
        values = asdict(self._settings) | {"data": str(self._settings.data.resolve())}
        request = json.dumps({"name": f"worker-{number}", "settings": values})
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(request + "\n")
            process.stdin.close()
        if self._stop.is_set():
            process.terminate()
        return process
