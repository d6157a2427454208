"""Grouping files into a study with priors, and the accounting of what was lost."""

import datetime as dt
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hilum.errors import InvalidStudyError, UnreadableImageError
from hilum.io import limits, open_study
from hilum.types import Context
from image_factory import dicom_bytes, ramp


def write(path: Path, **elements) -> Path:
    path.write_bytes(dicom_bytes(ramp(), **elements))
    return path


def write_png(path: Path) -> Path:
    Image.fromarray(ramp(top=255)).save(path)
    return path


def test_frontal_and_lateral_are_one_study(tmp_path):
    write(tmp_path / "a.dcm", ViewPosition="PA")
    write(tmp_path / "b.dcm", ViewPosition="LL")
    study = open_study(tmp_path)
    assert [str(radiograph.view) for radiograph in study.radiographs] == ["PA", "LATERAL"]
    assert (study.priors, study.unreadable) == ((), ())
    assert study.date == dt.datetime(2020, 1, 31, 10, 11, 12)


def test_images_without_identifier_are_one_study(tmp_path):
    study = open_study([write_png(tmp_path / "f.png"), write_png(tmp_path / "l.png")])
    assert [radiograph.source for radiograph in study.radiographs] == ["f.png", "l.png"]
    assert (study.uid, study.date) == ("", None)


def test_images_without_identifier_join_the_newest_study(tmp_path):
    write(tmp_path / "old.dcm", StudyInstanceUID="1.1", StudyDate="20190101")
    write(tmp_path / "new.dcm", StudyInstanceUID="1.2", StudyDate="20210101")
    write_png(tmp_path / "x.png")
    study = open_study(tmp_path)
    assert [radiograph.source for radiograph in study.radiographs] == ["new.dcm", "x.png"]
    assert [prior.uid for prior in study.priors] == ["1.1"]


def test_older_studies_become_priors_newest_first(tmp_path):
    for year in (2018, 2021, 2019):
        write(tmp_path / f"{year}.dcm", StudyInstanceUID=f"1.{year}", StudyDate=f"{year}0101")
    given = write(tmp_path / "given.dcm", StudyInstanceUID="1.9", StudyDate="20200101")
    folder = tmp_path / "in"
    folder.mkdir()
    for year in (2018, 2021, 2019):
        (tmp_path / f"{year}.dcm").rename(folder / f"{year}.dcm")
    study = open_study(folder, priors=given)
    assert study.uid == "1.2021"
    assert [prior.uid for prior in study.priors] == ["1.9", "1.2019", "1.2018"]


def test_each_prior_image_without_identifier_is_a_study(tmp_path):
    paths = [write_png(tmp_path / f"{index}.png") for index in range(3)]
    study = open_study(paths[0], priors=paths[1:])
    assert [prior.radiographs[0].source for prior in study.priors] == ["1.png", "2.png"]


def test_two_patients_are_refused(tmp_path):
    write(tmp_path / "a.dcm", PatientID="one")
    other = write(tmp_path / "b.dcm", PatientID="two")
    with pytest.raises(InvalidStudyError, match="hilum batch"):
        open_study(tmp_path)
    with pytest.raises(InvalidStudyError, match="more than one patient"):
        open_study(tmp_path / "a.dcm", priors=[other])


def test_context_is_completed_from_the_header_but_never_overridden(tmp_path):
    path = write(tmp_path / "a.dcm", PatientAge="018M", PatientSex="F")
    assert open_study(path).context == Context(age_years=1.5, sex="F")
    given = Context(indication="cough", age_years=70, sex="M")
    assert open_study(path, given).context == given


@pytest.mark.parametrize(
    ("elements", "age"),
    [
        ({"PatientAge": "062Y"}, 62),
        ({"PatientAge": "000Y"}, None),
        ({"PatientAge": "073D"}, 73 / 365.25),
        ({"PatientBirthDate": "19900131"}, 30),
        ({"PatientBirthDate": "20250131"}, None),
    ],
)
def test_age(tmp_path, elements, age):
    found = open_study(write(tmp_path / "a.dcm", **elements)).context.age_years
    assert found == (age if age is None else pytest.approx(age, abs=0.01))


