"""Phantoms by the thousand: patients rendered by processes, put together in order.

Each patient that is done leaves a record in ``records``; an interrupted run goes on with those
that have none, and ends in the same bytes as one that was not interrupted.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hilum.errors import HilumError, InvalidValueError
from hilum.scale.batch import BatchProgress
from hilum.scale.pool import Crash, map_isolated
from hilum.scale.worker import PrepareWorker
from hilum.synth.files.dataset import DatasetOptions, Record, fingerprint, make_patient
from hilum.synth.files.dataset_tables import write_tables

__all__ = ["DatasetSummary", "make_dataset"]

LIMIT_SECONDS = 1800.0


@dataclass(frozen=True, slots=True)
class DatasetSummary:
    """What a run made: films in the data set, patients made now and before, seconds."""

    films: int
    made: int
    before: int
    seconds: float


@dataclass(frozen=True, slots=True)
class _MakePatient:
    """The task of a worker; tells a foreseeable failure instead of ending its process."""

    options: DatasetOptions
    folder: Path

    def __call__(self, number: int) -> str:
        try:
            record = make_patient(self.options, number, self.folder)
            _write_record(_record_path(self.folder, number), record)
        except HilumError as error:
            return str(error)
        except OSError as error:
            return f"cannot write into {self.folder}: {error.strerror}"
        return ""


def make_dataset(
    folder: Path,
    options: DatasetOptions,
    *,
    workers: int = 1,
    on_progress: Callable[[BatchProgress], None] = lambda progress: None,
) -> DatasetSummary:
    """Make a data set of phantoms, or go on with one that was interrupted.

    Args:
        folder: Made when missing. What a run with other options began in it is not touched.
        options: What to make.
        workers: Processes.
        on_progress: Called at the start and after every patient.

    Raises:
        InvalidValueError: The folder holds another data set or cannot be written, or a patient
            could not be made.
    """
    started = time.monotonic()
    is_complete = _claim(folder, options)
    numbers = range(options.count)
    todo = [] if is_complete else [n for n in numbers if _read_record(folder, n) is None]
    before = options.count - len(todo)
    on_progress(BatchProgress(options.count, before))
    results = map_isolated(
        _MakePatient(options, folder),
        todo,
        workers=workers,
        limit_seconds=LIMIT_SECONDS,
        prepare=PrepareWorker(workers),
    )
    with contextlib.closing(results):
        for done, (number, problem) in enumerate(results, 1):
            if isinstance(problem, Crash):
                problem = problem.reason
            if problem:
                raise InvalidValueError(f"patient {number} could not be made: {problem}")
            on_progress(BatchProgress(options.count, before, done))
    films = _count_films(folder) if is_complete else _finish(folder, options)
    return DatasetSummary(films, len(todo), before, time.monotonic() - started)


def _claim(folder: Path, options: DatasetOptions) -> bool:
    """Take the folder for these options; whether a complete data set of theirs is in it."""
    mark, told = fingerprint(options), folder / "provenance.json"
    claim = folder / "records" / "fingerprint"
    try:
        if told.is_file():
            known = json.loads(told.read_text(encoding="utf-8")).get("fingerprint")
        elif claim.is_file():
            known = claim.read_text(encoding="utf-8")
        else:
            if folder.exists() and any(folder.iterdir()):
                known = "something else"
            else:
                claim.parent.mkdir(parents=True)
                claim.write_text(mark, encoding="utf-8")
                known = mark
    except (OSError, ValueError, AttributeError) as error:
        raise InvalidValueError(f"cannot use the folder {folder} ({error}); choose another") from (
            error
        )
    if known != mark:
        raise InvalidValueError(
            f"{folder} holds something that was not made with these options and this version; "
            "choose another --out, or give the options that it was made with"
        )
    return told.is_file()


def _record_path(folder: Path, number: int) -> Path:
    return folder / "records" / f"{number:06d}.json"


def _write_record(path: Path, record: Record) -> None:
    """Whole or not at all: a patient with a record is done."""
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(record), encoding="utf-8")
    partial.replace(path)


def _read_record(folder: Path, number: int) -> Record | None:
    path = _record_path(folder, number)
    if not path.is_file():
        return None
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return record


def _finish(folder: Path, options: DatasetOptions) -> int:
    """Write the tables from the records, then drop the records."""

    def records() -> Iterator[Record]:
        for number in range(options.count):
            record = _read_record(folder, number)
            assert record is not None, "every patient was made"
            yield record

    films = write_tables(folder, options, records())
    shutil.rmtree(folder / "records", ignore_errors=True)
    return films


def _count_films(folder: Path) -> int:
    import pyarrow.parquet as pq

    return int(pq.read_metadata(folder / "manifest.parquet").num_rows)
