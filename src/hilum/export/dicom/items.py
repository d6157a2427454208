"""Content items of a structured report from our codes, as short as they can be said."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from highdicom.sr import (
    CodeContentItem,
    CodedConcept,
    ContainerContentItem,
    ContentSequence,
    NumContentItem,
    TextContentItem,
    UIDRefContentItem,
)

from hilum.export.coding import Code, code_of, concept

__all__ = [
    "add_children",
    "code_item",
    "coded",
    "container_item",
    "number_item",
    "text_item",
    "tracking_items",
]

MAX_MEANING = 64

TRACKING_ID = CodedConcept("112039", "DCM", "Tracking Identifier")
TRACKING_UID = CodedConcept("112040", "DCM", "Tracking Unique Identifier")

CONTAINS = "CONTAINS"
PROPERTY = "HAS PROPERTIES"
CONTEXT = "HAS OBS CONTEXT"


def coded(code: Code) -> CodedConcept:
    """A code as DICOM writes it; a meaning is cut at 64 characters."""
    return CodedConcept(code.value, code.scheme, code.meaning[:MAX_MEANING])


def text_item(name: str, value: str, relationship: str = CONTAINS) -> TextContentItem:
    """A TEXT under a concept name of ``codes.csv``."""
    return TextContentItem(coded(concept(name)), value, relationship)


def code_item(name: str, value: Code, relationship: str = CONTAINS) -> CodeContentItem:
    """A CODE under a concept name of ``codes.csv``."""
    return CodeContentItem(coded(concept(name)), coded(value), relationship)


def number_item(
    name: Code, value: float, unit: str, relationship: str = CONTAINS
) -> NumContentItem:
    """A NUM in a unit of ``codes.csv`` (or a UCUM code)."""
    unit_code = code_of("unit", unit)
    return NumContentItem(coded(name), value, coded(unit_code), relationship_type=relationship)


def container_item(name: str) -> ContainerContentItem:
    """An empty CONTAINER under a concept name of ``codes.csv``."""
    item = ContainerContentItem(coded(concept(name)), relationship_type=CONTAINS)
    item.ContentSequence = ContentSequence()
    return item


def tracking_items(evidence_id: str, uid: str) -> ContentSequence:
    """Which piece of evidence an item is: TID 4108."""
    return ContentSequence(
        [
            TextContentItem(TRACKING_ID, evidence_id, CONTEXT),
            UIDRefContentItem(TRACKING_UID, uid, CONTEXT),
        ]
    )


def add_children(item: Any, children: Iterable[Any]) -> Any:
    """Put items under another and return that."""
    if "ContentSequence" not in item:
        item.ContentSequence = ContentSequence()
    item.ContentSequence.extend(children)
    return item
