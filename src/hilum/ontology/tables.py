"""Load the ontology's tables: findings, devices, anatomy, attributes, labels of datasets.

The tables are CSV files beside this module; they are the only place where a name, a
code or a synonym is written down. Every code was found beside its display in a source that
is not ours (the DICOM and HL7 code tables, a RadLex export and others, listed in
``docs/ontology_codes.md``); a concept without a checked code is left empty. ``code_match`` is
empty where the codes mean the concept itself, and ``nearest`` where they mean a wider or
neighbouring one ("contusion" for a contusion of the lung).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources

from hilum.errors import InvalidValueError

__all__ = [
    "AnatomyConcept",
    "AttributeConcept",
    "DatasetLabel",
    "FindingConcept",
    "anatomy",
    "anatomy_concept",
    "ancestors",
    "attribute_values",
    "attributes",
    "dataset_labels",
    "descendants",
    "device_names",
    "finding_concept",
    "finding_for_label",
    "finding_names",
    "findings",
    "place_names",
]


@dataclass(frozen=True, slots=True)
class FindingConcept:
    """A finding or device that a reading or a report may name.

    ``kind`` is ``normal`` (only ``no_finding``), ``finding`` or ``device``. ``terms`` are the
    words for it in a list ("lung nodule", "mass"). ``group`` is the place in a radiologist's
    search (devices, lungs, pleura, heart_mediastinum, diaphragm_abdomen, bones). ``parent``
    is the wider finding that its presence implies. ``anatomy`` names the structures in which
    a region of it must lie. ``urgency`` runs from 1 (act now) to 4. ``in_reading`` marks the
    findings that the shipped models answer; the others are only understood in text.
    ``parts`` of a device are what a report locates ("tip"). Empty codes are unknown, not
    absent; ``code_match`` is ``nearest`` where they are of a wider concept.
    """

    name: str
    kind: str
    label: str
    terms: tuple[str, ...]
    snomed: str
    snomed_display: str
    radlex: str
    radlex_display: str
    group: str
    parent: str
    anatomy: tuple[str, ...]
    urgency: int
    in_reading: bool = False
    parts: tuple[str, ...] = ()
    code_match: str = ""


@dataclass(frozen=True, slots=True)
class AnatomyConcept:
    """A structure, zone or landmark of an image, or a place that a report names.

    ``side`` is the patient's left or right that the name holds or implies (the middle lobe is
    right), or empty. ``is_place`` marks the places of reports, which are side-neutral
    ("lower_lobe"): a report says the side in words of its own. ``code_match`` is ``nearest``
    where the codes are of a wider place.
    """

    name: str
    kind: str
    label: str
    side: str
    part_of: str
    snomed: str
    snomed_display: str
    radlex: str
    radlex_display: str
    code_match: str = ""
    is_place: bool = False


@dataclass(frozen=True, slots=True)
class AttributeConcept:
    """A canonical value of a kind of attribute, such as ``severity`` ``mild``."""

    kind: str
    value: str
    snomed: str
    snomed_display: str
    radlex: str
    radlex_display: str


@dataclass(frozen=True, slots=True)
class DatasetLabel:
    """A label of a public dataset and the finding it stands for (empty: none of ours)."""

    dataset: str
    label: str
    finding: str
    note: str


def _rows(table: str) -> Iterator[dict[str, str]]:
    text = resources.files(__package__).joinpath(table).read_text(encoding="utf-8")
    yield from csv.DictReader(text.splitlines())


_FINDING_TEXTS = (
    "name", "kind", "label", "snomed", "snomed_display", "radlex", "radlex_display", "code_match",
    "group", "parent",
)  # fmt: skip


def _split(cell: str) -> tuple[str, ...]:
    return tuple(part for part in cell.split("|") if part)


def _concept(row: dict[str, str]) -> FindingConcept:
    return FindingConcept(
        **{key: row[key] for key in _FINDING_TEXTS},
        terms=_split(row["terms"]),
        anatomy=_split(row["anatomy"]),
        urgency=int(row["urgency"]),
        in_reading=row.get("in_reading") == "yes",
        parts=_split(row.get("parts", "")),
    )


@cache
def findings() -> tuple[FindingConcept, ...]:
    """Every finding concept, those of a reading first and in its order, then every device."""
    rows = (*_rows("findings.csv"), *_rows("devices.csv"))
    return tuple(_concept(row) for row in rows)


@cache
def anatomy() -> tuple[AnatomyConcept, ...]:
    """Every structure, zone, landmark and place."""
    return tuple(
        AnatomyConcept(is_place=row.pop("is_place") == "yes", **row) for row in _rows("anatomy.csv")
    )


@cache
def attributes() -> tuple[AttributeConcept, ...]:
    """Every canonical value of every kind of attribute, in order of kind."""
    return tuple(AttributeConcept(**row) for row in _rows("attributes.csv"))


@cache
def dataset_labels() -> tuple[DatasetLabel, ...]:
    """Every label of the public datasets that is mapped, or known to be unmapped."""
    return tuple(DatasetLabel(**row) for row in _rows("labels.csv"))


@cache
def finding_names() -> tuple[str, ...]:
    """Names of the findings that a reading reports, ``no_finding`` first, devices left out."""
    return tuple(concept.name for concept in findings() if concept.in_reading)


@cache
def device_names() -> tuple[str, ...]:
    """Names of the devices that a report may name."""
    return tuple(concept.name for concept in findings() if concept.kind == "device")


@cache
def place_names() -> tuple[str, ...]:
    """Names of the side-neutral places that a report may name."""
    return tuple(concept.name for concept in anatomy() if concept.is_place)


@cache
def attribute_values(kind: str) -> tuple[str, ...]:
    """The canonical values of a kind of attribute, in order.

    >>> attribute_values("severity")
    ('minimal', 'mild', 'moderate', 'severe')

    Raises:
        InvalidValueError: If the ontology has no such kind.
    """
    values = tuple(row.value for row in attributes() if row.kind == kind)
    if not values:
        known = ", ".join(dict.fromkeys(row.kind for row in attributes()))
        raise InvalidValueError(f"no attribute is of kind {kind!r}; use one of {known}")
    return values


@cache
def _findings_by_name() -> dict[str, FindingConcept]:
    return {concept.name: concept for concept in findings()}


@cache
def _anatomy_by_name() -> dict[str, AnatomyConcept]:
    return {concept.name: concept for concept in anatomy()}


def finding_concept(name: str) -> FindingConcept:
    """The finding of that name.

    >>> finding_concept("edema").snomed
    '19242006'

    Raises:
        InvalidValueError: If the ontology has no such finding.
    """
    concept = _findings_by_name().get(name)
    if concept is None:
        known = ", ".join(_findings_by_name())
        raise InvalidValueError(f"no finding is named {name!r}; use one of {known}")
    return concept


def anatomy_concept(name: str) -> AnatomyConcept:
    """The structure, zone or landmark of that name.

    Raises:
        InvalidValueError: If the ontology has no such anatomy.
    """
    concept = _anatomy_by_name().get(name)
    if concept is None:
        known = ", ".join(_anatomy_by_name())
        raise InvalidValueError(f"no anatomy is named {name!r}; use one of {known}")
    return concept


@cache
def ancestors(name: str) -> tuple[str, ...]:
    """Names of the wider findings that ``name`` implies, nearest first.

    >>> ancestors("pneumonia")
    ('lung_opacity',)
    """
    chain: list[str] = []
    parent = finding_concept(name).parent
    while parent:
        chain.append(parent)
        parent = finding_concept(parent).parent
    return tuple(chain)


@cache
def descendants(name: str) -> tuple[str, ...]:
    """Names of the findings that imply ``name``, in table order."""
    finding_concept(name)
    return tuple(concept.name for concept in findings() if name in ancestors(concept.name))


def finding_for_label(dataset: str, label: str) -> str | None:
    """The finding that a public dataset's label stands for, None when it is unmapped.

    >>> finding_for_label("chestxray14", "Effusion")
    'pleural_effusion'

    Raises:
        InvalidValueError: If the table does not know the dataset or the label.
    """
    for row in dataset_labels():
        if (row.dataset, row.label) == (dataset, label):
            return row.finding or None
    raise InvalidValueError(
        f"label {label!r} of dataset {dataset!r} is not in the ontology's labels.csv; "
        "add it there, with an empty finding if it maps to none"
    )
