"""How one image of a batch is opened, and which weights it is read with."""

import pickle
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from hilum.errors import InvalidValueError, MissingModelError, UnreadableImageError
from hilum.io import ImageSource, iter_image_files
from hilum.scale.reader import StudyReader, _open_one
from hilum.types import Context


@pytest.fixture
def image_file(tmp_path: Path) -> Path:
    Image.new("L", (8, 6), 90).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def test_file_and_archive_member_open_alike(image_file: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(image_file, "a.png")
    context = Context(indication="cough", age_years=61.0)
    (member,) = iter_image_files(tmp_path / "a.zip")
    for source in (ImageSource.from_path(image_file), member):
        study = _open_one(source, context)
        assert study.context == context
        (image,) = study.radiographs
        assert (image.rows, image.columns) == (6, 8)


def test_no_image_is_an_error_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "junk.png").write_bytes(b"junk")
    for name, reason in (("junk.png", "not an image"), ("gone.png", "gone.png")):
        with pytest.raises(UnreadableImageError, match=reason):
            _open_one(ImageSource.from_path(tmp_path / name), Context())


def test_an_archive_in_place_of_an_image_is_refused(image_file: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "two.png", "w") as archive:
        archive.write(image_file, "a.png")
        archive.write(image_file, "b.png")
    with pytest.raises(UnreadableImageError, match="of 2"):
        _open_one(ImageSource.from_path(tmp_path / "two.png"), Context())


def test_wrong_models_are_told_before_anything_is_read() -> None:
    with pytest.raises(InvalidValueError, match="soul"):
        StudyReader({"soul": "x"}).weights()
    with pytest.raises(MissingModelError, match="no-such"):
        StudyReader({"gate": "no-such"}).weights()


def test_reader_travels_between_processes() -> None:
    reader = StudyReader({"findings": "mine"})
    assert pickle.loads(pickle.dumps(reader)) == reader
