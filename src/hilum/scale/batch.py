"""Read many files: list, skip what is done, hand out to workers, collect, merge."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from hilum._version import __version__
from hilum.errors import HilumError, UnreadableImageError
from hilum.scale.listing import BatchItem, Listing, list_batch
from hilum.scale.parts import PartStore
from hilum.scale.pool import Crash, map_isolated
from hilum.scale.reader import Reader, StudyReader
from hilum.scale.rows import Row, error_row, reading_row
from hilum.types import DISCLAIMER

__all__ = ["BatchOptions", "BatchProgress", "BatchSummary", "PrepareWorker", "read_batch"]

THREADS_VARIABLE = "HILUM_THREADS"


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """How a batch runs.

    ``resume`` uses rows that an earlier run with the same weights and folder left behind;
    ``retry_errors`` then reads the files again that ended in an error. Waiting rows are
    written every ``flush_rows`` or ``flush_seconds``. ``limit_seconds`` ends the reading of
    a single file that hangs.
    """

    path_column: str = "path"
    resume: bool = True
    retry_errors: bool = False
    flush_rows: int = 200
    flush_seconds: float = 30.0
    limit_seconds: float = 600.0
    reader: Reader = field(default_factory=StudyReader)


@dataclass(frozen=True, slots=True)
class BatchProgress:
    """Files listed, done by an earlier run, and done by this one, with how they ended."""

    total: int
    skipped: int
    done: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class BatchSummary:
    """What the table holds: ``accepted + refused + failed`` is its number of rows.

    ``files`` were listed, ``skipped`` of them were done by an earlier run. ``seconds`` is
    the wall time of this run.
    """

    out: Path
    files: int
    skipped: int
    accepted: int
    refused: int
    failed: int
    seconds: float


def read_batch(
    source: Path,
    out: Path,
    *,
    workers: int | None = None,
    options: BatchOptions | None = None,
    on_progress: Callable[[BatchProgress], None] | None = None,
) -> BatchSummary:
    """Read every radiograph of a folder or manifest into one Parquet table.

    A file that cannot be read gets a row with its ``error``; nothing stops the batch. When
    it is interrupted, the same call goes on where it stopped.

    Args:
        source: A folder, or a manifest with a path column (see ``list_batch``).
        out: The table, ``.parquet``; columns as in ``batch_schema``.
        workers: Processes; all cores when None. More than one get one thread each.
        options: How it runs.
        on_progress: Called at the start and after every file.

    Raises:
        InvalidValueError: The source, the table or the number of workers is unusable.
        UnreadableImageError: The source lists no file at all.
        MissingModelError: A model is not registered.
        ModelIntegrityError: Weights are damaged.
    """
    started = time.monotonic()
    options = options or BatchOptions()
    listing = list_batch(source, path_column=options.path_column)
    if not listing.items:
        raise UnreadableImageError(
            f"nothing to read: {str(source)!r} holds no file that could be an image"
        )
    store = PartStore(out, _describe(listing, options))
    todo = _unfinished(listing, store, options)
    progress = BatchProgress(len(listing.items), len(listing.items) - len(todo))
    count = workers if workers is not None else os.cpu_count() or 1
    _collect(todo, store, progress, count, options, on_progress or (lambda _: None))
    order = {item.path: place for place, item in enumerate(listing.items)}
    return _summarise(store.merge(order), out, progress, time.monotonic() - started)


def _describe(listing: Listing, options: BatchOptions) -> dict[str, Any]:
    """The run's resolved configuration; rows of equal fingerprints may share a table."""
    settings = {
        "hilum_version": __version__,
        "models": dict(options.reader.weights()),
        "root": hashlib.sha256(str(listing.root).encode()).hexdigest(),
    }
    text = json.dumps(settings, sort_keys=True)
    fingerprint = hashlib.sha256(text.encode()).hexdigest()
    return {**settings, "fingerprint": fingerprint, "disclaimer": DISCLAIMER}


def _unfinished(listing: Listing, store: PartStore, options: BatchOptions) -> list[BatchItem]:
    """The files still to read; without ``resume`` all of them, and old parts are dropped."""
    if not options.resume:
        store.forget()
        return list(listing.items)
    finished = store.finished()
    return [
        item
        for item in listing.items
        if item.path not in finished or (options.retry_errors and finished[item.path])
    ]


@dataclass(frozen=True, slots=True)
class _ReadImage:
    """The task of a worker: never raises, so that one bad file stops nothing."""

    reader: Reader

    def __call__(self, item: BatchItem) -> Row:
        started = time.perf_counter()
        try:
            reading = self.reader(item.source, item.context)
            return reading_row(item, reading, time.perf_counter() - started)
        except HilumError as error:
            message = str(error)
        except Exception as error:  # a fault of ours or of a library: one row, not the batch
            message = f"{type(error).__name__}: {error}"
        return error_row(item, message, time.perf_counter() - started)


@dataclass(frozen=True, slots=True)
class PrepareWorker:
    """Keep workers quiet, and several from fighting over the cores.

    A user's own ``HILUM_THREADS`` or ``python -W`` stands.
    """

    workers: int

    def __call__(self) -> None:
        """Set up the process that it is called in."""
        if not sys.warnoptions:  # a library's warning would be printed into the progress bar
            warnings.simplefilter("ignore")
        if self.workers > 1:
            os.environ.setdefault(THREADS_VARIABLE, "1")
            import cv2

            cv2.setNumThreads(1)


def _collect(
    todo: Iterable[BatchItem],
    store: PartStore,
    progress: BatchProgress,
    workers: int,
    options: BatchOptions,
    on_progress: Callable[[BatchProgress], None],
) -> None:
    """Read the files and put their rows into the store, also those before an interrupt."""
    on_progress(progress)
    results = map_isolated(
        _ReadImage(options.reader),
        todo,
        workers=workers,
        limit_seconds=options.limit_seconds,
        prepare=PrepareWorker(workers),
    )
    done = failed = 0
    try:
        with contextlib.closing(results):
            for item, result in results:
                if isinstance(result, Crash):
                    result = error_row(item, result.reason, 0.0)
                store.append(result)
                done += 1
                failed += result["error"] is not None
                store.flush_when_due(rows=options.flush_rows, seconds=options.flush_seconds)
                on_progress(BatchProgress(progress.total, progress.skipped, done, failed))
    finally:
        store.flush()


def _summarise(table: pa.Table, out: Path, progress: BatchProgress, seconds: float) -> BatchSummary:
    accepted = sum(table.column("accepted").to_pylist())
    failed = len(table) - table.column("error").null_count
    return BatchSummary(
        out=out,
        files=progress.total,
        skipped=progress.skipped,
        accepted=accepted,
        refused=len(table) - accepted - failed,
        failed=failed,
        seconds=seconds,
    )
