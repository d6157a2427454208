"""Codes: every name has one and comes back, and public ones are those of the standard."""

import csv
from importlib import resources

import pytest
from pydicom.sr._concepts_dict import concepts

from hilum import ontology
from hilum.errors import InvalidValueError
from hilum.export.coding import (
    PRIVATE_SCHEME,
    PRIVATE_SCHEME_UID,
    code_anatomy,
    code_finding,
    code_of,
    concept,
    name_of_anatomy,
    name_of_code,
    name_of_finding,
    side_of_anatomy,
)
from hilum.types import ChangeKind, Status, View

ROWS = list(
    csv.DictReader(
        resources.files("hilum.export").joinpath("codes.csv").read_text("utf-8").splitlines()
    )
)
LOCAL_UCUM = {"{pixels}", "{pixels}2"}  # UCUM allows any annotation in braces


def test_every_finding_of_a_reading_comes_back() -> None:
    for name in ontology.finding_names():
        assert name_of_finding(code_finding(name)) == name


def test_every_structure_zone_and_landmark_comes_back() -> None:
    for row in ontology.anatomy():
        if row.kind != "place":
            assert name_of_anatomy(code_anatomy(row.name), side_of_anatomy(row.name)) == row.name


def test_no_code_of_ours_is_too_long_for_older_readers() -> None:
    codes = [code_finding(name) for name in ontology.finding_names()]
    codes += [code_anatomy(row.name) for row in ontology.anatomy() if row.kind != "place"]
    assert not [code.value for code in codes if len(code.value) > 16]


@pytest.mark.parametrize(
    ("kind", "values"), [("status", Status), ("view", View), ("change", ChangeKind)]
)
def test_every_value_has_a_row_and_comes_back(
    kind: str, values: type[Status | View | ChangeKind]
) -> None:
    names = {row["name"] for row in ROWS if row["kind"] == kind}
    assert names == {value.value for value in values}
    for name in names:
        assert name_of_code(kind, code_of(kind, name)) == name


def test_measurements_have_rows_of_their_own() -> None:
    text = resources.files("hilum.anatomy").joinpath("measurements.csv").read_text("utf-8")
    measured = {row["name"] for row in csv.DictReader(text.splitlines())}
    assert measured == {row["name"] for row in ROWS if row["kind"] == "measurement"}


def test_no_two_names_of_a_kind_share_a_code() -> None:
    keys = [(row["kind"], row["scheme"], row["code"]) for row in ROWS]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['kind']}-{row['name']}")
def test_public_codes_stand_in_the_standard(row: dict[str, str]) -> None:
    assert 0 < len(row["meaning"]) <= 64
    assert 0 < len(row["code"]) <= 16
    if row["scheme"] == PRIVATE_SCHEME or row["code"] in LOCAL_UCUM:
        return
    known = {code for entry in concepts[row["scheme"]].values() for code in entry}
    assert row["code"] in known


def test_an_unknown_name_codes_itself() -> None:
    code = code_finding("my_model_says_so")
    assert (code.scheme, code.value) == (PRIVATE_SCHEME, "my_model_says_so")
    assert name_of_finding(code) == "my_model_says_so"
    assert name_of_anatomy(code_anatomy("spleen_tip")) == "spleen_tip"


def test_an_unknown_concept_is_an_error() -> None:
    with pytest.raises(InvalidValueError, match=r"codes\.csv has no concept"):
        concept("nonsense")


def test_the_private_scheme_never_changes_its_uid() -> None:
    assert PRIVATE_SCHEME_UID == "2.25.236370258897046368351448153809188276082"
