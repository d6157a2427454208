"""The tables of the label schemes: complete, known names, a decision for every concept."""

import csv
import re
from importlib import resources

import pytest

from hilum.errors import InvalidValueError
from hilum.text import label_tables
from hilum.text.label_tables import (
    SCHEMES,
    label_names,
    label_titles,
    load_scheme,
    mapping_rows,
    scheme_labels,
)
from hilum.text.mesh_tags import labels_of_tag, labels_of_tags, tag_rows

CHEXPERT = [
    "no_finding",
    "enlarged_cardiomediastinum",
    "cardiomegaly",
    "lung_opacity",
    "lung_lesion",
    "edema",
    "consolidation",
    "pneumonia",
    "atelectasis",
    "pneumothorax",
    "pleural_effusion",
    "pleural_other",
    "fracture",
    "support_devices",
]


def test_chexpert_has_its_fourteen_labels_in_order():
    assert list(label_names("chexpert")) == CHEXPERT


def test_chestxray14_has_fourteen_labels_and_the_normal_one():
    titles = label_titles("chestxray14")
    assert len(titles) == 15
    assert titles["pleural_thickening"] == "Pleural_Thickening"
    assert titles["no_finding"] == "No Finding"


def test_padchest_is_a_tree_with_the_published_size():
    assert len(label_names("padchest")) > 150
    parents = {label.label: label.parents for label in scheme_labels("padchest")}
    assert parents["consolidation"] == ("alveolar_pattern",)
    assert parents["alveolar_pattern"] == ("infiltrates",)
    assert set(parents["hydropneumothorax"]) == {"pneumothorax", "pleural_effusion"}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_labels_are_unique_snake_case_and_their_parents_exist(scheme):
    labels = scheme_labels(scheme)
    names = label_names(scheme)
    assert len(set(names)) == len(labels)
    for label in labels:
        assert re.fullmatch(r"[a-z0-9_]+", label.label)
        assert set(label.parents) <= set(names)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_label_apart_from_the_normal_one_can_be_reached_or_has_no_concept(scheme):
    reached = {row.label for row in mapping_rows(scheme)}
    missing = set(label_names(scheme)) - reached
    normal = label_names(scheme)[load_scheme(scheme).normal]
    if scheme == "padchest":  # the tree is finer than the concepts
        assert normal in missing
    else:
        assert missing == {normal}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_concepts_of_the_mapping_are_known_to_the_lexicon(scheme):
    lexicon = known_concepts()
    assert {row.concept for row in mapping_rows(scheme)} - lexicon == set()


def test_chexpert_decides_on_every_concept():
    decided = {row.concept for row in mapping_rows("chexpert")}
    assert known_concepts() - decided == set()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_no_row_is_written_twice(scheme):
    keys = [(row.concept, row.label, row.needs) for row in mapping_rows(scheme)]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_rises_carry_a_leaf_to_the_top_in_one_pass(scheme):
    compiled = load_scheme(scheme)
    done = set()
    for child, parent in compiled.rises:
        assert parent not in done  # a parent never rises before its child arrives
        done.add(child)


def test_hydropneumothorax_makes_two_labels():
    compiled = load_scheme("chexpert")
    effect = compiled.present["hydropneumothorax"].always
    bits = {name for name, index in compiled.index.items() if effect.present >> index & 1}
    assert bits == {"pleural_effusion", "pneumothorax"}


def test_an_unknown_scheme_is_refused_with_the_known_ones():
    with pytest.raises(InvalidValueError, match="chestxray14"):
        load_scheme("radlex")


def test_a_table_with_an_unknown_label_is_refused(monkeypatch):
    row = label_tables.MappingRow("edema", "oedema", "same", (), "")
    monkeypatch.setattr(label_tables, "mapping_rows", lambda scheme: (row,))
    with pytest.raises(InvalidValueError, match="oedema"):
        load_scheme.__wrapped__("chexpert")


@pytest.mark.parametrize(
    ("tag", "labels"),
    [
        ("normal", {"normal"}),
        ("Cardiomegaly/mild", {"cardiomegaly"}),
        ("Cardiac Shadow/enlarged", {"cardiomegaly"}),
        ("Opacity/lung/base/left", {"opacity"}),
        ("Opacity/lung/upper lobe/right/round", {"nodule"}),
        ("Opacity/lung/interstitial/bilateral", {"interstitial_opacity"}),
        ("Lung/hypoinflation", {"low_lung_volumes"}),
        ("Calcinosis/aorta", {"vascular_calcification"}),
        ("Calcinosis/lung/hilum/lymph nodes/left", {"calcinosis"}),
        ("Hydropneumothorax/right", {"pleural_effusion", "pneumothorax"}),
        ("Thoracic Vertebrae/degenerative/mild", {"degenerative_change"}),
        ("Diaphragm/right/elevated", {"elevated_diaphragm"}),
        ("Diaphragm/left/obscured", set()),
        ("A heading that nobody wrote", set()),
        ("", set()),
    ],
)
def test_a_mesh_tag_stands_for_its_labels(tag, labels):
    assert labels_of_tag(tag) == labels


def test_tags_of_a_report_are_joined():
    assert labels_of_tags(["Emphysema", "Cicatrix/lung/apex", "Markings/bronchovascular"]) == {
        "emphysema",
        "scar",
    }


def test_tag_labels_are_those_of_the_scheme():
    labels = {row.label for row in tag_rows() if row.label}
    assert labels == set(label_names("mesh"))


def known_concepts():
    """Findings and devices that the English lexicon can name."""
    folder = resources.files("hilum.text") / "lexicon"
    terms = csv.DictReader((folder / "en" / "terms.csv").read_text("utf-8").splitlines())
    made = csv.DictReader((folder / "compositions.csv").read_text("utf-8").splitlines())
    named = {row["name"] for row in terms if row["kind"] in ("finding", "device")}
    return named | {row["name"] for row in made if row["name"]}
