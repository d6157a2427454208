"""What the server keeps of a DICOM header: who, what, when; never a pixel."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from typing import Any

from hilum.errors import UnreadableImageError
from hilum.io.dicom_header import read_header
from hilum.io.dicom_metadata import read_acquired, read_patient, read_view
from hilum.io.elements import is_small, quiet, read_text
from hilum.serve.files import Content, open_content

__all__ = ["Header", "read_instance_header"]

_UID = re.compile(r"[0-9.]{1,64}")
_BULK_VRS = {"OB", "OW", "OD", "OF", "OL", "OV", "UN"}
_MAX_VALUE_CHARACTERS = 4096
_MAX_VALUE_BYTES = 1 << 16
"""Larger values are left out before they are converted, which costs a multiple of their size."""
_PRIORITIES = {"STAT": 2, "HIGH": 3, "ROUTINE": 5, "MEDIUM": 5, "LOW": 7}


@dataclass(frozen=True, slots=True)
class Header:
    """The facts of one instance; texts are empty where the header says nothing."""

    study_uid: str
    series_uid: str
    sop_uid: str
    sop_class: str
    transfer_syntax: str
    modality: str = ""
    series_number: int | None = None
    instance_number: int | None = None
    rows: int = 0
    columns: int = 0
    view: str = ""
    patient_id: str = ""
    patient_name: str = ""
    patient_key: str = ""
    birth_date: str = ""
    sex: str = ""
    age_years: float | None = None
    accession: str = ""
    study_date: dt.datetime | None = None
    description: str = ""
    indication: str = ""
    priority: int = 5
    elements: dict[str, Any] = field(default_factory=dict)
    """The DICOM JSON model (PS3.18 annex F) of everything but bulk data."""


def read_instance_header(content: Content) -> Header:
    """Read the header of a DICOM file, held in memory or not.

    Raises:
        UnreadableImageError: It is no DICOM, or lacks one of the identifiers that an instance
            must have.
    """
    found = read_header(open_content(content))
    dataset = found.dataset
    with quiet():
        uids = {name: read_text(dataset, name) for name in _UID_KEYWORDS}
        for keyword, value in uids.items():
            if not _UID.fullmatch(value):
                raise UnreadableImageError(
                    f"the DICOM file has no usable {keyword}; export the image again"
                )
        patient = read_patient(dataset)
        texts = {name: read_text(dataset, keyword) for name, keyword in _TEXTS.items()}
        return Header(
            study_uid=uids["StudyInstanceUID"],
            series_uid=uids["SeriesInstanceUID"],
            sop_uid=uids["SOPInstanceUID"],
            sop_class=uids["SOPClassUID"],
            transfer_syntax=str(found.syntax)[:64] or "1.2.840.10008.1.2",
            series_number=_read_integer(dataset, "SeriesNumber"),
            instance_number=_read_integer(dataset, "InstanceNumber"),
            rows=_read_integer(dataset, "Rows") or 0,
            columns=_read_integer(dataset, "Columns") or 0,
            view=read_view(dataset)[0].value,
            patient_key=patient.key,
            sex=patient.sex,
            age_years=patient.age_years,
            study_date=_read_date(dataset),
            indication=_read_indication(dataset),
            priority=_PRIORITIES.get(read_text(dataset, "RequestedProcedurePriority").upper(), 5),
            elements=_as_json(dataset),
            **texts,
        )


_UID_KEYWORDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID")
_TEXTS = {
    "modality": "Modality",
    "patient_id": "PatientID",
    "patient_name": "PatientName",
    "birth_date": "PatientBirthDate",
    "accession": "AccessionNumber",
    "description": "StudyDescription",
}
_INDICATIONS = (
    "ReasonForTheRequestedProcedure",
    "AdmittingDiagnosesDescription",
    "AdditionalPatientHistory",
)


def _read_integer(dataset: Any, keyword: str) -> int | None:
    match = re.match(r"\s*(-?\d{1,9})", read_text(dataset, keyword))
    return int(match[1]) if match else None


def _read_date(dataset: Any) -> dt.datetime | None:
    text = read_text(dataset, "StudyDate") + read_text(dataset, "StudyTime")[:6]
    for layout in ("%Y%m%d%H%M%S", "%Y%m%d%H%M", "%Y%m%d"):
        try:
            return dt.datetime.strptime(text, layout)
        except ValueError:
            continue
    return read_acquired(dataset)


def _read_indication(dataset: Any) -> str:
    return next((text for k in _INDICATIONS if (text := read_text(dataset, k))), "")


def _as_json(dataset: Any) -> dict[str, Any]:
    """The JSON model; an element that cannot be written so is left out, the others stay."""
    result: dict[str, Any] = {}
    for tag in sorted(dataset.keys()):
        if tag.group in (0x0002, 0x7FE0) or tag.is_private:
            continue
        try:
            raw = dataset.get_item(tag)
            if raw.VR in _BULK_VRS or not is_small(raw, _MAX_VALUE_BYTES):
                continue
            element = dataset[tag]
            if element.VR in _BULK_VRS:
                continue
            value = element.to_json_dict(None, 1024)
        except Exception:  # pydicom raises whatever a damaged value makes it raise
            continue
        if len(str(value)) <= _MAX_VALUE_CHARACTERS:
            result[f"{int(tag):08X}"] = value
    return result
