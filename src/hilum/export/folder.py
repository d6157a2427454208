"""A reading as a folder: reading.json, report.html, report.txt and masks/*.png."""

from __future__ import annotations

import json
import os
import re
import tempfile
from pathlib import Path

from hilum.errors import InvalidValueError
from hilum.export.document import reading_to_dict
from hilum.export.html import render_html
from hilum.export.masks import encode_mask, list_masks, name_mask
from hilum.export.text import render_text
from hilum.types import Reading

__all__ = ["prepare_directory", "write_reading"]

OWN_MASK = re.compile(r"r\d+_[a-z_]+\.png")


def write_reading(reading: Reading, directory: Path | str) -> None:
    """Write a reading into a folder, which is made if need be.

    Every file is written beside its place and then moved there, ``reading.json`` last, so
    that no file is ever half written and a new reading.json means a complete reading.
    Masks of an earlier reading in the same folder are removed.

    Raises:
        InvalidValueError: If the folder cannot be written.
    """
    directory = Path(directory)
    prepare_directory(directory)
    masks = {(number, name): mask for number, name, mask in list_masks(reading)}
    paths = {key: name_mask(*key) for key in masks}
    document = reading_to_dict(reading, mask_paths=paths)
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    try:
        (directory / "reading.json").unlink(missing_ok=True)
        _remove_masks(directory / "masks")
        for key, path in paths.items():
            _replace(directory / path, encode_mask(masks[key]))
        _replace(directory / "report.html", _encode(render_html(reading)))
        _replace(directory / "report.txt", _encode(render_text(reading)))
        _replace(directory / "reading.json", _encode(text))
    except OSError as error:
        raise _refusal(directory, error) from error


def prepare_directory(directory: Path) -> None:
    """Make a folder and try to write there, so that a long run does not fail at its end.

    Raises:
        InvalidValueError: If the folder cannot be made or written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise _refusal(directory, error) from error


def _refusal(directory: Path, error: OSError) -> InvalidValueError:
    reason = error.strerror or type(error).__name__
    return InvalidValueError(
        f"cannot write into {str(directory)!r} ({reason}); choose a folder that can be written"
    )


def _encode(text: str) -> bytes:
    # File names may hold bytes that are no UTF-8; they arrive as lone surrogates.
    return text.encode("utf-8", errors="replace")


def _replace(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        # mkstemp allows the owner only; a report is as readable as any new file.
        mask = os.umask(0)
        os.umask(mask)
        Path(name).chmod(0o666 & ~mask)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _remove_masks(folder: Path) -> None:
    if folder.is_dir():
        for path in folder.iterdir():
            if OWN_MASK.fullmatch(path.name):
                path.unlink()
