import math

import pytest

from hilum.errors import InvalidValueError
from hilum.models.adapters.labels import FindingSource, map_labels, parse_mapping
from hilum.ontology import finding_names


def mapped(labels, mapping=None):
    return {s.finding: [labels[i] for i in s.indices] for s in map_labels(labels, mapping)}


def test_labels_of_public_datasets_are_known():
    labels = ["Effusion", "Pleural_Thickening", "Lung Opacity", "Hernia", "Pneumonia"]
    assert mapped(labels) == {
        "lung_opacity": ["Lung Opacity"],
        "pneumonia": ["Pneumonia"],
        "pleural_effusion": ["Effusion"],
        "pleural_thickening": ["Pleural_Thickening"],
    }


@pytest.mark.parametrize("label", ["pleural effusion", "PLEURAL-EFFUSION", " pleural_effusion "])
def test_spelling_does_not_matter(label):
    assert list(mapped([label])) == ["pleural_effusion"]


def test_every_finding_is_known_by_its_own_name():
    assert tuple(mapped(finding_names())) == finding_names()


def test_several_labels_of_one_finding_are_joined():
    assert mapped(["Nodule", "Edema", "Mass", ""])["nodule_or_mass"] == ["Nodule", "Mass"]


def test_the_user_knows_better():
    labels = ["Effusion", "Fibrosis", "Edema"]
    assert mapped(labels, {"Fibrosis": "lung_opacity", "Edema": ""}) == {
        "lung_opacity": ["Fibrosis"],
        "pleural_effusion": ["Effusion"],
    }


@pytest.mark.parametrize(
    ("labels", "mapping", "message"),
    [
        (["Hernia", ""], {}, "stands for a finding"),
        (["Edema"], {"Oedema": "edema"}, "not among"),
        (["Edema"], {"Edema": "oedema"}, "no findings"),
        (["Edema"], {"Edema": ""}, "stands for a finding"),
    ],
)
def test_mappings_that_cannot_be(labels, mapping, message):
    with pytest.raises(InvalidValueError, match=message):
        map_labels(labels, mapping)


def test_mapping_as_text():
    assert parse_mapping("A b=edema,,C=, ") == {"A b": "edema", "C": ""}
    assert parse_mapping("") == {}
    with pytest.raises(InvalidValueError, match="LABEL=FINDING"):
        parse_mapping("Edema")


def test_the_operating_point_of_joined_labels_is_the_highest_known():
    points = [0.2, math.nan, 0.4]
    assert FindingSource("edema", (0, 1, 2)).operating_point(points) == 0.4
    assert FindingSource("edema", (1,)).operating_point(points) is None
