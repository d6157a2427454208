"""What counts as a word, and which sections are compared: named, because scores hang on it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from hilum.errors import InvalidValueError
from hilum.text import parse
from hilum.text.types import Document

__all__ = ["NORMALISATIONS", "SECTION_POLICIES", "alphanumeric", "select_sections", "words"]

_WORD = re.compile(r"[^\W_]+(?:[.,]\d+)*|[^\w\s]|_+")
_ALPHANUMERIC = re.compile(r"[a-z0-9]+")


def words(text: str) -> list[str]:
    """Lower-case words, numbers with their decimals, and single punctuation marks.

    >>> words("No effusion; 2.5 cm nodule.")
    ['no', 'effusion', ';', '2.5', 'cm', 'nodule', '.']
    """
    return _WORD.findall(text.lower())


def alphanumeric(text: str) -> list[str]:
    """Lower-case runs of a-z and 0-9, all else a gap: ROUGE's own tokens.

    >>> alphanumeric("No effusion; 2.5 cm.")
    ['no', 'effusion', '2', '5', 'cm']
    """
    return _ALPHANUMERIC.findall(text.lower())


NORMALISATIONS: Mapping[str, Callable[[str], list[str]]] = {
    "words": words,
    "alphanumeric": alphanumeric,
    "whitespace": str.split,
}
"""By the name that stands in a record."""

SECTION_POLICIES: Mapping[str, tuple[str, ...] | None] = {
    "whole": None,
    "findings": ("findings",),
    "impression": ("impression",),
    "findings_impression": ("findings", "impression", "addendum", "body"),
}
"""Sections that are compared; ``whole`` is the text as it is. A report without headings is its
own findings and, under ``findings_impression``, is compared whole."""


def select_sections(report: str | Document, policy: str) -> str:
    """The text of the sections that a policy compares, in the order of the report.

    A report without any heading counts as findings. Empty where the report lacks the section.

    Raises:
        InvalidValueError: The policy is not known.
    """
    if policy not in SECTION_POLICIES:
        raise InvalidValueError(
            f"unknown section policy {policy!r}; one of {', '.join(SECTION_POLICIES)}"
        )
    names = SECTION_POLICIES[policy]
    if names is None:
        return report.text if isinstance(report, Document) else report
    document = report if isinstance(report, Document) else parse(report)
    found = {section.name for section in document.sections}
    if policy == "findings" and found <= {"body"}:
        names = ("body",)
    return _joined([document.slice(s.span) for s in document.sections if s.name in names])


def _joined(parts: Sequence[str]) -> str:
    return "\n".join(part.strip() for part in parts if part.strip())
