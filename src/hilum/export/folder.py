"""A reading as a folder: reading.json, report.html, report.txt and masks/*.png."""

from __future__ import annotations

import json
import re
from pathlib import Path

from hilum.export.document import reading_to_dict
from hilum.export.files import prepare_directory, refuse_directory, remove_matching, replace_file
from hilum.export.html import render_html
from hilum.export.masks import encode_mask, list_masks, name_mask
from hilum.export.text import render_text
from hilum.types import Reading

__all__ = ["remove_objects", "write_reading"]

OWN_MASK = re.compile(r"r\d+_[a-z_]+\.png")
OWN_OBJECTS = {
    "dicom": re.compile(r"(report|(segmentation|capture|annotations)_r\d+)\.dcm"),
    "fhir": re.compile(r"bundle\.json"),
    ".": re.compile(r"objects\.json"),
}
"""What ``objects.write_objects`` writes, by folder."""


def write_reading(reading: Reading, directory: Path | str) -> None:
    """Write a reading into a folder, which is made if need be.

    Every file is written beside its place and then moved there, ``reading.json`` last, so
    that no file is ever half written and a new reading.json means a complete reading.
    Masks and objects of an earlier reading in the same folder are removed.

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
        remove_matching(directory / "masks", OWN_MASK)
        remove_objects(directory)
        for key, path in paths.items():
            replace_file(directory / path, encode_mask(masks[key]))
        replace_file(directory / "report.html", _encode(render_html(reading)))
        replace_file(directory / "report.txt", _encode(render_text(reading)))
        replace_file(directory / "reading.json", _encode(text))
    except OSError as error:
        raise refuse_directory(directory, error) from error


def _encode(text: str) -> bytes:
    # File names may hold bytes that are no UTF-8; they arrive as lone surrogates.
    return text.encode("utf-8", errors="replace")


def remove_objects(directory: Path) -> None:
    """Remove the DICOM and FHIR objects of an earlier reading."""
    for folder, names in OWN_OBJECTS.items():
        remove_matching(directory / folder, names)
