"""Read many files: list, skip what is done, hand out to workers, collect, merge."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from hilum._version import __version__
from hilum.errors import UnreadableImageError
from hilum.scale.listing import BatchItem, Listing, list_batch
from hilum.scale.parts import PartStore
from hilum.scale.pool import Crash, map_isolated
from hilum.scale.reader import Reader, StudyReader
from hilum.scale.rows import Row, error_row
from hilum.scale.worker import CheckNode, PrepareWorker, ReadImage
from hilum.types import DISCLAIMER

__all__ = ["BatchOptions", "BatchProgress", "BatchSummary", "read_batch"]


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """How a batch runs.

    ``resume`` uses rows that an earlier run with the same weights and folder left behind;
    ``retry_errors`` then reads the files again that ended in an error. Waiting rows are
    written every ``flush_rows`` or ``flush_seconds``. ``limit_seconds`` ends the reading of
    a single file that hangs. ``cluster`` is the address of a Ray cluster, as in
    ``hilum.scale.cluster.open_cluster``; without it, processes of this machine read.
    """

    path_column: str = "path"
    resume: bool = True
    retry_errors: bool = False
    flush_rows: int = 200
    flush_seconds: float = 30.0
    limit_seconds: float = 600.0
    cluster: str | None = None
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

    out: Path | str
    files: int
    skipped: int
    accepted: int
    refused: int
    failed: int
    seconds: float


def read_batch(
    source: Path | str,
    out: Path | str,
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
        out: The table, ``.parquet``, a path or ``s3://bucket/key``; columns as in
            ``batch_schema``.
        workers: Processes, or actors of a cluster; all cores when None. More than one, and
            those of a cluster, get one thread each.
        options: How it runs.
        on_progress: Called at the start and after every file.

    Raises:
        InvalidValueError: The source, the table, the cluster or the number of workers is
            unusable.
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
    metadata = _describe(listing, options)
    store = PartStore(out, metadata)
    todo = _unfinished(listing, store, options)
    progress = BatchProgress(len(listing.items), len(listing.items) - len(todo))
    try:
        with _open_executor(todo, metadata["models"], workers, options) as results:
            _collect(results, store, progress, options, on_progress or (lambda _: None))
    finally:
        store.drop_if_empty()
    order = {item.path: place for place, item in enumerate(listing.items)}
    return _summarise(store.merge(order), store.out, progress, time.monotonic() - started)


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


Results = Generator[tuple[BatchItem, Row | Crash], None, None]


@contextlib.contextmanager
def _open_executor(
    todo: list[BatchItem], weights: dict[str, str], workers: int | None, options: BatchOptions
) -> Iterator[Results]:
    """Who reads the files: processes of this machine, or the actors of a cluster."""
    task, limit = ReadImage(options.reader), options.limit_seconds
    if options.cluster is None or not todo:
        count = workers if workers is not None else os.cpu_count() or 1
        prepare = PrepareWorker(count)
        pool = map_isolated(task, todo, workers=count, limit_seconds=limit, prepare=prepare)
        with contextlib.closing(pool):
            yield pool
        return
    from hilum.scale.cluster import ClusterWork, count_cores, map_on_cluster, open_cluster

    # Always as one of several: a node has as many actors as cores.
    work = ClusterWork(task, limit, PrepareWorker(2), CheckNode(options.reader, weights))
    with open_cluster(options.cluster, workers=workers):
        count = workers if workers is not None else count_cores()
        results = map_on_cluster(work, todo, workers=count)
        with contextlib.closing(results):
            yield results


def _collect(
    results: Iterable[tuple[BatchItem, Row | Crash]],
    store: PartStore,
    progress: BatchProgress,
    options: BatchOptions,
    on_progress: Callable[[BatchProgress], None],
) -> None:
    """Put the rows into the store as they come, also those before an interrupt."""
    on_progress(progress)
    done = failed = 0
    try:
        for item, result in results:
            row = error_row(item, result.reason, 0.0) if isinstance(result, Crash) else result
            store.append(row)
            done += 1
            failed += row["error"] is not None
            store.flush_when_due(rows=options.flush_rows, seconds=options.flush_seconds)
            on_progress(BatchProgress(progress.total, progress.skipped, done, failed))
    finally:
        store.flush()


def _summarise(
    table: pa.Table, out: Path | str, progress: BatchProgress, seconds: float
) -> BatchSummary:
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
