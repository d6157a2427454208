"""Batches: many radiographs or reports, by several processes, into one table.

The same main path as a single reading (``hilum.reading.read``), once for every file. A
batch survives bad files, dying workers and interruption, and goes on where it stopped.
Importing this package loads neither readers of pixels nor of text.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hilum.scale.batch import BatchOptions, BatchSummary, read_batch
    from hilum.scale.listing import BatchItem, Listing, list_batch
    from hilum.scale.phantoms import DatasetSummary, make_dataset
    from hilum.scale.reader import Reader, StudyReader
    from hilum.scale.reports import open_reports
    from hilum.scale.rows import batch_schema
    from hilum.scale.text_batch import TextOptions, run_reports

__all__ = [
    "BatchItem",
    "BatchOptions",
    "BatchSummary",
    "DatasetSummary",
    "Listing",
    "Reader",
    "StudyReader",
    "TextOptions",
    "batch_schema",
    "list_batch",
    "make_dataset",
    "open_reports",
    "read_batch",
    "run_reports",
]

_HOMES = {
    "BatchItem": "listing",
    "BatchOptions": "batch",
    "BatchSummary": "batch",
    "DatasetSummary": "phantoms",
    "Listing": "listing",
    "Reader": "reader",
    "StudyReader": "reader",
    "TextOptions": "text_batch",
    "batch_schema": "rows",
    "list_batch": "listing",
    "make_dataset": "phantoms",
    "open_reports": "reports",
    "read_batch": "batch",
    "run_reports": "text_batch",
}


def __getattr__(name: str) -> Any:
    """Import a name's module the first time that the name is used (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'hilum.scale' has no attribute {name!r}")
    return getattr(importlib.import_module(f"hilum.scale.{_HOMES[name]}"), name)
