"""``hilum.scale.pool.map_isolated`` over the machines of a Ray cluster, as a Ray Data job.

Each actor keeps one worker process of the local pool, so that a file which kills or hangs
its worker ends the same way here and there, and no actor dies of it. What an actor held
when its machine went away is lost to Ray, which is told not to try again by itself (it
would do so without end): the lost items, and only they, are given out once more.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import pickle
import socket
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import pyarrow as pa

from hilum.errors import HilumError, InvalidValueError
from hilum.scale.pool import Crash, map_isolated

__all__ = ["ClusterWork", "count_cores", "map_on_cluster", "open_cluster"]

I = TypeVar("I")  # noqa: E741
R = TypeVar("R")

logger = logging.getLogger(__name__)

MAX_PASSES = 3
MAX_BLOCK = 16
BLOCKS_PER_WORKER = 8
CLIENT_SCHEME = "ray://"
CONNECT_SECONDS = 10.0
FATAL = -1
"""In place of an item's number: the result says why no item can be worked on."""


@dataclass(frozen=True, slots=True)
class ClusterWork(Generic[I, R]):
    """What every actor does; the fields are as in ``map_isolated``, and picklable.

    ``check`` is called once in every actor and says what is wrong with its machine.
    """

    task: Callable[[I], R]
    limit_seconds: float
    prepare: Callable[[], None]
    check: Callable[[], str]


class _Actor:
    """A worker process of the local pool, kept for one block after another."""

    def __init__(self, work: ClusterWork[Any, Any]) -> None:
        self.problem = work.check()
        self.waiting: deque[Any] = deque()
        self.results = map_isolated(
            work.task,
            iter(self.waiting.popleft, None),  # drawn from only when a result is asked for
            workers=1,
            limit_seconds=work.limit_seconds,
            prepare=work.prepare,
        )

    def __call__(self, block: pa.Table) -> pa.Table:
        """Numbers and pickled items in, numbers and pickled results out."""
        numbers, results = [], []
        for number, item in zip(*(block.column(i).to_pylist() for i in (0, 1)), strict=True):
            result = self._run(item)
            numbers.append(FATAL if isinstance(result, _Fatal) else number)
            results.append(pickle.dumps(result))
        return _block(numbers, results)

    def _run(self, item: bytes) -> Any:
        if self.problem:
            return _Fatal(self.problem)
        try:
            self.waiting.append(pickle.loads(item))
            return next(self.results)[1]
        except (HilumError, StopIteration) as error:
            self.problem = str(error) or "worker processes do not start on a node"
            return _Fatal(self.problem)


@dataclass(frozen=True, slots=True)
class _Fatal:
    reason: str


def _block(numbers: list[int], payloads: list[bytes]) -> pa.Table:
    return pa.table({"number": pa.array(numbers, pa.int64()), "payload": pa.array(payloads)})


def _import_ray() -> Any:
    # Before the import, which reads it: Ray reports its use to its makers by default.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # silences a FutureWarning
    # Of a cluster that is started here: Ray's own 15 leaves next to nothing on a busy machine.
    os.environ.setdefault("RAY_worker_niceness", "0")
    try:
        ray = importlib.import_module("ray")
        importlib.import_module("ray.data")
    except ImportError as error:
        raise InvalidValueError(
            "a cluster needs Ray, which is not installed; pip install 'hilum[ray]'"
        ) from error
    return ray


@contextlib.contextmanager
def open_cluster(address: str, *, workers: int | None = None) -> Iterator[None]:
    """Connect to a Ray cluster for the time of the block.

    A connection that the caller already has is used and stays open.

    Args:
        address: ``auto`` (the cluster that this machine is a node of), ``local`` (one for
            this call, on this machine alone) or ``host:port``.
        workers: Cores of a ``local`` cluster; all when None.

    Raises:
        InvalidValueError: Ray is not installed, or no cluster answers at the address.
    """
    if address.startswith(CLIENT_SCHEME):
        raise InvalidValueError(
            f"got the Ray Client address {address!r}, expected 'auto', 'local' or host:port; "
            "run this command on a node of the cluster with --cluster auto"
        )
    ray = _import_ray()
    if ray.is_initialized():
        yield
        return
    _require_answer(address)
    own: dict[str, Any] = {}
    if address == "local":
        own = {"num_cpus": workers, "include_dashboard": False}
    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR", **own)
    except (OSError, RuntimeError, ValueError) as error:  # ConnectionError is an OSError
        raise _unusable(address) from error
    try:
        yield
    finally:
        ray.shutdown()


