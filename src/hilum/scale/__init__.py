"""Batches: many radiographs read by several processes into one Parquet table.

The same main path as a single reading (``hilum.reading.read``), once for every file. A
batch survives bad files, dying workers and interruption, and goes on where it stopped.
"""

from hilum.scale.batch import BatchOptions, BatchSummary, read_batch
from hilum.scale.listing import BatchItem, Listing, list_batch
from hilum.scale.reader import Reader, StudyReader
from hilum.scale.rows import batch_schema

__all__ = [
    "BatchItem",
    "BatchOptions",
    "BatchSummary",
    "Listing",
    "Reader",
    "StudyReader",
    "batch_schema",
    "list_batch",
    "read_batch",
]
