"""DICOMDIR: the table of contents of a disc, followed to the images that it lists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from pydicom.uid import MediaStorageDirectoryStorage

from hilum.errors import HilumError
from hilum.io.dicom_header import read_header
from hilum.io.elements import read_items, read_text
from hilum.io.source import ImageSource

__all__ = ["is_dicomdir", "list_dicomdir"]

_HEAD_SCAN_BYTES = 4096
_DIRECTORY_CLASS = re.compile(re.escape(MediaStorageDirectoryStorage.encode()) + rb"(?![.\d])")


def is_dicomdir(source: ImageSource) -> bool:
    """Whether a DICOM file is a directory of other files: by its class, not by its name."""
    try:
        with source.open() as file:
            return _DIRECTORY_CLASS.search(file.read(_HEAD_SCAN_BYTES)) is not None
    except (HilumError, OSError):
        return False


def list_dicomdir(source: ImageSource) -> Iterator[ImageSource]:
    """The images that a DICOMDIR lists, in its order.

    Only files in the folder of the DICOMDIR are followed, links resolved; a record that
    points elsewhere or to a missing file is passed on as a source that cannot be read.
    """
    try:
        with source.open() as file:
            dataset = read_header(file).dataset
            records = read_items(dataset, "DirectoryRecordSequence")
            listed = [
                tuple(part for part in read_text(record, "ReferencedFileID").split("\\") if part)
                for record in records
                if read_text(record, "DirectoryRecordType").upper() == "IMAGE"
            ]
    except HilumError as error:
        yield ImageSource(source.name, source.path, problem=str(error))
        return
    if not listed:
        yield ImageSource(source.name, source.path, problem="the DICOMDIR lists no images")
    folder = source.path.resolve().parent
    for parts in listed:
        yield _follow(folder, parts)


def _follow(folder: Path, parts: tuple[str, ...]) -> ImageSource:
    name = parts[-1] if parts else "DICOMDIR"
    candidates = [folder.joinpath(*parts), folder.joinpath(*map(str.lower, parts))]
    try:
        found = next((path.resolve() for path in candidates if path.is_file()), None)
    except (OSError, ValueError):
        found = None
    if not parts or found is None:
        return ImageSource(
            name, candidates[0], problem="listed in the DICOMDIR but missing; copy the whole disc"
        )
    if not found.is_relative_to(folder):
        return ImageSource(
            name, found, problem="the DICOMDIR points outside its own folder; not followed"
        )
    return ImageSource(name, found)