def _unusable(address: str) -> InvalidValueError:
    return InvalidValueError(
        f"no Ray cluster can be used at {address!r}; start one with  ray start --head  and run "
        "this command on one of its nodes"
    )


def _require_answer(address: str) -> None:
    """Refuse a host and port where nothing listens; Ray itself would wait for minutes."""
    host, separator, port = address.rpartition(":")
    if not separator:
        return
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()
    except (OSError, ValueError, OverflowError) as error:
        raise _unusable(address) from error


def count_cores() -> int:
    """Cores of the cluster that is connected, at least 1."""
    return max(1, int(_import_ray().cluster_resources().get("CPU", 1)))


def map_on_cluster(
    work: ClusterWork[I, R], items: Iterable[I], *, workers: int
) -> Generator[tuple[I, R | Crash], None, None]:
    """Work on every item on the connected cluster; yield results as they come.

    Every item has exactly one result, also when machines go away. An item that was lost
    ``MAX_PASSES`` times is given up.

    Args:
        work: What is done with an item.
        items: Picklable; all of them are held in memory.
        workers: Actors, of one core each.

    Raises:
        InvalidValueError: ``workers`` is below 1, or a node cannot do the work.
    """
    if workers < 1:
        raise InvalidValueError(f"a batch needs at least 1 worker, got {workers}")
    waiting = dict(enumerate(items))
    size = max(1, min(MAX_BLOCK, len(waiting) // (workers * BLOCKS_PER_WORKER)))
    for _ in range(MAX_PASSES):
        if not waiting:
            return
        with contextlib.closing(_run_pass(work, dict(waiting), size, workers)) as results:
            for number, result in results:
                if number in waiting:
                    yield waiting.pop(number), result
        if waiting:
            logger.warning("%d files were lost with their workers", len(waiting))
        size = 1  # a file that takes its machine down takes no other file with it
    for item in waiting.values():
        yield item, Crash(f"its worker on the cluster was lost {MAX_PASSES} times")


def _run_pass(
    work: ClusterWork[Any, Any], items: dict[int, I], size: int, workers: int
) -> Generator[tuple[int, Any], None, None]:
    """One Ray Data job; numbers and results of what was not lost."""
    ray = importlib.import_module("ray")
    has_result = False
    try:
        with _quiet_context(ray), contextlib.closing(_blocks(ray, work, items, size, workers)) as f:
            for block in f:
                for number, payload in zip(*block.to_pydict().values(), strict=True):
                    result = pickle.loads(payload)
                    if number == FATAL:
                        raise InvalidValueError(f"the cluster cannot be used: {result.reason}")
                    has_result = True
                    yield number, result
    except ray.exceptions.RayError as error:
        if not has_result:
            raise InvalidValueError(
                f"the cluster cannot run the batch ({type(error).__name__}); the same Hilum, "
                "Python and Ray must be installed on every node"
            ) from error
        logger.warning("the job on the cluster broke off: %s", type(error).__name__)


def _blocks(
    ray: Any, work: ClusterWork[Any, Any], items: dict[int, Any], size: int, workers: int
) -> Generator[pa.Table, None, None]:
    numbers = list(items)
    tables = [
        _block(part, [pickle.dumps(items[number]) for number in part])
        for part in (numbers[at : at + size] for at in range(0, len(numbers), size))
    ]
    count = min(workers, len(tables))
    with warnings.catch_warnings():
        # Ray 2.64 takes ``max_restarts`` away, so pyproject.toml stays below it.
        warnings.simplefilter("ignore")
        data = ray.data.from_arrow(tables).map_batches(
            _Actor,
            fn_constructor_args=(work,),
            batch_size=None,
            batch_format="pyarrow",
            zero_copy_batch=True,
            num_cpus=1,
            max_restarts=0,
            compute=ray.data.ActorPoolStrategy(size=count),
        )
    yield from data.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0)


@contextlib.contextmanager
def _quiet_context(ray: Any) -> Iterator[None]:
    """No bars and reports of Ray Data beside ours; lost blocks are left to the next pass."""
    context = ray.data.DataContext.get_current()
    ours = {
        "enable_progress_bars": False,
        "print_on_execution_start": False,
        "max_errored_blocks": -1,
    }
    before = {name: getattr(context, name) for name in ours}
    log = logging.getLogger("ray.data")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        for name, value in ours.items():
            setattr(context, name, value)
        yield
    finally:
        log.setLevel(level)
        for name, value in before.items():
            setattr(context, name, value)
