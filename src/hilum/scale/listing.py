"""What a batch reads: the images of a folder or archive, or the rows of a manifest.

A manifest is a CSV, TSV or Parquet table with a path column, or a text file with one path
a line. Its paths are relative to its own folder. Optional columns ``indication``,
``history``, ``age`` (years) and ``sex`` become the clinical context of the row. The manifest,
its paths or both may be on object storage, as ``s3://bucket/key``.
"""

from __future__ import annotations

import contextlib
import csv
import math
import posixpath
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hilum.errors import InvalidValueError, UnreadableImageError
from hilum.io import ImageSource, iter_image_files
from hilum.scale.objects import ObjectSource, fetch_object, is_uri, join_uri
from hilum.types import Context

__all__ = ["BatchItem", "Listing", "list_batch"]

TEXT_SUFFIXES = (".txt", ".lst")
TABLE_SUFFIXES = (".csv", ".tsv", ".parquet")
SEXES: Mapping[str, str] = {"male": "M", "female": "F", "other": "O", "m": "M", "f": "F", "o": "O"}


@dataclass(frozen=True, slots=True)
class BatchItem:
    """One image of a batch.

    ``path`` is its name in the table: relative to the folder, or as the manifest has it,
    with ``!member`` behind the name of an archive. ``source`` is where its bytes are.
    ``warnings`` are codes of what was wrong with its context.
    """

    path: str
    source: ImageSource | ObjectSource
    context: Context = field(default_factory=Context)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Listing:
    """The images of a batch, in order and without repetition, and the folder they are in.

    ``root`` is a folder, or the URI of one.
    """

    root: Path | str
    items: tuple[BatchItem, ...]


def list_batch(source: Path | str, *, path_column: str = "path") -> Listing:
    """List the images of a folder (all levels) or of a manifest; archives by member.

    Args:
        source: A folder, a manifest (``.csv``, ``.tsv``, ``.parquet``, ``.txt``, ``.lst``),
            or a single image file or archive; on object storage, a manifest.
        path_column: The manifest's column of paths.

    Raises:
        InvalidValueError: The source does not exist, or the manifest cannot be read or has
            no such column.
    """
    if is_uri(str(source)):
        return _list_objects(str(source), path_column)
    source = Path(source)
    if source.is_file() and _is_manifest(source):
        root = source.resolve().parent
        return Listing(root, _unique(_read_manifest(source, root, path_column)))
    if not source.exists():
        raise InvalidValueError(f"no folder or manifest at {str(source)!r}; check the path")
    root = source if source.is_dir() else source.parent
    return Listing(root.resolve(), _unique(_folder_items(source, root)))


def _is_manifest(source: Path) -> bool:
    return source.suffix.lower() in TEXT_SUFFIXES + TABLE_SUFFIXES


def _list_objects(uri: str, path_column: str) -> Listing:
    """The images of a manifest on object storage."""
    root, _, name = uri.rpartition("/")
    if not _is_manifest(Path(name)):
        expected = ", ".join(TABLE_SUFFIXES + TEXT_SUFFIXES)
        raise InvalidValueError(
            f"got {uri!r}, expected a manifest ({expected}); folders on object storage are not "
            "listed: write their keys into a text file, one a line"
        )
    with tempfile.TemporaryDirectory(prefix="hilum-") as folder:
        try:
            manifest = fetch_object(uri, Path(folder))
        except InvalidValueError as error:
            raise InvalidValueError(f"cannot read the manifest {name}: {error}") from error
        return Listing(root, _unique(_read_manifest(manifest, root, path_column)))


def _read_manifest(manifest: Path, root: Path | str, path_column: str) -> Iterator[BatchItem]:
    is_text = manifest.suffix.lower() in TEXT_SUFFIXES
    rows = _read_lines(manifest) if is_text else _read_table(manifest, path_column)
    return (item for row in rows for item in _manifest_items(root, row))


def _unique(items: Iterator[BatchItem]) -> tuple[BatchItem, ...]:
    first: dict[str, BatchItem] = {}
    for item in items:
        first.setdefault(item.path, item)
    return tuple(first.values())


def _folder_items(source: Path, root: Path) -> Iterator[BatchItem]:
    for image in iter_image_files([source]):
        # A DICOMDIR may point outside its folder.
        inside = image.path.is_relative_to(root)
        file = image.path.relative_to(root) if inside else image.path
        yield BatchItem(_name(file.as_posix(), image), image)


