"""Finding images: files, folders, archives, discs, and what only pretends to be one."""

import io
import pickle
import struct
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MediaStorageDirectoryStorage

from hilum.errors import ResourceLimitError, UnreadableImageError
from hilum.io import ImageSource, iter_image_files, limits, read_radiograph
from hilum.io.archive import list_entries, read_entry
from hilum.io.source import FileKind, sniff
from hilum.io.walk import walk
from hilum.types import Unreadable
from image_factory import dicom_bytes, ramp


def png_bytes() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(ramp(top=255)).save(buffer, "PNG")
    return buffer.getvalue()


def make_zip(path: Path, entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def make_dicomdir(path: Path, listed: list[list[str]]) -> Path:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    records = []
    for parts in listed:
        record = Dataset()
        record.DirectoryRecordType = "IMAGE"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # ".." is no valid component, which is the point
            record.ReferencedFileID = parts
        records.append(record)
    patient = Dataset()
    patient.DirectoryRecordType = "PATIENT"
    dataset.DirectoryRecordSequence = [patient, *records]
    dataset.save_as(path, enforce_file_format=True)
    return path


def test_sniff_tells_by_content():
    assert sniff(dicom_bytes(ramp())) is FileKind.DICOM
    assert sniff(png_bytes()) is FileKind.RASTER
    assert sniff(b"") is FileKind.EMPTY
    for text in (b"\x00" * 300, b"BMW is a car maker, not a bitmap", b"<html>", b"\x02"):
        assert sniff(text) is FileKind.OTHER


def test_folders_are_walked_and_others_are_counted(tmp_path):
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "b.png").write_bytes(png_bytes())
    (tmp_path / "deep" / "no_suffix").write_bytes(dicom_bytes(ramp()))
    (tmp_path / "deep" / "er" / "broken.dcm").write_bytes(b"")
    for index in range(1002):
        (tmp_path / "deep" / f"{index}.txt").write_text("text")
    found = list(walk(tmp_path))
    names = [item.name for item in found if isinstance(item, ImageSource)]
    assert names == ["b.png", "no_suffix", "broken.dcm"]
    assert found[-1] == Unreadable(tmp_path.name, "1,002 files that are not images")
    assert [source.name for source in iter_image_files(tmp_path)] == names


def test_mislabelled_files_are_read_by_content(tmp_path):
    (tmp_path / "a.dcm").write_bytes(png_bytes())
    (tmp_path / "b.png").write_bytes(dicom_bytes(ramp()))
    assert [read_radiograph(source).modality for source in iter_image_files(tmp_path)] == ["", "DX"]


def test_path_that_does_not_exist(tmp_path):
    for path in (tmp_path / "none.png", Path("bad\0name"), Path("x" * 5000)):
        with pytest.raises(UnreadableImageError, match="no such file"):
            list(iter_image_files(path))
        with pytest.raises(UnreadableImageError):
            read_radiograph(path)


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"", "empty"), (b"hello", "not an image"), (b"PK\x03\x04" + bytes(99), "zip archive")],
)
def test_read_radiograph_says_what_is_wrong(tmp_path, data, message):
    path = tmp_path / "x.png"
    path.write_bytes(data)
    with pytest.raises(UnreadableImageError, match=f"^x.png: .*{message}"):
        read_radiograph(path)
    assert str(tmp_path) not in str(ImageSource.from_path(path).name)


