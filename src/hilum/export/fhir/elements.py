"""FHIR R4 data types from our codes and numbers, as plain values that ``json.dump`` takes."""

from __future__ import annotations

from typing import Any

from hilum.export.coding import PRIVATE_SCHEME, PRIVATE_SCHEME_UID, Code, code_of, concept
from hilum.export.identity import derive_uid

__all__ = [
    "EVIDENCE_SYSTEM",
    "SYSTEMS",
    "component",
    "concept_of",
    "name_reference",
    "quantity",
    "read_code",
    "read_components",
]

SYSTEMS = {
    "SCT": "http://snomed.info/sct",
    "LN": "http://loinc.org",
    "DCM": "http://dicom.nema.org/resources/ontology/DCM",
    "RADLEX": "http://radlex.org",
    "UCUM": "http://unitsofmeasure.org",
    PRIVATE_SCHEME: f"urn:oid:{PRIVATE_SCHEME_UID}",
}
"""Code system by DICOM's scheme designator."""

EVIDENCE_SYSTEM = f"urn:oid:{derive_uid('evidence ids')}"
"""Identifier system of a reading's evidence, such as ``r1.pneumonia``."""


def concept_of(code: Code) -> dict[str, Any]:
    """A CodeableConcept."""
    coding = {"system": SYSTEMS[code.scheme], "code": code.value, "display": code.meaning}
    return {"coding": [coding], "text": code.meaning}


def read_code(value: dict[str, Any]) -> Code:
    """The code of a CodeableConcept of ``concept_of``."""
    coding = value["coding"][0]
    schemes = {system: scheme for scheme, system in SYSTEMS.items()}
    return Code(schemes[coding["system"]], coding["code"], coding.get("display", ""))


def quantity(value: float, unit: str) -> dict[str, Any]:
    """A Quantity in a unit of ``codes.csv``."""
    code = code_of("unit", unit)
    return {"value": value, "unit": code.meaning, "system": SYSTEMS["UCUM"], "code": code.value}


def component(name: str, **value: Any) -> dict[str, Any]:
    """A component of an Observation under a concept of ``codes.csv``, with one ``value[x]``."""
    return {"code": concept_of(concept(name)), **value}


def read_components(observation: dict[str, Any]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """The components of an Observation by the key of their code."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for item in observation.get("component", ()):
        found.setdefault(read_code(item["code"]).key, []).append(item)
    return found


def name_reference(url: str) -> dict[str, str]:
    """A Reference to an entry of the bundle."""
    return {"reference": url}
