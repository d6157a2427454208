"""From the paths that a user gives to the images in them.

Files, folders (recursively), zip archives and DICOMDIR are walked lazily and in a fixed
order. Nothing is lost silently: what claims to be an image but is none is still passed
on, to fail with a reason when it is read; everything else is counted.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from hilum.errors import HilumError, UnreadableImageError
from hilum.io.archive import ArchiveEntry, list_entries
from hilum.io.dicomdir import is_dicomdir, list_dicomdir
from hilum.io.source import IMAGE_SUFFIXES, FileKind, ImageSource, sniff
from hilum.types import Unreadable

__all__ = ["Paths", "as_paths", "iter_image_files", "walk"]

Paths = str | Path | Iterable[str | Path]

_log = logging.getLogger(__name__)


def as_paths(paths: Paths) -> tuple[Path, ...]:
    """One path or many, as a tuple."""
    return (Path(paths),) if isinstance(paths, (str, Path)) else tuple(map(Path, paths))


def iter_image_files(paths: Paths) -> Iterator[ImageSource]:
    """The images in ``paths`` (files, folders, zip archives, DICOMDIR), one by one.

    Files that are named like images but are none, and broken archives, are included:
    reading them raises the reason. Other files are passed over, with their number logged.

    Raises:
        UnreadableImageError: a path does not exist.
    """
    for item in walk(paths):
        if isinstance(item, ImageSource):
            yield item
        else:
            _log.info("%s: %s", item.source, item.reason)


def walk(paths: Paths) -> Iterator[ImageSource | Unreadable]:
    """As ``iter_image_files``, with an ``Unreadable`` that counts what was passed over."""
    paths = as_paths(paths)
    for path in paths:
        if not _exists(path):
            raise UnreadableImageError(
                f"{path.name or path}: there is no such file or folder; check the path"
            )
    seen: set[Path] = set()
    for path in paths:
        for item in _walk_one(path):
            if isinstance(item, ImageSource) and item.entry is None and item.problem is None:
                resolved = item.path.resolve()
                if resolved in seen:
                    continue
                seen.add(resolved)
            yield item


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _walk_one(path: Path) -> Iterator[ImageSource | Unreadable]:
    if path.is_dir():
        yield from _walk_folder(path)
        return
    source = ImageSource.from_path(path)
    kind = _sniff(source)
    if kind is FileKind.ZIP:
        yield from _walk_archive(source)
    elif kind is FileKind.DICOM and is_dicomdir(source):
        yield from list_dicomdir(source)
    else:
        yield source


def _sniff(source: ImageSource) -> FileKind | None:
    """The kind of file, None when it cannot even be opened (reading it gives the reason)."""
    try:
        return sniff(source.read_head())
    except HilumError:
        return None


def _walk_folder(folder: Path) -> Iterator[ImageSource | Unreadable]:
    others = 0
    name = folder.resolve().name or "folder"
    failures: list[OSError] = []
    for parent, folders, files in os.walk(folder, onerror=failures.append):
        folders.sort()
        for file_name in sorted(files):
            source = ImageSource.from_path(Path(parent, file_name))
            kind = _sniff(source)
            is_claimed = source.path.suffix.lower() in IMAGE_SUFFIXES
            if kind is FileKind.ZIP and is_claimed:
                yield from _walk_archive(source)
            elif kind is FileKind.DICOM and file_name.upper() == "DICOMDIR":
                continue  # an index of files that the walk meets anyway
            elif is_claimed or kind in (FileKind.DICOM, FileKind.RASTER):
                yield source
            else:
                others += 1
    for failure in failures:
        yield Unreadable(name, f"a folder in it cannot be opened ({failure.strerror})")
    if others:
        yield _count_others(name, others)


def _walk_archive(source: ImageSource) -> Iterator[ImageSource | Unreadable]:
    try:
        entries = list_entries(source.path)
    except HilumError as error:
        yield ImageSource(source.name, source.path, problem=str(error))
        return
    others = 0
    for entry in entries:
        item = _examine_entry(source, entry)
        if item is None:
            others += 1
        else:
            yield item
    if others:
        yield _count_others(source.name, others)
    elif not entries:
        yield Unreadable(source.name, "the zip archive is empty")


def _examine_entry(archive: ImageSource, entry: ArchiveEntry) -> ImageSource | None:
    """The image in an archive's entry, None when it is not one."""
    parts = PurePosixPath(entry.name.replace("\\", "/")).parts
    if parts and (parts[-1].upper() == "DICOMDIR" or "__MACOSX" in parts):
        return None
    source = ImageSource(f"{archive.name}!{entry.name}", archive.path, entry)
    is_claimed = bool(parts) and PurePosixPath(parts[-1]).suffix.lower() in IMAGE_SUFFIXES
    try:
        kind = sniff(source.read_head())
    except HilumError as error:
        return ImageSource(source.name, source.path, entry, problem=str(error))
    if kind is FileKind.ZIP and is_claimed:
        return ImageSource(
            source.name,
            source.path,
            entry,
            problem="a zip archive inside a zip archive is not opened; extract it first",
        )
    return source if is_claimed or kind in (FileKind.DICOM, FileKind.RASTER) else None


def _count_others(name: str, count: int) -> Unreadable:
    return Unreadable(
        name,
        "1 file that is not an image" if count == 1 else f"{count:,} files that are not images",
    )
