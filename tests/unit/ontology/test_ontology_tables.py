"""The ontology's tables are well formed and cover the labels in use."""

import csv
from pathlib import Path

import pytest

from hilum import ontology
from hilum.errors import InvalidValueError

NAMES = (
    "no_finding",
    "lung_opacity",
    "pneumonia",
    "consolidation",
    "infiltration",
    "atelectasis",
    "edema",
    "pleural_effusion",
    "pleural_thickening",
    "cardiomegaly",
    "pneumothorax",
    "nodule_or_mass",
)
GROUPS = ("devices", "lungs", "pleura", "heart_mediastinum", "diaphragm_abdomen", "bones")


def test_a_reading_still_reports_its_twelve_findings():
    assert set(ontology.finding_names()) == set(NAMES)
    assert len(ontology.finding_names()) == len(NAMES)
    assert ontology.finding_names()[0] == "no_finding"
    assert ontology.findings()[0].in_reading


def test_reports_have_the_words_that_were_promised():
    findings = [concept for concept in ontology.findings() if concept.kind == "finding"]
    assert len(findings) >= 80
    assert len(ontology.device_names()) >= 25
    assert len(ontology.place_names()) >= 60
    assert ontology.attribute_values("change")[-1] == "resolved"


def test_devices_have_parts_and_findings_have_none():
    parts = {part for concept in ontology.findings() for part in concept.parts}
    assert parts == {
        "tip", "side_port", "cuff", "balloon", "lead", "generator", "distal_end", "reservoir"
    }  # fmt: skip
    assert all(c.kind == "device" for c in ontology.findings() if c.parts)
    assert ontology.finding_concept("endotracheal_tube").parts == ("tip", "cuff")


def test_attribute_values_are_unique():
    rows = ontology.attributes()
    assert len({(row.kind, row.value) for row in rows}) == len(rows)


def test_places_lie_in_what_exists_and_say_no_side():
    for name in ontology.place_names():
        concept = ontology.anatomy_concept(name)
        assert not concept.part_of or ontology.anatomy_concept(concept.part_of)
    implied = {n: ontology.anatomy_concept(n).side for n in ontology.place_names()}
    assert {n: side for n, side in implied.items() if side} == {
        "middle_lobe": "right", "minor_fissure": "right", "lingula": "left"
    }  # fmt: skip


@pytest.mark.parametrize("concept", ontology.findings(), ids=lambda c: c.name)
def test_findings_refer_to_what_exists(concept):
    assert concept.kind in ("normal", "finding", "device")
    assert concept.label
    assert 1 <= concept.urgency <= 4
    assert concept.kind == "normal" or (concept.group in GROUPS and concept.terms)
    structures = {c.name for c in ontology.anatomy() if c.kind == "structure"}
    assert set(concept.anatomy) <= structures
    assert not concept.parent or ontology.finding_concept(concept.parent)


def test_names_are_unique():
    for table in (ontology.findings(), ontology.anatomy()):
        names = [concept.name for concept in table]
        assert len(names) == len(set(names))
    keys = [(row.dataset, row.label) for row in ontology.dataset_labels()]
    assert len(keys) == len(set(keys))


def test_sides_fit_names():
    for concept in ontology.anatomy():
        if concept.is_place:
            continue  # "left_atrium" is a name, and the side of the middle lobe is implied
        for side in ("left", "right"):
            assert (concept.side == side) == (side in concept.name.split("_"))


def test_hierarchy():
    assert ontology.ancestors("consolidation") == ("lung_opacity",)
    assert "pneumonia" in ontology.descendants("lung_opacity")
    assert ontology.descendants("pneumothorax") == ("tension_pneumothorax",)
    assert ontology.ancestors("lobar_collapse") == ("atelectasis", "lung_opacity")


def test_dataset_labels_map_to_findings():
    for row in ontology.dataset_labels():
        assert not row.finding or row.finding in NAMES
        assert row.finding or row.note, f"{row.label}: say why it is unmapped"
    assert ontology.finding_for_label("chestxray14", "Nodule") == "nodule_or_mass"
    assert ontology.finding_for_label("kermany", "virus") == "pneumonia"
    assert ontology.finding_for_label("chestxray14", "Hernia") is None


def test_unknown_names_say_what_is_known():
    with pytest.raises(InvalidValueError, match="pneumonia"):
        ontology.finding_concept("pneumonitis")
    with pytest.raises(InvalidValueError, match="carina"):
        ontology.anatomy_concept("pancreas")
    with pytest.raises(InvalidValueError, match="severity"):
        ontology.attribute_values("colour")
    with pytest.raises(InvalidValueError, match=r"labels\.csv"):
        ontology.finding_for_label("chestxray14", "Gout")


@pytest.mark.data
def test_every_label_in_use_is_known(shared_data: Path):
    with (shared_data / "nih" / "labels.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for label in {label for row in rows for label in row["findings"].split("|")}:
        ontology.finding_for_label("chestxray14", label)
    for column in rows[0]:
        if column.startswith("google_"):
            ontology.finding_for_label("google", column.removeprefix("google_"))
    with (shared_data / "nih" / "boxes.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            dataset = "rsna" if row["source"] == "rsna" else "chestxray14"
            ontology.finding_for_label(dataset, row["label"])
    with (shared_data / "kermany" / "labels.csv").open(encoding="utf-8") as file:
        for label in {row["label"] for row in csv.DictReader(file)}:
            ontology.finding_for_label("kermany", label)
