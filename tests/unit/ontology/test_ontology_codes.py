"""Codes of the ontology are well formed, unambiguous, and no fewer than were found."""

import re
from collections import Counter

import pytest

from hilum import ontology

SHARED_BY_ATTRIBUTES = {"RID5704", "RID5739"}  # patchy and cystic are each of two kinds
UNCODED = {  # no checked source names these; docs/ontology_codes.md says where was looked
    "volume_loss", "peribronchial_cuffing", "hyperlucency", "azygos_lobe_variant",
    "blunted_costophrenic_angle", "enlarged_cardiomediastinum", "mediastinal_widening",
    "mediastinal_shift", "tracheal_deviation", "hilar_enlargement", "prominent_fat",
    "elevated_hemidiaphragm", "flattened_diaphragm", "artifact", "acute_process",
}  # fmt: skip


def is_snomed_id(code: str) -> bool:
    """Verhoeff check of a SNOMED CT identifier (dihedral group D5, computed, not tabled)."""

    def multiply(a: int, b: int) -> int:
        if a < 5:
            return (a + b) % 5 if b < 5 else 5 + (a + b) % 5
        return 5 + (a - b) % 5 if b < 5 else (a - b) % 5

    first = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)
    check = 0
    for position, digit in enumerate(reversed(code)):
        value = int(digit)
        for _ in range(position % 8):
            value = first[value]
        check = multiply(check, value)
    return 6 <= len(code) <= 18 and check == 0


def test_verhoeff_check_knows_good_from_bad():
    assert is_snomed_id("39607008")
    assert not is_snomed_id("39607009")
    assert not is_snomed_id("36907008")


def every_row():
    """Concepts and attribute values, each with the name that a failing test shows."""
    for concept in (*ontology.findings(), *ontology.anatomy()):
        yield pytest.param(concept, id=concept.name)
    for row in ontology.attributes():
        yield pytest.param(row, id=f"{row.kind}-{row.value}")


@pytest.mark.parametrize("row", [*every_row()])
def test_codes_are_well_formed(row):
    assert bool(row.snomed) == bool(row.snomed_display)
    assert bool(row.radlex) == bool(row.radlex_display)
    assert not row.snomed or is_snomed_id(row.snomed)
    assert re.fullmatch(r"(RID[1-9]\d{0,5})?", row.radlex)
    match = getattr(row, "code_match", "")
    assert match in ("", "nearest")
    assert not match or row.snomed or row.radlex


@pytest.mark.parametrize(
    ("rows", "shared"),
    [
        (ontology.findings(), set()),
        (ontology.anatomy(), set()),
        (ontology.attributes(), SHARED_BY_ATTRIBUTES),
    ],
    ids=["findings", "anatomy", "attributes"],
)
def test_no_two_concepts_mean_one_code(rows, shared):
    exact = [row for row in rows if not getattr(row, "code_match", "")]
    for codes in ([row.snomed for row in exact], [row.radlex for row in exact]):
        count = Counter(code for code in codes if code)
        assert {code for code, times in count.items() if times > 1} <= shared


def test_the_displays_of_one_code_agree():
    shown: dict[str, set[str]] = {}
    for row in (*ontology.findings(), *ontology.anatomy(), *ontology.attributes()):
        for code, display in ((row.snomed, row.snomed_display), (row.radlex, row.radlex_display)):
            if code:
                shown.setdefault(code, set()).add(display.lower())
    several = {code: names for code, names in shown.items() if len(names) > 1}
    assert several == {"72410000": {"mediastinum", "mediastinal structure"}}


def test_no_code_is_lost():
    uncoded = {c.name for c in ontology.findings() if not (c.snomed or c.radlex)}
    assert uncoded <= UNCODED
    assert all(c.snomed or c.radlex for c in ontology.anatomy())
    exact = [c for c in ontology.findings() if (c.snomed or c.radlex) and not c.code_match]
    assert len(exact) >= 130
    places = [c for c in ontology.anatomy() if not c.code_match]
    assert len(places) >= 86
    assert sum(bool(row.snomed or row.radlex) for row in ontology.attributes()) >= 48


def test_dicom_codes_agree_with_pydicom():
    codes = pytest.importorskip("pydicom.sr.codedict").codes
    expected = {
        "edema": codes.SCT.PulmonaryEdema,
        "pleural_effusion": codes.SCT.PleuralEffusion,
        "pneumothorax": codes.SCT.Pneumothorax,
        "endotracheal_tube": codes.SCT.EndotrachealTube,
        "feeding_tube": codes.SCT.FeedingTube,
        "pulmonary_hypertension": codes.SCT.PulmonaryHypertension,
        "heart_failure": codes.SCT.HeartFailure,
    }
    for name, code in expected.items():
        assert ontology.finding_concept(name).snomed == code.value
    assert ontology.anatomy_concept("carina").snomed == codes.SCT.Carina.value
    assert ontology.anatomy_concept("airways").snomed == codes.SCT.TracheaAndBronchus.value
    assert ontology.anatomy_concept("left_apex").snomed == codes.SCT.ApexOfLung.value
