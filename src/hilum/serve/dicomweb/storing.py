"""STOW-RS: instances come in over HTTP (PS3.18 section 10.5)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hilum.errors import (
    InvalidStudyError,
    ResourceLimitError,
    StorageError,
    UnreadableImageError,
)
from hilum.serve.files import Content
from hilum.serve.headers import read_instance_header
from hilum.serve.intake import receive_instance
from hilum.serve.service import Service

__all__ = ["store_instances"]

CANNOT_UNDERSTAND = 0xC000
MISMATCH = 0xA900
OUT_OF_RESOURCES = 0xA700
"""Failure reasons (PS3.18 table I.2-2)."""


def store_instances(
    service: Service,
    parts: Iterable[Content],
    *,
    source: str,
    study_uid: str = "",
    root: str = "/dicom-web",
) -> tuple[int, dict[str, Any]]:
    """Store what can be stored and say what could not.

    Args:
        service: The service.
        parts: DICOM files.
        source: Who sent them.
        study_uid: The study that they must belong to; "" for any.
        root: Address of the service, for the addresses of what was stored.

    Returns:
        The HTTP status (200 all, 202 some, 409 none) and the response in DICOM JSON.
    """
    stored: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    for data in parts:
        item: dict[str, Any] = {}
        try:
            header = read_instance_header(data)
            item = _reference(header.sop_class, header.sop_uid)
            if study_uid and header.study_uid != study_uid:
                raise InvalidStudyError("the instance belongs to another study than the URL names")
            receive_instance(service, data, source=source)
            url = f"{root}/studies/{header.study_uid}/series/{header.series_uid}"
            url = f"{url}/instances/{header.sop_uid}"
            stored.append(item | {"00081190": {"vr": "UR", "Value": [url]}})
        except InvalidStudyError:
            failed.append(item | _reason(MISMATCH))
        except (StorageError, ResourceLimitError):
            failed.append(item | _reason(OUT_OF_RESOURCES))
        except UnreadableImageError:
            failed.append(item | _reason(CANNOT_UNDERSTAND))
    answer: dict[str, Any] = {}
    if stored and study_uid:
        answer["00081190"] = {"vr": "UR", "Value": [f"{root}/studies/{study_uid}"]}
    if stored:
        answer["00081199"] = {"vr": "SQ", "Value": stored}
    if failed:
        answer["00081198"] = {"vr": "SQ", "Value": failed}
    if not stored:
        return 409, answer
    return (202 if failed else 200), answer


def _reference(sop_class: str, sop_uid: str) -> dict[str, Any]:
    return {
        "00081150": {"vr": "UI", "Value": [sop_class]},
        "00081155": {"vr": "UI", "Value": [sop_uid]},
    }


def _reason(code: int) -> dict[str, Any]:
    return {"00081197": {"vr": "US", "Value": [code]}}
