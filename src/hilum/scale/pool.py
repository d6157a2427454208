"""Run a task on many items in worker processes that may die.

``concurrent.futures`` loses every waiting item when one worker is killed and does not say
which item did it. Here each worker has one item at a time, so the culprit is known: its
item is tried once more in a fresh worker and then given up, and all the others go on. A
worker that hangs is ended after a time limit.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing as mp
import signal
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

from hilum.errors import InvalidValueError

__all__ = ["Crash", "map_isolated"]

I = TypeVar("I")  # noqa: E741
R = TypeVar("R")

logger = logging.getLogger(__name__)

MAX_STRIKES = 2
MAX_FAILED_STARTS = 3
START_SECONDS = 300.0
READY = "ready"


@dataclass(frozen=True, slots=True)
class Crash:
    """In place of a result: the item ended its worker, or took too long; ``reason`` says."""

    reason: str


def _serve(connection: Connection, task: Callable[[Any], Any], prepare: Callable[[], None]) -> None:
    """A worker: receive an item, send its result, until the parent closes the pipe."""
    # An interrupt from the keyboard reaches the whole group; the parent decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    prepare()
    connection.send(READY)
    with contextlib.suppress(EOFError, OSError):
        while True:
            connection.send(task(connection.recv()))


@contextlib.contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """A process started inside never sees an interrupt, not even while it starts."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@dataclass(slots=True, eq=False)
class _Job(Generic[I]):
    """An item and how many workers died on it."""

    item: I
    strikes: int = 0


class _Worker(Generic[I]):
    """A process, the pipe to it and the job that it has."""

    def __init__(self, task: Callable[[I], Any], prepare: Callable[[], None]) -> None:
        # spawn: the same on every platform, and no copy of a parent that runs threads.
        context = mp.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, task, prepare), daemon=True)
        with _interrupts_blocked():
            self.process.start()
        theirs.close()
        self.job: _Job[I] | None = None
        self.has_started = False
        self.since = time.monotonic()

    def give(self, job: _Job[I]) -> None:
        """Hand over a job; a worker that is already dead is noticed when it is heard."""
        self.job, self.since = job, time.monotonic()
        with contextlib.suppress(OSError):
            self.connection.send(job.item)

    def seconds_left(self, limit: float) -> float:
        """Seconds until this worker has taken too long, for its item or for its start."""
        limit = limit if self.has_started else max(limit, START_SECONDS)
        return max(0.0, self.since + limit - time.monotonic())

    def stop(self, *, kill: bool = False) -> int | None:
        """End the process and return its exit code."""
        self.connection.close()
        if not kill:
            self.process.join(timeout=5.0)
        if self.process.is_alive():
            self.process.kill()
        self.process.join()
        return self.process.exitcode


class _Team(Generic[I, R]):
    """The workers, and the jobs still to do: those to try again first, then the rest."""

    def __init__(self, task: Callable[[I], R], items: Iterable[I], size: int) -> None:
        self.task, self.size = task, size
        self.items = iter(items)
        self.again: deque[_Job[I]] = deque()
        self.workers: list[_Worker[I]] = []
        self.failed_starts = 0

    def _next_job(self) -> _Job[I] | None:
        if self.again:
            return self.again.popleft()
        for item in self.items:
            return _Job(item)
        return None

    def assign(self, prepare: Callable[[], None]) -> list[_Worker[I]]:
        """Give every idle worker a job, start workers as needed; return the busy ones."""
        idle = [worker for worker in self.workers if worker.job is None]
        while idle or len(self.workers) < self.size:
            job = self._next_job()
            if job is None:
                break
            if not idle:
                self.workers.append(_Worker(self.task, prepare))
                idle.append(self.workers[-1])
            idle.pop().give(job)
        return [worker for worker in self.workers if worker.job is not None]

    def hear(self, worker: _Worker[I]) -> R | Crash | None:
        """Take a message from a worker; None when there is no result yet."""
        try:
            message: R = worker.connection.recv()
        except (EOFError, OSError):
            return self._bury(worker)
        if worker.has_started:
            worker.job = None
            return message
        worker.has_started, worker.since = True, time.monotonic()
        self.failed_starts = 0
        return None

    def _bury(self, worker: _Worker[I]) -> Crash | None:
        """A worker died. Blame its item, unless it had not yet begun with it."""
        self.workers.remove(worker)
        code, job = worker.stop(), worker.job
        assert job is not None, "only busy workers are heard"
        if worker.has_started:
            logger.warning("a worker died (exit code %s)", code)
            job.strikes += 1
            if job.strikes >= MAX_STRIKES:
                return Crash(f"a worker process died on this file twice (exit code {code})")
        else:
            self.failed_starts += 1
            if self.failed_starts >= MAX_FAILED_STARTS:
                raise InvalidValueError(
                    f"worker processes do not start (exit code {code}); a script that calls "
                    "this must do so under  if __name__ == '__main__':"
                )
        self.again.append(job)
        return None

    def expire(self, worker: _Worker[I], limit: float) -> Crash:
        """End a worker that took too long; its item is not tried again."""
        self.workers.remove(worker)
        worker.stop(kill=True)
        return Crash(f"reading took longer than {limit:g} seconds and was ended")

    def stop(self, *, kill: bool) -> None:
        for worker in self.workers:
            worker.stop(kill=kill)


def map_isolated(
    task: Callable[[I], R],
    items: Iterable[I],
    *,
    workers: int,
    limit_seconds: float,
    prepare: Callable[[], None],
) -> Generator[tuple[I, R | Crash], None, None]:
    """Run ``task`` on every item in worker processes; yield results as they come.

    Only ``workers`` items are drawn at a time, so memory does not grow with their number.

    Args:
        task: Picklable, called in a worker. An exception that it lets out ends the worker,
            and it must not return None.
        items: Picklable.
        workers: Number of processes, at least 1.
        limit_seconds: Time that one item may take.
        prepare: Picklable, called once in every worker before its first item.

    Raises:
        InvalidValueError: ``workers`` is below 1, or no worker can be started.
    """
    if workers < 1:
        raise InvalidValueError(f"a batch needs at least 1 worker, got {workers}")
    team = _Team(task, items, workers)
    is_done = False
    try:
        while busy := team.assign(prepare):
            patience = min(worker.seconds_left(limit_seconds) for worker in busy)
            ready = wait([worker.connection for worker in busy], timeout=patience)
            for worker in busy:
                job = worker.job
                assert job is not None, "a busy worker has a job"
                result: R | Crash | None = None
                if worker.connection in ready:
                    result = team.hear(worker)
                elif not worker.seconds_left(limit_seconds) and not worker.connection.poll():
                    result = team.expire(worker, limit_seconds)
                if result is not None:
                    yield job.item, result
        is_done = True
    finally:
        team.stop(kill=not is_done)
