"""Codes of what a reading says, for DICOM and FHIR alike, and the way back.

Findings and anatomy take their codes from the ontology (SNOMED CT before RadLex), all else
from ``codes.csv`` beside this module. What has no public code gets one of the private scheme
``99HILUM``: the name itself. Codes of DICOM, SNOMED CT and LOINC in the table were checked
against the tables that pydicom ships.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources

from hilum import ontology
from hilum.errors import InvalidValueError
from hilum.export.identity import derive_uid

__all__ = [
    "PRIVATE_SCHEME",
    "PRIVATE_SCHEME_UID",
    "Code",
    "code_anatomy",
    "code_finding",
    "code_of",
    "concept",
    "name_of_anatomy",
    "name_of_code",
    "name_of_finding",
    "side_of_anatomy",
]

PRIVATE_SCHEME = "99HILUM"
PRIVATE_SCHEME_UID = derive_uid("coding scheme", PRIVATE_SCHEME)


@dataclass(frozen=True, slots=True)
class Code:
    """A coded concept: DICOM's scheme designator, the code value and what it means."""

    scheme: str
    value: str
    meaning: str

    @property
    def key(self) -> tuple[str, str]:
        """What makes two codes the same: the meaning is only for people."""
        return self.scheme, self.value


@cache
def _table() -> dict[tuple[str, str], Code]:
    text = resources.files(__package__).joinpath("codes.csv").read_text("utf-8")
    return {
        (row["kind"], row["name"]): Code(row["scheme"], row["code"], row["meaning"])
        for row in csv.DictReader(text.splitlines())
    }


def code_of(kind: str, name: str) -> Code:
    """The code of a name of one kind (``status``, ``view``, ``measurement`` ...).

    A name that the table does not know is coded privately by itself: a model of a user's
    own may measure what ours do not.

    >>> code_of("status", "present").value
    '52101004'
    >>> code_of("measurement", "rib_count")
    Code(scheme='99HILUM', value='rib_count', meaning='rib count')
    """
    return _private(kind, name)


def _private(kind: str, name: str, meaning: str = "") -> Code:
    """The table's code, else the name itself.

    Code values beyond 16 characters are legal but unknown to older readers, so names of ours
    that are longer have a short form in the table.
    """
    found = _table().get((kind, name))
    return found or Code(PRIVATE_SCHEME, name, meaning or name.replace("_", " "))


def name_of_code(kind: str, code: Code) -> str:
    """The name that ``code_of`` gave this code; the way back."""
    for (row_kind, name), known in _table().items():
        if row_kind == kind and known.key == code.key:
            return name
    return code.value


def concept(name: str) -> Code:
    """The code of a concept name that documents use.

    Raises:
        InvalidValueError: The table has no such concept.
    """
    found = _table().get(("concept", name))
    if found is None:
        raise InvalidValueError(f"codes.csv has no concept {name!r}; add it there")
    return found


def code_finding(name: str) -> Code:
    """The code of a finding; one whose public codes are only near gets a private one.

    >>> code_finding("pneumonia")
    Code(scheme='SCT', value='233604007', meaning='Pneumonia')
    >>> code_finding("nodule_or_mass").scheme
    '99HILUM'
    """
    row = next((c for c in ontology.findings() if c.name == name), None)
    if row is not None and row.code_match:
        return _private("finding", name, row.label)
    return _code_of(row, "finding", name)


def _code_of(
    row: ontology.FindingConcept | ontology.AnatomyConcept | None, kind: str, name: str
) -> Code:
    """SNOMED CT before RadLex before a private code."""
    if row is not None and row.snomed:
        return Code("SCT", row.snomed, row.snomed_display)
    if row is not None and row.radlex:
        return Code("RADLEX", row.radlex, row.radlex_display)
    return _private(kind, name, row.label if row else "")


@cache
def _findings_by_key() -> dict[tuple[str, str], str]:
    # of two with one code the first is meant: those of a reading come first
    names: dict[tuple[str, str], str] = {}
    for row in ontology.findings():
        names.setdefault(code_finding(row.name).key, row.name)
    return names


def name_of_finding(code: Code) -> str:
    """The finding of a code; the way back from ``code_finding``."""
    return _findings_by_key().get(code.key, code.value)


def code_anatomy(name: str) -> Code:
    """The code of a structure, zone or landmark; ``side_of_anatomy`` says which side.

    >>> code_anatomy("right_upper_zone"), side_of_anatomy("right_upper_zone")
    (Code(scheme='RADLEX', value='RID1350', meaning='right upper lung zone'), 'right')
    """
    row = next((c for c in ontology.anatomy() if c.name == name), None)
    return _code_of(row, "anatomy", name)


def side_of_anatomy(name: str) -> str:
    """``left``, ``right`` or empty: the patient's side of a structure, zone or landmark."""
    return next((c.side for c in ontology.anatomy() if c.name == name), "")


@cache
def _anatomy_by_key() -> dict[tuple[str, str, str], str]:
    names: dict[tuple[str, str, str], str] = {}
    for row in ontology.anatomy():  # structures, zones and landmarks before places
        names.setdefault((*code_anatomy(row.name).key, row.side), row.name)
    return names


def name_of_anatomy(code: Code, side: str = "") -> str:
    """The structure, zone or landmark of a code and a side; the way back."""
    return _anatomy_by_key().get((*code.key, side), code.value)
