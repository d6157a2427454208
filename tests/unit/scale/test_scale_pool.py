"""Worker processes that die, hang or do not start."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hilum.errors import InvalidValueError
from hilum.scale.pool import Crash, map_isolated


def square(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


def doze(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def process_id(_: int) -> int:
    return os.getpid()


def prepare() -> None:
    """Nothing to prepare."""


def cannot_prepare() -> None:
    os._exit(7)


def test_every_item_has_a_result_and_only_the_killer_crashes() -> None:
    items = range(8)
    results = dict(map_isolated(square, items, workers=2, limit_seconds=60, prepare=prepare))
    assert set(results) == set(items)
    crash = results.pop(3)
    assert isinstance(crash, Crash)
    assert "twice" in crash.reason
    assert results == {number: number * number for number in items if number != 3}


def test_a_worker_that_hangs_is_ended_and_the_rest_goes_on() -> None:
    items = [0.0, 300.0, 0.01]
    results = dict(map_isolated(doze, items, workers=1, limit_seconds=1.0, prepare=prepare))
    crash = results.pop(300.0)
    assert isinstance(crash, Crash)
    assert "1 seconds" in crash.reason
    assert results == {0.0: 0.0, 0.01: 0.01}


def test_items_are_drawn_as_needed() -> None:
    drawn: list[int] = []

    def items() -> Iterator[int]:
        for number in range(10, 20):
            drawn.append(number)
            yield number

    results = map_isolated(square, items(), workers=2, limit_seconds=60, prepare=prepare)
    next(results)
    assert len(drawn) <= 3
    results.close()
    assert len(drawn) <= 3


def test_closing_early_leaves_no_process_behind() -> None:
    results = map_isolated(process_id, range(5), workers=1, limit_seconds=60, prepare=prepare)
    _, worker = next(results)
    results.close()
    assert isinstance(worker, int)
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)


def test_one_worker_serves_many_items() -> None:
    results = map_isolated(process_id, range(5), workers=1, limit_seconds=60, prepare=prepare)
    assert len({worker for _, worker in results}) == 1


def test_workers_that_never_start_are_reported() -> None:
    results = map_isolated(square, [1], workers=1, limit_seconds=60, prepare=cannot_prepare)
    with pytest.raises(InvalidValueError, match="exit code 7"):
        list(results)


def test_no_worker_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match="got 0"):
        list(map_isolated(square, [1], workers=0, limit_seconds=60, prepare=prepare))