def test_unreadable_files_are_listed_and_the_rest_is_read(tmp_path):
    write(tmp_path / "good.dcm")
    (tmp_path / "zero.dcm").write_bytes(b"")
    (tmp_path / "cut.dcm").write_bytes(dicom_bytes(ramp())[:-50])
    (tmp_path / "notes.txt").write_text("text")
    study = open_study(tmp_path)
    assert [radiograph.source for radiograph in study.radiographs] == ["good.dcm"]
    reasons = {item.source: item.reason for item in study.unreadable}
    assert "cut short" in reasons["cut.dcm"]
    assert "0 bytes" in reasons["zero.dcm"]
    assert reasons[tmp_path.name] == "1 file that is not an image"


def test_nothing_readable_is_a_study_without_radiographs(tmp_path):
    assert open_study(tmp_path).unreadable[0].reason == "it holds no files"
    (tmp_path / "a.png").write_bytes(b"junk")
    study = open_study(tmp_path)
    assert (study.radiographs, len(study.unreadable)) == ((), 1)


def test_missing_path_and_no_path_raise(tmp_path):
    with pytest.raises(UnreadableImageError, match="no such file"):
        open_study(tmp_path / "none")
    with pytest.raises(UnreadableImageError, match="no path"):
        open_study([])


def test_many_broken_files_are_counted_beyond_a_list(tmp_path):
    for index in range(limits.MAX_LISTED_UNREADABLE + 7):
        (tmp_path / f"{index:03}.dcm").write_bytes(b"junk")
    unreadable = open_study(tmp_path).unreadable
    assert len(unreadable) == limits.MAX_LISTED_UNREADABLE + 1
    assert unreadable[-1].reason == "7 more unreadable files"


def test_the_same_image_twice_is_read_once(tmp_path):
    path = write(tmp_path / "a.dcm")
    (tmp_path / "b.dcm").write_bytes(path.read_bytes())
    study = open_study(tmp_path)
    assert (len(study.radiographs), len(study.unreadable)) == (1, 1)
    assert "twice" in study.unreadable[0].reason


def test_slices_of_a_scan_are_counted(tmp_path):
    for index in range(9):
        write(tmp_path / f"{index}.dcm", Modality="CT")
    study = open_study(tmp_path)
    assert len(study.radiographs) == 4
    assert study.unreadable[0].reason == "5 more images, which are not radiographs"


def test_too_many_images_for_a_study_name_the_batch(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MAX_STUDY_IMAGES", 3)
    for index in range(4):
        write_png(tmp_path / f"{index}.png")
    with pytest.raises(InvalidStudyError, match="hilum batch"):
        open_study(tmp_path)


@pytest.mark.data
def test_real_dicom_files(shared_data):
    folder = shared_data / "dicom"
    study = open_study(folder / "chest_pa_j2k_monochrome1.dcm")
    (chest,) = study.radiographs
    assert (str(chest.view), chest.modality, chest.spacing) == ("PA", "CR", None)
    # Lungs are darker than the mediastinum between them, whatever the file's polarity.
    rows, columns = chest.pixels.shape
    band = chest.pixels[rows // 3 : rows // 2]
    middle = band[:, columns * 9 // 20 : columns * 11 // 20].mean()
    assert band[:, columns // 5 : columns * 2 // 5].mean() < middle
    assert open_study(folder / "truncated_mr.dcm").unreadable
    jpeg = open_study(folder / "chest_pa_jpeg.dcm")
    assert jpeg.context.age_years == 62
    assert jpeg.radiographs[0].spacing.row_mm == pytest.approx(0.168)


@pytest.mark.data
@pytest.mark.parametrize("folder", ["nih", "anatomy", "covid", "kermany"])
def test_real_rasters_are_grey_and_upright(shared_data, folder):
    path = next(iter(sorted((shared_data / folder).rglob("*.[jp][pn]g"))))
    (radiograph,) = open_study(path).radiographs
    assert radiograph.chroma < 0.05
    assert np.ptp(radiograph.pixels) > 0.5