def _name(path: str, image: ImageSource) -> str:
    return path if image.entry is None else f"{path}!{image.entry.name}"


def _read_lines(source: Path) -> Iterator[dict[str, Any]]:
    try:
        lines = source.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(source, "a UTF-8 text file with one path a line") from error
    return ({"path": line.strip()} for line in lines if line.strip())


def _read_table(source: Path, path_column: str) -> Iterator[dict[str, Any]]:
    """Rows of a table as dicts, with the path column renamed to ``path``."""
    is_parquet = source.suffix.lower() == ".parquet"
    rows = _read_parquet(source) if is_parquet else _read_csv(source)
    for number, row in enumerate(rows, start=1):
        if path_column not in row:
            raise InvalidValueError(
                f"{source.name} has no column {path_column!r}; it has "
                f"{', '.join(map(repr, row))}. Name the column of paths with --path-column."
            )
        path = str(row[path_column] or "").strip()
        if not path:
            raise InvalidValueError(f"{source.name}: row {number} has no path in {path_column!r}")
        yield {**row, "path": path}


def _read_csv(source: Path) -> Iterator[dict[str, Any]]:
    try:
        with source.open(encoding="utf-8-sig", newline="") as file:
            delimiter = "\t" if source.suffix.lower() == ".tsv" else ","
            rows = list(csv.DictReader(file, delimiter=delimiter))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _unreadable(source, "a UTF-8 table with a header line") from error
    return ({str(key): value for key, value in row.items() if key is not None} for row in rows)


def _read_parquet(source: Path) -> Iterator[dict[str, Any]]:
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(source) as file:
            batches = [batch.to_pylist() for batch in file.iter_batches()]
    except (OSError, ValueError) as error:  # ArrowInvalid is a ValueError
        raise _unreadable(source, "a Parquet table") from error
    return (row for batch in batches for row in batch)


def _unreadable(source: Path, expected: str) -> InvalidValueError:
    return InvalidValueError(f"cannot read the manifest {source.name}: expected {expected}")


def _manifest_items(root: Path | str, row: Mapping[str, Any]) -> Iterator[BatchItem]:
    """The images of a manifest's row: one, or all of an archive on a disk."""
    path: str = row["path"]
    context, warnings = _read_context(row)
    if is_uri(path):
        yield BatchItem(path, ObjectSource(path), context, warnings)
        return
    if isinstance(root, str) and not posixpath.isabs(path):
        yield BatchItem(path, ObjectSource(join_uri(root, path)), context, warnings)
        return
    file = Path(root) / path
    images: Iterable[ImageSource] = (ImageSource.from_path(file),)
    if path.lower().endswith(".zip"):
        # One that does not exist stays in the list; reading it gives the reason.
        with contextlib.suppress(UnreadableImageError):
            images = tuple(iter_image_files([file])) or images
    for image in images:
        yield BatchItem(_name(path, image), image, context, warnings)


def _read_context(row: Mapping[str, Any]) -> tuple[Context, tuple[str, ...]]:
    """The context of a row; what makes no sense is left out and named."""
    age, age_is_known = _parse_age(row.get("age"))
    sex, sex_is_known = _parse_sex(row.get("sex"))
    context = Context(
        indication=str(row.get("indication") or "").strip(),
        history=str(row.get("history") or "").strip(),
        age_years=age,
        sex=sex,
    )
    problems = (("age_ignored", age_is_known), ("sex_ignored", sex_is_known))
    return context, tuple(code for code, is_known in problems if not is_known)


def _parse_age(value: Any) -> tuple[float | None, bool]:
    """Age in years and whether the cell was understood (an empty one was)."""
    if value is None or str(value).strip() == "":
        return None, True
    try:
        age = float(value)
    except (TypeError, ValueError):
        return None, False
    if math.isnan(age):
        return None, True
    return (age, True) if 0 <= age <= 130 else (None, False)


def _parse_sex(value: Any) -> tuple[str, bool]:
    text = "" if value is None else str(value).strip().lower()
    if text in ("", "nan", "unknown"):
        return "", True
    return SEXES.get(text, ""), text in SEXES
