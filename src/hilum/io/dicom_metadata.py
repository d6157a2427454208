"""What a DICOM header says about an image: spacing, view, time, patient.

Nothing that identifies a patient leaves this file: the identifier becomes a hash, names
and dates of birth are never kept.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from hilum.io.elements import read_first, read_items, read_numbers, read_text
from hilum.io.spacing import choose_spacing
from hilum.types import Issue, Spacing, View

__all__ = ["PatientFacts", "read_acquired", "read_patient", "read_spacing", "read_view"]

_AGE_UNITS_PER_YEAR = {"Y": 1.0, "M": 12.0, "W": 52.18, "D": 365.25, "": 1.0}
_MAX_AGE_YEARS = 130


@dataclass(frozen=True, slots=True)
class PatientFacts:
    """Who a radiograph belongs to: ``key`` is a hash, "" when the file names no patient."""

    key: str = ""
    age_years: float | None = None
    sex: str = ""


def read_patient(dataset: Any) -> PatientFacts:
    """Key, age and sex of the patient, each empty where the header says nothing usable."""
    identifier = read_text(dataset, "PatientID")
    issuer = read_text(dataset, "IssuerOfPatientID")
    key = ""
    if identifier:
        key = hashlib.sha256(f"{identifier}\0{issuer}".encode()).hexdigest()[:16]
    sex = read_text(dataset, "PatientSex").upper()
    return PatientFacts(key, _read_age(dataset), sex if sex in ("M", "F", "O") else "")


def _read_age(dataset: Any) -> float | None:
    match = re.fullmatch(r"(\d{1,3})([YMWD]?)", read_text(dataset, "PatientAge").upper())
    if match and match[1] + match[2] != "000Y":  # an anonymiser's blank; newborns count in days
        age = int(match[1]) / _AGE_UNITS_PER_YEAR[match[2]]
        return age if age <= _MAX_AGE_YEARS else None
    born = _parse_time(read_text(dataset, "PatientBirthDate"), "")
    taken = read_acquired(dataset)
    if born is None or taken is None or taken < born:
        return None
    age = (taken - born).days / 365.25
    return age if age <= _MAX_AGE_YEARS else None


def read_acquired(dataset: Any) -> dt.datetime | None:
    """When the image was taken: from acquisition, content or study, in that order.

    The result has no time zone: it is the hospital's local time, as written.
    """
    whole = read_text(dataset, "AcquisitionDateTime")
    found = _parse_time(whole[:8], whole[8:])
    for group in ("Acquisition", "Content", "Series", "Study"):
        if found is None:
            date, time = (read_text(dataset, f"{group}{part}") for part in ("Date", "Time"))
            found = _parse_time(date, time)
    return found


def _parse_time(date: str, time: str) -> dt.datetime | None:
    match = re.match(r"(\d{4})[.-]?(\d{2})[.-]?(\d{2})$", date)
    if not match:
        return None
    clock = re.match(r"(\d{2}):?(\d{2})?:?(\d{2})?", time)
    hour, minute, second = (int(part or 0) for part in clock.groups()) if clock else (0, 0, 0)
    try:
        day = dt.datetime(int(match[1]), int(match[2]), int(match[3]))
        return day.replace(hour=hour, minute=minute, second=min(second, 59))
    except ValueError:
        return None


@cache
def _view_table() -> dict[str, tuple[View, str]]:
    text = resources.files("hilum.io").joinpath("view_positions.csv").read_text("utf-8")
    return {
        row["code"]: (View(row["view"]), row["note"]) for row in csv.DictReader(text.splitlines())
    }


def read_view(dataset: Any) -> tuple[View, str, tuple[Issue, ...]]:
    """The view, where it was read (``view_origin``), and notes.

    From ViewPosition, else the code of the view, else PatientOrientation: the directions
    that rows and columns run in tell frontal from lateral, but not AP from PA (PS3.3
    C.7.6.1.1.1).
    """
    table = _view_table()
    codes = [(read_text(dataset, "ViewPosition").upper(), "dicom_view_position")]
    codes += [
        (read_text(item, "CodeValue"), "dicom_view_code")
        for item in read_items(dataset, "ViewCodeSequence")
    ]
    for code, origin in codes:
        if code in table:
            view, note = table[code]
            return view, origin, (_describe_position(note),) if note else ()
    directions = read_text(dataset, "PatientOrientation").upper().split("\\")
    axes = {direction[:1] for direction in directions}
    if len(directions) == 2 and axes & {"F", "H"}:
        if axes & {"L", "R"}:
            return View.FRONTAL, "dicom_patient_orientation", ()
        if axes & {"A", "P"}:
            return View.LATERAL, "dicom_patient_orientation", ()
    return View.UNKNOWN, "none", ()


def _describe_position(position: str) -> Issue:
    return Issue("patient_position", f"The file declares a {position} radiograph.")


def read_spacing(dataset: Any, rows: int, columns: int) -> tuple[Spacing | None, tuple[Issue, ...]]:
    """Pixel spacing with its origin, None when the header states none that is plausible."""
    return choose_spacing(
        pixel_mm=read_numbers(dataset, "PixelSpacing"),
        detector_mm=read_numbers(dataset, "ImagerPixelSpacing")
        or read_numbers(dataset, "NominalScannedPixelSpacing"),
        magnification=read_first(dataset, "EstimatedRadiographicMagnificationFactor"),
        is_calibrated=bool(read_text(dataset, "PixelSpacingCalibrationType")),
        shape=(rows, columns),
    )
