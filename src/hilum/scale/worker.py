"""What a worker of a batch does, whoever started it: the local pool or a cluster."""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass

from hilum._version import __version__
from hilum.errors import HilumError
from hilum.scale.listing import BatchItem
from hilum.scale.objects import fetch_image
from hilum.scale.reader import Reader
from hilum.scale.rows import Row, error_row, reading_row

__all__ = ["THREADS_VARIABLE", "CheckNode", "PrepareWorker", "ReadImage"]

THREADS_VARIABLE = "HILUM_THREADS"


@dataclass(frozen=True, slots=True)
class ReadImage:
    """The task of a worker: never raises, so that one bad file stops nothing."""

    reader: Reader

    def __call__(self, item: BatchItem) -> Row:
        """The row of an image: read, refused, or with the error."""
        started = time.perf_counter()
        try:
            with fetch_image(item.source) as source:
                reading = self.reader(source, item.context)
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


@dataclass(frozen=True, slots=True)
class CheckNode:
    """Whether another machine would give the rows that this one gives."""

    reader: Reader
    weights: Mapping[str, str]
    version: str = __version__

    def __call__(self) -> str:
        """What differs on the machine that it is called on; empty when nothing does."""
        if self.version != __version__:
            return f"a node has Hilum {__version__}, this machine has {self.version}"
        try:
            found = dict(self.reader.weights())
        except HilumError as error:
            return f"a node cannot load the models: {error}"
        differing = sorted(task for task in self.weights if found.get(task) != self.weights[task])
        return f"a node has other weights for {', '.join(differing)}" if differing else ""
