"""The header of a stored instance in the DICOM JSON model, bulk data by reference."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from fastapi.responses import JSONResponse
from pydicom.datadict import keyword_for_tag, tag_for_keyword

from hilum.errors import UnknownStudyError
from hilum.io.dicom_header import read_header
from hilum.io.elements import quiet

__all__ = ["DicomJson", "describe_instance", "find_bulk"]

DICOM_JSON = "application/dicom+json"
BULK_VRS = {"OB", "OW", "OD", "OF", "OL", "OV", "UN"}
MAX_INLINE_BYTES = 1024


class DicomJson(JSONResponse):
    """A body in the DICOM JSON model (PS3.18 annex F); what JSON cannot say is null."""

    media_type = DICOM_JSON

    def render(self, content: Any) -> bytes:
        """UTF-8, without NaN or infinities."""
        text = json.dumps(_finite(content), ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "replace")


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def describe_instance(path: Path, url: str) -> dict[str, Any]:
    """Everything but bulk data, which is named by its address below ``url``.

    An element that cannot be written in JSON is left out, the others stay.

    Args:
        path: The DICOM file.
        url: Where the instance is retrieved.

    Raises:
        UnknownStudyError: The file is not there.
        UnreadableImageError: It is damaged.
    """
    result: dict[str, Any] = {}
    with _open(path) as file, quiet():
        header = read_header(file)
        for key in list(header.dataset.keys()):
            tag = f"{int(key):08X}"
            try:
                element = header.dataset[key]
                if element.VR in BULK_VRS and len(element.value or b"") > MAX_INLINE_BYTES:
                    result[tag] = {"vr": element.VR, "BulkDataURI": f"{url}/bulkdata/{tag}"}
                else:
                    result[tag] = element.to_json_dict(None, MAX_INLINE_BYTES)
            except Exception:  # pydicom raises whatever a damaged value makes it raise
                continue
        if header.keyword:
            tag = f"{tag_for_keyword(header.keyword):08X}"
            vr = header.vr or "OW"
            result[tag] = {"vr": vr, "BulkDataURI": f"{url}/bulkdata/{tag}"}
    syntax = str(header.syntax) or "1.2.840.10008.1.2"
    result["00083002"] = {"vr": "UI", "Value": [syntax]}
    result["00081190"] = {"vr": "UR", "Value": [url]}
    return {tag: value for tag, value in sorted(result.items()) if not tag.startswith("0002")}


def find_bulk(path: Path, tag: str) -> bytes | None:
    """The value of a binary element of the data set; None for the pixel data.

    Raises:
        UnknownStudyError: The file or the element is not there.
        UnreadableImageError: It is damaged.
    """
    with _open(path) as file, quiet():
        header = read_header(file)
        if header.keyword and header.keyword == keyword_for_tag(int(tag, 16)):
            return None
        element = header.dataset.get(int(tag, 16))
        if element is None or element.VR not in BULK_VRS or not isinstance(element.value, bytes):
            raise UnknownStudyError("the instance has no such bulk data")
        return element.value


def _open(path: Path) -> Any:
    try:
        return path.open("rb")
    except FileNotFoundError as error:
        raise UnknownStudyError("the file is not in the store") from error
