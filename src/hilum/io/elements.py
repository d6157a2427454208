"""Tolerant access to DICOM elements: a malformed value counts as a missing one.

pydicom converts values when they are read and raises or warns on malformed ones; nothing
of that may stop the reading of an image whose pixels are fine, so it ends here.
"""

from __future__ import annotations

import logging
import math
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydicom.valuerep import PersonName

__all__ = [
    "is_small",
    "quiet",
    "read_first",
    "read_integer",
    "read_items",
    "read_numbers",
    "read_text",
    "read_value",
]

MAX_VALUE_BYTES = 1 << 16
"""A text or a list of numbers; a million of them would become a gigabyte of objects."""
MAX_SEQUENCE_BYTES = 1 << 19

_LOGGERS = tuple(logging.getLogger(name) for name in ("pydicom", "PIL", "openjpeg", "libjpeg"))


@contextmanager
def quiet() -> Iterator[None]:
    """Silence pydicom and Pillow in this thread without touching their configuration.

    Their warnings and log records quote values of the file, which may be patient data.
    """
    thread = threading.get_ident()

    def is_foreign(record: logging.LogRecord) -> bool:
        return record.thread != thread

    for logger in _LOGGERS:
        logger.addFilter(is_foreign)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger in _LOGGERS:
            logger.removeFilter(is_foreign)


def read_value(dataset: Any, keyword: str, *, limit: int = MAX_VALUE_BYTES) -> Any:
    """The element's value, None when it is missing, malformed or longer than ``limit`` bytes."""
    try:
        with quiet():
            is_raw = hasattr(dataset, "get_item") and keyword in dataset
            if is_raw and not is_small(dataset.get_item(keyword), limit):
                return None
            return dataset.get(keyword)
    except Exception:
        return None


def is_small(element: Any, limit: int) -> bool:
    """Whether an element as it was read holds no more than ``limit`` bytes.

    Elements that were converted already (the items of a sequence) count as small: what a header
    may hold of them is limited where it is read.
    """
    value = element.value
    return not isinstance(value, bytes) or len(value) <= limit


def _values(dataset: Any, keyword: str) -> list[Any]:
    """The values of an element, one or many, as a list."""
    value = read_value(dataset, keyword)
    if value is None or value == "":
        return []
    # a name has parts, and is one value
    is_single = isinstance(value, (str, bytes, int, float, PersonName))
    if is_single or not hasattr(value, "__iter__"):
        return [value]
    return list(value)


def read_text(dataset: Any, keyword: str) -> str:
    """The element's text, several values joined by a backslash; "" when there is none."""
    try:
        text = "\\".join(str(value).strip() for value in _values(dataset, keyword))
        return text.replace("\0", "").encode("utf-8", "ignore").decode("utf-8")
    except Exception:
        return ""


def read_numbers(dataset: Any, keyword: str) -> tuple[float, ...]:
    """The element's finite numbers; empty when any of them is malformed.

    >>> read_numbers({"WindowCenter": ["2048", "1024"]}, "WindowCenter")
    (2048.0, 1024.0)
    """
    try:
        numbers = tuple(float(value) for value in _values(dataset, keyword))
    except (TypeError, ValueError, OverflowError):
        return ()
    return numbers if all(map(math.isfinite, numbers)) else ()


def read_first(dataset: Any, keyword: str) -> float | None:
    """The first of the element's numbers, or None."""
    numbers = read_numbers(dataset, keyword)
    return numbers[0] if numbers else None


def read_integer(dataset: Any, keyword: str, default: int) -> int:
    """The element's first number as an integer, or ``default``, also for one beyond 2**53."""
    number = read_first(dataset, keyword)
    return default if number is None or abs(number) > 1 << 53 else int(number)


def read_items(dataset: Any, keyword: str) -> list[Any]:
    """The items of a sequence element; empty when there are none."""
    value = read_value(dataset, keyword, limit=MAX_SEQUENCE_BYTES)
    try:
        return [item for item in value if hasattr(item, "get")] if value else []
    except Exception:
        return []
