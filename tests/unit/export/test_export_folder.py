import json
import os
from dataclasses import replace
from pathlib import Path

import cv2
import jsonschema
import numpy as np
import pytest

from hilum.errors import HilumError, InvalidValueError
from hilum.export import load_schema, prepare_directory, write_reading
from hilum.export.masks import encode_mask
from hilum.types import Orientation
from readings import (
    COLUMNS,
    ROWS,
    make_reading,
    make_refused_reading,
    make_two_view_reading,
)


def files(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def test_a_reading_becomes_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "case"
    write_reading(make_reading(), folder)
    names = ("left_lung", "right_lung", "cardiomediastinum", "airways")
    masks = {f"masks/r1_{name}.png" for name in names}
    assert files(folder) == {"reading.json", "report.html", "report.txt"} | masks
    document = json.loads((folder / "reading.json").read_text("utf-8"))
    jsonschema.validate(document, load_schema())
    assert {s["mask"] for s in document["radiographs"][0]["anatomy"].values()} == masks


@pytest.mark.parametrize(
    "orientation", [Orientation(ROWS, COLUMNS), Orientation(COLUMNS, ROWS, 1, True)]
)
def test_masks_are_those_of_the_stored_image(tmp_path: Path, orientation: Orientation) -> None:
    reading = make_reading(orientation=orientation)
    write_reading(reading, tmp_path)
    stored = cv2.imread(str(tmp_path / "masks" / "r1_left_lung.png"), cv2.IMREAD_UNCHANGED)
    assert stored is not None
    assert stored.dtype == np.uint8
    assert stored.shape == (orientation.source_rows, orientation.source_columns)
    mask = reading.radiographs[0].anatomy.structures["left_lung"].mask
    assert np.array_equal(stored, np.where(mask, 255, 0))


def test_masks_of_an_earlier_reading_go(tmp_path: Path) -> None:
    write_reading(make_reading(), tmp_path)
    own = tmp_path / "masks" / "drawn by hand.png"
    own.write_bytes(b"keep")
    write_reading(make_refused_reading(), tmp_path)
    assert files(tmp_path) == {"reading.json", "report.html", "report.txt", "masks/" + own.name}


def test_a_failed_write_leaves_no_reading_and_no_scraps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_reading(make_two_view_reading(), tmp_path)

    def fail(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(HilumError, match="No space left on device"):
        write_reading(make_reading(), tmp_path)
    assert not (tmp_path / "reading.json").exists(), "an old one beside new masks would lie"
    assert not [name for name in files(tmp_path) if Path(name).name.startswith(".")]


def test_files_are_as_readable_as_others(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.touch()
    write_reading(make_refused_reading(), tmp_path)
    assert (tmp_path / "reading.json").stat().st_mode == plain.stat().st_mode


def test_a_folder_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(InvalidValueError, match="choose a folder that can be written"):
            prepare_directory(place)


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
def test_a_name_of_bytes_is_written(tmp_path: Path) -> None:
    source = os.fsdecode(b"caf\xe9.dcm")
    write_reading(make_reading(source=source), tmp_path)
    document = json.loads((tmp_path / "reading.json").read_text("utf-8"))
    assert document["radiographs"][0]["source"] == "caf?.dcm"


def test_an_empty_mask_has_no_picture() -> None:
    with pytest.raises(InvalidValueError, match="rows and columns"):
        encode_mask(np.zeros((0, 4), bool))


def test_prior_and_current_share_no_name(tmp_path: Path) -> None:
    reading = make_two_view_reading()
    first = reading.radiographs[0]
    second = replace(reading.radiographs[1], anatomy=first.anatomy)
    write_reading(replace(reading, radiographs=(first, second)), tmp_path)
    assert {"masks/r1_left_lung.png", "masks/r2_left_lung.png"} <= files(tmp_path)