def test_large_file_is_refused_unread(tmp_path):
    path = tmp_path / "large.dcm"
    with path.open("wb") as file:
        file.write(dicom_bytes(ramp()))
        file.truncate(limits.MAX_FILE_BYTES + 1)
    with pytest.raises(ResourceLimitError, match="MiB"):
        read_radiograph(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_archive_entries_are_images(tmp_path, method):
    data = dicom_bytes(ramp())
    path = make_zip(
        tmp_path / "a.zip", {"x/one.dcm": data, "two": png_bytes(), "t.txt": b"no"}, method
    )
    found = list(walk(path))
    assert [getattr(item, "name", "") for item in found] == ["a.zip!x/one.dcm", "a.zip!two", ""]
    assert found[-1] == Unreadable("a.zip", "1 file that is not an image")
    source = pickle.loads(pickle.dumps(found[0]))
    assert str(source) == f"{path}!x/one.dcm"
    radiograph = read_radiograph(source)
    assert radiograph.source == "a.zip!x/one.dcm"
    np.testing.assert_array_equal(radiograph.pixels, read_radiograph(source).pixels)
    assert read_entry(path, list_entries(path)[0]) == data


def test_names_with_dots_are_harmless(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    path = make_zip(folder / "a.zip", {"../../evil.png": png_bytes(), "/abs.png": png_bytes()})
    assert [read_radiograph(source).rows for source in iter_image_files(path)] == [12, 12]
    assert sorted(item.name for item in tmp_path.rglob("*")) == ["a.zip", "in"]


def test_archive_in_an_archive_is_not_opened(tmp_path):
    inner = make_zip(tmp_path / "inner.zip", {"a.png": png_bytes()}).read_bytes()
    path = make_zip(tmp_path / "outer.zip", {"inner.zip": inner})
    (source,) = iter_image_files(path)
    with pytest.raises(UnreadableImageError, match="inside a zip archive"):
        read_radiograph(source)


def test_archive_bombs_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "RATIO_FREE_BYTES", 1000)
    path = make_zip(tmp_path / "a.zip", {"a.dcm": dicom_bytes(np.zeros((999, 999), np.uint16))})
    with pytest.raises(ResourceLimitError, match="inflate"):
        read_entry(path, list_entries(path)[0])
    (source,) = iter_image_files(path)
    with pytest.raises(UnreadableImageError, match="inflate"):
        read_radiograph(source)


@pytest.mark.parametrize("limit", ["MAX_ARCHIVE_ENTRIES", "MAX_ARCHIVE_BYTES"])
def test_archive_that_declares_too_much_is_refused(tmp_path, monkeypatch, limit):
    monkeypatch.setattr(limits, limit, 1)
    path = make_zip(tmp_path / "a.zip", {"a.png": png_bytes(), "b.png": png_bytes()})
    with pytest.raises(ResourceLimitError, match="Extract it"):
        list_entries(path)


def test_entry_that_lies_about_its_size_is_damaged(tmp_path):
    data = dicom_bytes(ramp())
    path = make_zip(tmp_path / "a.zip", {"a.dcm": data})
    raw = path.read_bytes()
    size = struct.pack("<L", len(data))
    at = raw.rindex(size)
    path.write_bytes(raw[:at] + struct.pack("<L", len(data) - 50) + raw[at + 4 :])
    (source,) = iter_image_files(path)
    with pytest.raises(UnreadableImageError, match="checksum"):
        read_radiograph(source)


@pytest.mark.parametrize("cut", [10, 60, 400])
def test_broken_archive_becomes_one_failing_source(tmp_path, cut):
    path = make_zip(tmp_path / "a.zip", {"a.dcm": dicom_bytes(ramp())})
    path.write_bytes(path.read_bytes()[:cut])
    (source,) = iter_image_files(tmp_path)
    with pytest.raises(UnreadableImageError, match=r"a\.zip: .*damaged"):
        read_radiograph(source)


def test_encrypted_entry_says_so(tmp_path):
    path = make_zip(tmp_path / "a.zip", {"a.dcm": dicom_bytes(ramp())})
    raw = bytearray(path.read_bytes())
    raw[raw.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(raw)
    (source,) = iter_image_files(path)
    with pytest.raises(UnreadableImageError, match="encrypted"):
        read_radiograph(source)


def test_dicomdir_is_followed_inside_its_folder_only(tmp_path):
    disc = tmp_path / "disc"
    (disc / "IMG").mkdir(parents=True)
    (disc / "IMG" / "ONE").write_bytes(dicom_bytes(ramp()))
    (tmp_path / "OUTSIDE").write_bytes(dicom_bytes(ramp()))
    listed = [["IMG", "ONE"], ["IMG", "GONE"], ["..", "OUTSIDE"]]
    sources = list(iter_image_files(make_dicomdir(disc / "DICOMDIR", listed)))
    assert read_radiograph(sources[0]).source == "ONE"
    with pytest.raises(UnreadableImageError, match="missing"):
        read_radiograph(sources[1])
    with pytest.raises(UnreadableImageError, match="outside"):
        read_radiograph(sources[2])
    assert [source.name for source in iter_image_files(disc)] == ["ONE"]


def test_dicomdir_without_images_says_so(tmp_path):
    (source,) = iter_image_files(make_dicomdir(tmp_path / "DICOMDIR", []))
    with pytest.raises(UnreadableImageError, match="lists no images"):
        read_radiograph(source)


def test_a_file_given_twice_is_met_once(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(png_bytes())
    assert len(list(iter_image_files([path, tmp_path, path]))) == 1
