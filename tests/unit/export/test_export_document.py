import copy
import datetime as dt
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

import jsonschema
import numpy as np
import pytest

from hilum import __version__
from hilum.export import SCHEMA_VERSION, load_schema, reading_to_dict
from hilum.export.document import finding_code
from hilum.types import DISCLAIMER, Orientation, Reading, Report, Study, Unreadable
from readings import (
    COLUMNS,
    ROWS,
    make_prior_reading,
    make_reading,
    make_refused_reading,
    make_two_view_reading,
)

VALIDATOR = jsonschema.Draft202012Validator(load_schema())


def document(reading: Reading | None = None, **options: Any) -> dict[str, Any]:
    return reading_to_dict(reading or make_reading(), **options)


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(load_schema())
    assert load_schema()["properties"]["schema_version"]["const"] == SCHEMA_VERSION


@pytest.mark.parametrize(
    "make", [make_reading, make_refused_reading, make_two_view_reading, make_prior_reading]
)
def test_every_kind_of_reading_meets_the_schema(make: Callable[[], Reading]) -> None:
    written = json.loads(json.dumps(document(make()), allow_nan=False))
    VALIDATOR.validate(written)
    known = {
        item["id"]
        for image in written["radiographs"]
        for items in (
            image["findings"],
            image["measurements"],
            image["quality"]["reasons"],
            image["quality"]["warnings"],
        )
        for item in items
    } | {change["id"] for change in written["changes"]}
    for statement in written["report"]["findings"] + written["report"]["impression"]:
        assert set(statement["evidence"]) <= known


def test_a_study_without_any_image_meets_the_schema() -> None:
    study = Study((), unreadable=(Unreadable("a.dcm", "truncated"),))
    written = document(Reading(study, (), Report()))
    VALIDATOR.validate(written)
    assert written["unreadable"] == [{"source": "a.dcm", "reason": "truncated"}]


def test_the_top_level_is_the_public_contract() -> None:
    written = document()
    assert written["schema_version"] == SCHEMA_VERSION
    assert written["hilum_version"] == __version__
    assert written["disclaimer"] == DISCLAIMER
    assert written["study_uid"] == "1.2.826.0.1.3680043.8.498.1"
    assert set(written) == set(load_schema()["properties"])


def test_a_radiograph_holds_what_was_seen() -> None:
    (image,) = document(mask_paths={(1, "left_lung"): "masks/r1_left_lung.png"})["radiographs"]
    assert (image["rows"], image["columns"]) == (ROWS, COLUMNS)
    assert image["spacing_mm"] == [0.7, 0.7]
    assert image["spacing_origin"] == "detector"
    assert image["anatomy"]["left_lung"] == {
        "mask": "masks/r1_left_lung.png",
        "quality": 0.95,
        "problem": None,
        "origin": "annotations",
    }
    assert image["anatomy"]["right_lung"]["mask"] is None
    assert image["landmarks"]["carina"] == [260.0, 236.0]
    assert image["measurements"][0] == {
        "id": "r1.cardiothoracic_ratio",
        "name": "cardiothoracic_ratio",
        "value": 0.4922,
        "unit": "1",
        "uncertainty": 0.018,
        "problem": None,
    }
    pneumonia = next(f for f in image["findings"] if f["name"] == "pneumonia")
    assert pneumonia["code"] == "SCT:233604007"
    assert pneumonia["regions"] == [{"box": [96.0, 362.0, 112.0, 92.0], "score": 0.91}]
    assert pneumonia["interval"] == [0.79, 0.93]
    assert pneumonia["zones"] == ["right_lower_zone"]


def test_coordinates_are_those_of_the_stored_matrix() -> None:
    turned = Orientation(COLUMNS, ROWS, quarter_turns=1)
    (image,) = document(make_reading(orientation=turned))["radiographs"]
    assert (image["rows"], image["columns"]) == (COLUMNS, ROWS)
    assert image["orientation"] == {"quarter_turns": 1, "is_mirrored": False}
    # Upright (260, 236) turned back clockwise: x = 600 - 236, y = 260.
    assert image["landmarks"]["carina"] == [364.0, 260.0]


def test_settings_of_every_kind_become_plain() -> None:
    settings = {
        "path": PurePosixPath("a/b"),
        "pair": (1, 2.5),
        "count": np.int64(3),
        "array": np.zeros(2),
        "bad": float("nan"),
        "when": dt.date(2021, 3, 4),
        "none": None,
    }
    written = document(replace(make_reading(), settings=settings))["settings"]
    assert json.loads(json.dumps(written, allow_nan=False)) == {
        "path": "a/b",
        "pair": [1, 2.5],
        "count": 3,
        "array": [0.0, 0.0],
        "bad": None,
        "when": "2021-03-04",
        "none": None,
    }


@pytest.mark.parametrize(
    ("name", "code"),
    [("pneumonia", "SCT:233604007"), ("lung_opacity", "RADLEX:RID28530"), ("moonlight", None)],
)
def test_codes_come_from_the_ontology(name: str, code: str | None) -> None:
    assert finding_code(name) == code


def drop(*path: str | int) -> Callable[[dict[str, Any]], None]:
    def change(value: Any) -> None:
        for step in path[:-1]:
            value = value[step]
        del value[path[-1]]

    return change


def put(new: Any, *path: str | int) -> Callable[[dict[str, Any]], None]:
    def change(value: Any) -> None:
        for step in path[:-1]:
            value = value[step]
        value[path[-1]] = new

    return change


FIRST = ("radiographs", 0)


@pytest.mark.parametrize(
    "spoil",
    [
        drop("disclaimer"),
        put("2.0.0", "schema_version"),
        put(1, "surprise"),
        put("maybe", *FIRST, "findings", 0, "status"),
        put(1.2, *FIRST, "findings", 0, "probability"),
        put(None, *FIRST, "findings", 0, "probability"),
        put("not_assessed", *FIRST, "findings", 0, "status"),
        put([1, 2, 0, 4], *FIRST, "findings", 0, "regions", 0, "box"),
        put([], "report", "impression", 0, "evidence"),
        put(False, *FIRST, "quality", "accepted"),
        put(None, *FIRST, "measurements", 0, "value"),
        put([1.0], *FIRST, "landmarks", "carina"),
        put(None, *FIRST, "spacing_mm"),
    ],
)
def test_the_schema_refuses_what_breaks_the_contract(
    spoil: Callable[[dict[str, Any]], None],
) -> None:
    good = document()
    good["radiographs"][0]["findings"].sort(key=lambda f: f["name"] != "pneumonia")
    VALIDATOR.validate(good)
    bad = copy.deepcopy(good)
    spoil(bad)
    assert not VALIDATOR.is_valid(bad)


def test_the_schema_wants_a_reason_for_a_refusal() -> None:
    refused = document(make_refused_reading())
    refused["radiographs"][0]["quality"]["reasons"] = []
    assert not VALIDATOR.is_valid(refused)
