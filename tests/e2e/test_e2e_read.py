"""``hilum read`` as a user runs it: a process, real files, its exit code and its folder."""

import json
from pathlib import Path

import cv2
import jsonschema
import numpy as np
import pytest

from command_line import hilum
from hilum.export import load_schema
from hilum.types import DISCLAIMER

MASKS = {f"r1_{name}.png" for name in ("left_lung", "right_lung", "cardiomediastinum", "airways")}


def load(folder: Path) -> dict:  # type: ignore[type-arg]
    document = json.loads((folder / "reading.json").read_text("utf-8"))
    jsonschema.validate(document, load_schema())
    return document


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize("name", ["chest_pa_jpeg.dcm", "chest_pa_j2k_monochrome1.dcm"])
def test_a_chest_radiograph_is_read(shared_data: Path, tmp_path: Path, name: str) -> None:
    done = hilum("read", shared_data / "dicom" / name, "--out", tmp_path, "--indication", "Cough.")
    assert done.returncode == 0, done.stderr
    assert DISCLAIMER in done.stdout
    document = load(tmp_path)
    (image,) = document["radiographs"]
    assert image["quality"]["accepted"]
    assert document["report"]["indication"]
    assert document["report"]["findings"]
    assert document["report"]["impression"]
    assert {p.name for p in (tmp_path / "masks").iterdir()} == MASKS
    for structure in image["anatomy"].values():
        mask = cv2.imread(str(tmp_path / structure["mask"]), cv2.IMREAD_UNCHANGED)
        assert mask is not None
        assert mask.shape == (image["rows"], image["columns"])
        assert set(np.unique(mask)) <= {0, 255}
    for x, y in image["landmarks"].values():
        assert 0 <= x <= image["columns"]
        assert 0 <= y <= image["rows"]
    assert DISCLAIMER in (tmp_path / "report.txt").read_text("utf-8")
    assert DISCLAIMER in (tmp_path / "report.html").read_text("utf-8")


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize(
    "name",
    [
        "not_chest_angiogram.dcm",
        "not_chest_extremity.dcm",
        "not_radiograph_ct.dcm",
        "not_radiograph_mr.dcm",
        "truncated_mr.dcm",
    ],
)
def test_anything_else_is_refused(shared_data: Path, tmp_path: Path, name: str) -> None:
    done = hilum("read", shared_data / "dicom" / name, "--out", tmp_path)
    assert done.returncode == 3
    assert done.stderr.startswith("not read: ")
    document = load(tmp_path)
    reasons = [r for image in document["radiographs"] for r in image["quality"]["reasons"]]
    assert reasons or document["unreadable"]
    assert not document["report"]["findings"]
    assert (tmp_path / "report.html").is_file()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("empty.dcm", b""),
        ("junk.png", b"\x89PNG\r\n\x1a\n" + bytes(range(256))),
        ("letter.txt", b"Dear colleague,"),
        ("bare.dcm", b"\0" * 128 + b"DICM"),
    ],
)
def test_a_broken_file_is_told_and_kept(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    done = hilum("read", tmp_path / name, "--out", tmp_path / "out", "--quiet")
    assert done.returncode == 3
    assert name in done.stderr
    assert done.stdout == ""
    assert name in load(tmp_path / "out")["unreadable"][0]["source"]


@pytest.mark.slow
@pytest.mark.data
def test_json_goes_to_standard_output(shared_data: Path) -> None:
    done = hilum("read", shared_data / "dicom" / "chest_pa_jpeg.dcm", "--json")
    assert done.returncode == 0
    jsonschema.validate(json.loads(done.stdout), load_schema())


@pytest.mark.parametrize(
    "arguments",
    [
        ("read",),
        ("read", "is-not-there.dcm"),
        ("reed", "x.dcm"),
        ("read", "x.dcm", "--age", "old"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], tmp_path: Path) -> None:
    done = hilum(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Usage" in done.stderr
