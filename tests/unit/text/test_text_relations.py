"""Relations: places, parts of devices, and the diagnoses that signs stand for."""

from __future__ import annotations

import pytest

from hilum.text.parsing import parse


def relations_of(text: str) -> set[tuple[str, str, str]]:
    document = parse(text, language="en")
    names = [mention.name for mention in document.mentions]
    return {(kind, names[source], names[target]) for kind, source, target in document.relations}


def test_a_finding_is_located_at_every_place_said_of_it():
    assert relations_of("Nodules in the right upper lobe and the left base.") == {
        ("located_at", "nodule", "upper_lobe"),
        ("located_at", "nodule", "lung_base"),
    }


@pytest.mark.parametrize(
    "text", ["The tip of the PICC is in the SVC.", "PICC with its tip in the SVC."]
)
def test_a_part_belongs_to_its_device(text):
    assert ("part_of", "tip", "picc") in relations_of(text)


def test_a_part_alone_belongs_to_nothing():
    assert relations_of("The tip is not seen.") == set()


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("Opacity suggestive of pneumonia.", {("lung_opacity", "pneumonia")}),
        ("Opacity, likely atelectasis.", {("lung_opacity", "atelectasis")}),
        (
            "Opacity (atelectasis or pneumonia).",
            {("lung_opacity", "atelectasis"), ("lung_opacity", "pneumonia")},
        ),
        (
            "Cardiomegaly and septal lines consistent with heart failure.",
            {("cardiomegaly", "heart_failure"), ("septal_lines", "heart_failure")},
        ),
        ("Opacity is new and may be due to edema.", {("lung_opacity", "edema")}),
        ("An effusion is present and there is possible pneumonia.", set()),
        ("Right effusion and possible pneumonia.", set()),
        ("No opacity to suggest pneumonia.", set()),
        ("Opacity; possible pneumonia.", set()),
    ],
)
def test_signs_stand_for_diagnoses_where_the_words_link_them(text, pairs):
    found = {(a, b) for kind, a, b in relations_of(text) if kind == "suggestive_of"}
    assert found == pairs


def test_a_diagnosis_takes_the_side_of_its_sign_within_one_organ():
    sides = {o.name: o.side for o in parse("Left opacity, likely pneumonia.").observations}
    assert sides == {"lung_opacity": "left", "pneumonia": "left"}
    sides = {o.name: o.side for o in parse("Left effusion, likely heart failure.").observations}
    assert sides["heart_failure"] == ""
