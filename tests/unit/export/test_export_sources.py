"""Finding the headers that objects refer to, and what is taken over of them."""

from dataclasses import replace
from pathlib import Path

import pytest

from hilum.export.sources import find_sources
from object_files import unique_images, write_sources
from readings import make_reading, make_two_view_reading


def test_each_radiograph_finds_its_file(tmp_path: Path) -> None:
    reading = unique_images(make_two_view_reading())
    write_sources(reading, tmp_path)
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / "empty.dcm").write_bytes(b"")
    sources = find_sources(reading, tmp_path)
    assert sources.skipped == ()
    for source in sources.images:
        assert source.header.SOPInstanceUID == source.image.radiograph.sop_instance_uid
        assert "PixelData" not in source.header
    assert [source.number for source in sources.images] == [1, 2, 3]


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("SeriesInstanceUID", None),
        ("SeriesInstanceUID", "not.a.uid"),
        ("SOPClassUID", "1.2.840.10008.5.1.4.1.1.88.33"),
        ("SOPClassUID", "1.3.6.1.4.1.99999.1"),
    ],
)
def test_a_file_that_cannot_be_referred_to_is_named(
    keyword: str, value: str | None, tmp_path: Path
) -> None:
    reading = make_reading()
    sources = find_sources(reading, write_sources(reading, tmp_path, **{keyword: value}))
    assert sources.images == ()
    ((number, reason),) = sources.skipped
    assert number == 1
    assert keyword in reason or "SOP class" in reason


def test_one_frame_of_many_is_not_referred_to(tmp_path: Path) -> None:
    base = make_reading()
    radiograph = replace(base.radiographs[0].radiograph, frames=5)
    image = replace(base.radiographs[0], radiograph=radiograph)
    reading = replace(base, radiographs=(image,))
    sources = find_sources(reading, write_sources(reading, tmp_path))
    assert "one of 5 frames" in sources.skipped[0][1]


@pytest.mark.parametrize("rows", [599, None])
def test_a_header_of_another_size_is_not_referred_to(rows: int | None, tmp_path: Path) -> None:
    reading = make_reading()
    sources = find_sources(reading, write_sources(reading, tmp_path, Rows=rows))
    assert "another size" in sources.skipped[0][1]


def test_only_valid_values_are_taken_over(tmp_path: Path) -> None:
    reading = make_reading()
    files = write_sources(
        reading,
        tmp_path,
        PatientName="Müller^Änne",
        SpecificCharacterSet="ISO_IR 100",
        PatientSex="X",
        PatientBirthDate="1964",
        StudyTime="noon",
        StudyDate=["20210304", "20210305"],
        AccessionNumber="a number that is too long for its VR",
        InstitutionName="not asked for",
    )
    (source,) = find_sources(reading, files).images
    header = source.header
    assert header.PatientName == "Müller^Änne"
    assert header.SpecificCharacterSet == "ISO_IR 192"
    assert header.PatientSex == ""
    assert not header.PatientBirthDate
    assert not header.StudyTime
    assert not header.StudyDate
    assert not header.AccessionNumber
    assert "InstitutionName" not in header
