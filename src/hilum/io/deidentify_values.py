"""New values for DICOM elements: dummies, shifted dates, new UIDs, cleaned text.

One function a kind of value; which one applies is decided in ``deidentify``.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from pydicom.uid import UID, UID_dictionary

__all__ = [
    "PatientKey",
    "TextCleaner",
    "contains_known",
    "dummy_value",
    "is_public_uid",
    "known_words",
    "shift_element",
]


class PatientKey(Protocol):
    """What the stand-ins of one patient come from: ``hilum.text.surrogates.PatientKey``."""

    @property
    def shift_days(self) -> int:
        """Days by which the patient's dates move."""

    def uid(self, original: str) -> str:
        """The UID that stands for another, the same for every patient."""

    def code(self, kind: str, original: str) -> str:
        """An identifier of the same form."""

    def digest(self, kind: str, original: str) -> bytes:
        """32 bytes that stand for an original."""


TextCleaner = Callable[[str, Any, tuple[str, ...]], str]
"""Text, the patient's key and known identifiers, to the text without identifiers."""

_DUMMIES: dict[str, Any] = {
    "DA": "19000101", "TM": "000000", "DT": "19000101000000", "PN": "Anonymous", "AS": "000Y",
    "CS": "ANONYMIZED", "AE": "ANONYMIZED", "IS": "0", "DS": "0", "UR": "https://example.org",
}  # fmt: skip
_TEXT = frozenset({"LO", "SH", "LT", "ST", "UT", "UC"})
_BYTES = frozenset({"OB", "OW", "UN", "OD", "OF", "OL", "OV"})


def dummy_value(vr: str) -> Any:
    """A value that is valid for the VR and says nothing; numbers are 0."""
    if vr in _TEXT:
        return "ANONYMIZED"
    if vr in _BYTES:
        return b"\0\0"
    if vr == "SQ":
        return []
    return _DUMMIES.get(vr, 0)


def is_public_uid(uid: str) -> bool:
    """Whether a UID is one of the standard (a SOP class, say) and so names no object."""
    return uid in UID_dictionary or str(UID(uid)).startswith("1.2.840.10008.")


_DATE = re.compile(r"(\d{4})[.-]?(\d{2})[.-]?(\d{2})(.*)", re.DOTALL)


def _shift_one(value: str, days: int) -> str:
    match = _DATE.fullmatch(value.strip())
    if not match:
        return ""
    try:
        day = dt.date(int(match[1]), int(match[2]), int(match[3])) + dt.timedelta(days=days)
    except (ValueError, OverflowError):
        return ""
    return f"{day:%Y%m%d}".rjust(8, "0") + match[4]


def shift_element(vr: str, values: Iterable[Any], days: int) -> list[str]:
    """Values of VR DA, DT or TM with the day moved; times of day stay.

    What is no date is emptied: it may be anything.
    """
    texts = [str(value) for value in values]
    if vr == "TM":
        return [text if re.fullmatch(r"[\d:.]{2,16}", text) else "" for text in texts]
    return [_shift_one(text, days) for text in texts]


_WORD = re.compile(r"[^\W_]+")
_MIN_WORD = 3


def known_words(values: Iterable[str]) -> frozenset[str]:
    """Words of identifying values, in lower case, that must stand nowhere in the result."""
    words = {word.lower() for value in values for word in _WORD.findall(value)}
    return frozenset(word for word in words if len(word) >= _MIN_WORD and not word.isspace())


def contains_known(text: str, words: frozenset[str], wholes: frozenset[str]) -> bool:
    """Whether the text holds one of the words as a word, or one of the values anywhere."""
    lower = text.lower()
    return any(word in words for word in _WORD.findall(lower)) or any(w in lower for w in wholes)
