"""Places, hedges and lists read as a radiologist writes them."""

import string
from itertools import chain

import pytest

from hilum.ontology import finding_names
from hilum.report.wording import (
    band,
    decapitalise,
    head,
    join_words,
    number,
    place,
    sentence,
    sides,
    templates,
    terms,
)
from hilum.types import ChangeKind, Status

RIGHT = ["right_upper_zone", "right_middle_zone", "right_lower_zone"]
LEFT = ["left_upper_zone", "left_middle_zone", "left_lower_zone"]


@pytest.mark.parametrize(
    ("zones", "expected"),
    [
        ([], ""),
        (["right_lower_zone"], "in the right lower zone"),
        (["right_lower_zone", "right_middle_zone"], "in the right mid and lower zones"),
        (RIGHT, "throughout the right lung"),
        (["left_lower_zone", "right_lower_zone"], "in both lower zones"),
        ([*RIGHT[1:], *LEFT[1:]], "in the mid and lower zones of both lungs"),
        ([*RIGHT, *LEFT], "throughout both lungs"),
        (["right_lower_zone", "left_middle_zone"], "in the right lower and left mid zones"),
        (
            [*RIGHT, "left_lower_zone"],
            "throughout the right lung and in the left lower zone",
        ),
        (
            [*RIGHT[:2], "left_lower_zone"],
            "in the right upper and mid zones and in the left lower zone",
        ),
        (["somewhere"], ""),
    ],
)
def test_places(zones, expected):
    assert place("consolidation", zones) == expected


def test_pleural_findings_are_told_by_side():
    assert place("pneumothorax", RIGHT) == ""
    assert head("pneumothorax", 0.95, RIGHT) == "Right pneumothorax"
    assert head("pneumothorax", 0.8, [*RIGHT, *LEFT]) == "Probable bilateral pneumothoraces"
    assert head("pleural_effusion", None, LEFT) == "Left pleural effusion"
    assert sides(["left_lower_zone", "right_upper_zone"]) == ("right", "left")


@pytest.mark.parametrize(
    ("probability", "hedge"),
    [
        (1.0, ""),
        (0.9, ""),
        (0.89, "probable"),
        (0.7, "probable"),
        (0.69, "possible"),
        (0.0, "possible"),
    ],
)
def test_bands(probability, hedge):
    assert band(probability)["hedge"] == hedge


def test_lists():
    assert join_words([], "or") == ""
    assert join_words(["a"], "or") == "a"
    assert terms(["nodule_or_mass"], "or") == "lung nodule or mass"
    assert number(2) == "two"
    assert number(12) == "12"
    assert decapitalise("PA view") == "PA view"


def test_several_take_the_plural():
    assert head("nodule_or_mass", 0.95, RIGHT[:1]) == "Nodule or mass"
    assert head("nodule_or_mass", 0.95, RIGHT) == "Nodules or masses"


def test_unknown_findings_are_worded_plainly():
    assert head("rib_fracture", 0.5, []) == "Possible rib fracture"
    assert terms(["rib_fracture"], "or") == "rib fracture"


def test_own_templates_go_before_the_default():
    text = sentence("endotracheal_tube", "present", subject="Endotracheal tube", where="")
    assert text == "Endotracheal tube in place."
    doubt = sentence("endotracheal_tube", "uncertain", subject="Endotracheal tube", where="")
    assert doubt == "Endotracheal tube cannot be excluded."


def test_templates_are_complete():
    table = templates()
    assert set(finding_names()) - {"no_finding"} == set(table["nouns"])
    floors = [row["floor"] for row in table["bands"]]
    assert floors == sorted(floors, reverse=True)
    assert floors[-1] == 0.0
    for status in (*Status, "unread"):
        assert set(table["heart"][status]) == {"above", "borderline", "normal", "unmeasured"}
    for kinds in (table["changes"]["default"], table["changes"]["cardiomegaly"]):
        assert set(kinds) == set(ChangeKind)


def test_templates_use_only_known_slots():
    allowed = {"verb", "ratio", "reason"}
    rows = chain.from_iterable(templates()["heart"][status].values() for status in Status)
    for template in rows:
        assert {slot for _, slot, _, _ in string.Formatter().parse(template) if slot} <= allowed
