"""How often Python looks for reference cycles while reports are read by the million.

Parsed reports are many small tuples without cycles, which counting references frees. At
CPython's default of 700 new objects the search for cycles takes a sixth of the time.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["THRESHOLDS", "collect_seldom"]

THRESHOLDS = (50_000, 20, 20)
"""For ``gc.set_threshold``: a few megabytes of new objects between two searches."""


@contextmanager
def collect_seldom() -> Iterator[None]:
    """Search for cycles seldom within the block, and as before after it.

    >>> import gc
    >>> with collect_seldom():
    ...     gc.get_threshold() == THRESHOLDS
    True
    """
    before = gc.get_threshold()
    gc.set_threshold(*THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
