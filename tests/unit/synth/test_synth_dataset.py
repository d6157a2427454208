"""Patients of a data set: drawn by number alone, written with truth that agrees with itself."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pydicom
import pytest

from hilum.errors import InvalidValueError
from hilum.synth import render
from hilum.synth.files.dataset import (
    DatasetOptions,
    fingerprint,
    make_patient,
    masks_of,
    plan_patient,
    split_of,
)
from hilum.synth.files.dataset_rows import categories, columns
from hilum.synth.files.rle import decode_rle
from hilum.types import View

SMALL = DatasetOptions(count=2, seed=4, pixels=64)


def test_a_patient_depends_on_options_and_number_alone(tmp_path):
    assert plan_patient(SMALL, 1) == plan_patient(SMALL, 1)
    assert plan_patient(SMALL, 1) != plan_patient(SMALL, 0)
    first, second = (make_patient(SMALL, 1, tmp_path / name) for name in "ab")
    assert json.dumps(first) == json.dumps(second)
    files = [p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*") if p.is_file()]
    assert len(files) == 3
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_files_rows_and_annotations_tell_the_truth(tmp_path):
    options = replace(SMALL, has_lateral=True)
    number = next(n for n in range(20) if plan_patient(options, n)[0].spec.findings)
    films = plan_patient(options, number)
    record = make_patient(options, number, tmp_path)
    names = [name for name, _, _ in columns()]
    for film, row, found in zip(films, record["rows"], record["annotations"], strict=True):
        image = render(film.spec, pixels=(64, 64))
        assert list(row) == names
        assert row["view"] == film.spec.imaging.view
        labels = {n.removeprefix("label_") for n in names if n.startswith("label_") and row[n]}
        assert labels == {finding.name for finding in film.spec.findings}
        pixels = cv2.imread(str(tmp_path / row["path"]), cv2.IMREAD_UNCHANGED)
        assert np.abs(pixels / 65535 - image.radiograph.pixels).max() < 1e-5
        stored = json.loads((tmp_path / "masks" / f"{film.name}.json").read_text())
        masks = masks_of(image)
        assert stored.keys() == masks.keys()
        for name, mask in masks.items():
            assert (decode_rle(stored[name]) == mask).all()
        kinds = {c["id"]: c["name"] for c in categories()}
        there = [f.spec.name for f in image.truth.findings if f.mask is not None]
        there += [d.spec.name for d in image.truth.devices if d.mask.any()]
        assert [kinds[a["category_id"]] for a in found] == there
        for annotation in found:
            mask = decode_rle(annotation["segmentation"])
            left, top, width, height = (int(v) for v in annotation["bbox"])
            assert annotation["area"] == mask.sum() == mask[top:, left:][:height, :width].sum()
            assert mask[top].any()
            assert mask[:, left + width - 1].any()


def test_a_lateral_film_belongs_to_the_study_of_one_who_stands():
    films = [f for n in range(12) for f in plan_patient(replace(SMALL, has_lateral=True), n)]
    laterals = [f for f in films if f.spec.imaging.view is View.LATERAL]
    assert 0 < len(laterals) < 12
    for film in laterals:
        frontal = next(f for f in films if (f.study_name, f.number) == (film.study_name, 0))
        assert frontal.spec.imaging.view is View.PA
        assert frontal.spec.build == film.spec.build


def test_a_course_compares_its_studies(tmp_path):
    options = replace(SMALL, has_courses=True)
    record = make_patient(options, 0, tmp_path)
    rows, words = record["rows"], record["words"]
    assert len(rows) >= 2
    assert len({row["patient"] for row in rows}) == len({row["split"] for row in rows}) == 1
    days = [row["day"] for row in rows]
    assert days[0] == 0
    assert days == sorted(days)
    assert len(words["reports"]) == len(words["contexts"]) == len(words["gaze"]) == len(rows)
    assert all(line["fixations"] for line in words["gaze"])
    assert {line["film"] for line in words["changes"]} <= {row["id"] for row in rows[1:]}
    assert words["questions"]
    assert words["phrases"]


def test_dicom_images_and_png_masks(tmp_path):
    options = replace(SMALL, image_format="dicom", bits=12, masks="png")
    (row,) = make_patient(options, 0, tmp_path)["rows"]
    dataset = pydicom.dcmread(tmp_path / row["path"])
    assert (dataset.PatientID, dataset.BitsStored) == (row["patient"], 12)
    mask = cv2.imread(str(tmp_path / "masks" / row["id"] / "left_lung.png"), 0)
    image = render(plan_patient(options, 0)[0].spec, pixels=(64, 64))
    assert ((mask > 127) == image.truth.masks["left_lung"]).all()


def test_splits_keep_their_shares():
    splits = [split_of(f"P{n:06d}") for n in range(4000)]
    assert splits.count("train") / 4000 == pytest.approx(0.8, abs=0.03)
    assert splits.count("test") / 4000 == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize(
    "wrong",
    [
        {"count": 0},
        {"seed": -1},
        {"pixels": 8},
        {"image_format": "tiff"},
        {"masks": "svg"},
        {"bits": 12},
        {"bits": 9, "image_format": "dicom"},
    ],
)
def test_wrong_options_are_told(wrong):
    with pytest.raises(InvalidValueError, match="got"):
        DatasetOptions(**wrong)


def test_other_options_have_another_fingerprint():
    assert fingerprint(SMALL) == fingerprint(replace(SMALL))
    assert fingerprint(SMALL) != fingerprint(replace(SMALL, seed=5))
