"""The headers of the files that a reading came from: objects refer to them.

A reading keeps no patient's name and no series; a DICOM object must say both as its source
does. So the files are opened again, without their pixels, and what an object takes over is
copied element by element: what is not valid there does not come in here.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from pydicom import config
from pydicom.dataset import Dataset
from pydicom.uid import UID, UID_dictionary
from pydicom.valuerep import validate_value

from hilum.errors import HilumError
from hilum.io.dicom_header import read_header
from hilum.io.elements import quiet, read_text
from hilum.io.source import HEAD_BYTES, FileKind, ImageSource, sniff
from hilum.io.walk import Paths, as_paths, walk
from hilum.types import RadiographReading, Reading

__all__ = ["SourceImage", "Sources", "find_sources"]

UTF8 = "ISO_IR 192"
IDENTIFIERS = ("SOPInstanceUID", "SOPClassUID", "StudyInstanceUID", "SeriesInstanceUID")
# Type 2: they must be there, empty where the source has nothing valid.
EXPECTED = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime",
    "StudyID", "AccessionNumber", "ReferringPhysicianName", "Modality",
)  # fmt: skip
OPTIONAL = (
    "IssuerOfPatientID", "PatientAge", "StudyDescription", "PatientOrientation", "Laterality",
    "PhotometricInterpretation", "PixelSpacing", "ImagerPixelSpacing", "WindowCenter",
    "WindowWidth", "WindowCenterWidthExplanation", "VOILUTFunction", "RescaleSlope",
    "RescaleIntercept", "RescaleType", "PixelPaddingValue",
)  # fmt: skip
NUMBERS = (
    "Rows", "Columns", "SamplesPerPixel", "BitsAllocated", "BitsStored", "HighBit",
    "PixelRepresentation",
)  # fmt: skip
SEQUENCES = ("VOILUTSequence", "ModalityLUTSequence")
SEXES = ("M", "F", "O", "")


@dataclass(frozen=True, slots=True, eq=False)
class SourceImage:
    """A radiograph of the reading, its number in it (from 1) and its header.

    ``header`` holds what objects take over, in valid form, and no pixels.
    """

    number: int
    image: RadiographReading
    header: Dataset


@dataclass(frozen=True, slots=True)
class Sources:
    """The radiographs that objects can be made for; ``skipped`` says why not for the others."""

    images: tuple[SourceImage, ...]
    skipped: tuple[tuple[int, str], ...]

    @property
    def created(self) -> dt.datetime | None:
        """When the first of the images was taken, the time that objects carry."""
        taken = (source.image.radiograph.acquired for source in self.images)
        return min((moment for moment in taken if moment is not None), default=None)


def find_sources(reading: Reading, files: Paths) -> Sources:
    """Find the header of every radiograph of a reading.

    Args:
        reading: What was read.
        files: The paths that its study was opened from.

    Returns:
        Readable and refused radiographs alike, as long as they are single-frame DICOM images
        with the identifiers that a reference needs.
    """
    wanted = {image.radiograph.sop_instance_uid for image in reading.radiographs} - {""}
    headers = _read_headers(as_paths(files), wanted)
    images: list[SourceImage] = []
    skipped: list[tuple[int, str]] = []
    for number, image in enumerate(reading.radiographs, start=1):
        header = headers.get(image.radiograph.sop_instance_uid)
        problem = _problem(image, header)
        if problem or header is None:
            skipped.append((number, problem))
        else:
            images.append(SourceImage(number, image, _copy_header(header)))
    return Sources(tuple(images), tuple(skipped))


def _read_headers(paths: Any, wanted: set[str]) -> dict[str, Any]:
    """Data sets by SOP instance UID; what cannot be read again is simply not found."""
    found: dict[str, Any] = {}
    for item in walk(paths):
        if len(found) == len(wanted):
            break
        if not isinstance(item, ImageSource):
            continue
        try:
            with item.open() as file:
                if sniff(file.read(HEAD_BYTES)) is not FileKind.DICOM:
                    continue
                file.seek(0)
                dataset = read_header(file).dataset
        except (HilumError, OSError):
            continue
        uid = read_text(dataset, "SOPInstanceUID")
        if uid in wanted:
            found.setdefault(uid, dataset)
    return found


def _problem(image: RadiographReading, header: Any) -> str:
    """Why no object can refer to an image; empty when one can."""
    radiograph = image.radiograph
    if not radiograph.sop_instance_uid:
        return (
            "it is no DICOM image with a SOPInstanceUID, so a DICOM object has nothing to refer to"
        )
    if header is None:
        return "its file was not found again; give the paths that the study was opened from"
    for keyword in IDENTIFIERS:
        text = read_text(header, keyword)
        if not text or not UID(text, validation_mode=config.IGNORE).is_valid:
            return f"its file has no valid {keyword}"
    sop_class = read_text(header, "SOPClassUID")
    if sop_class not in UID_dictionary or "Image" not in UID(sop_class).name:
        return "its SOP class is not an image storage class of the standard"
    if (header.get("Rows"), header.get("Columns")) != (radiograph.rows, radiograph.columns):
        return "its header states another size than its pixels have"
    if radiograph.frames > 1:
        return f"it is one of {radiograph.frames} frames; objects are made for single images"
    return ""


def _copy_header(source: Any) -> Dataset:
    target = Dataset()
    for keyword in (*IDENTIFIERS, *EXPECTED, *OPTIONAL):
        value = _valid(source, keyword)
        if value is not None or keyword in EXPECTED:
            setattr(target, keyword, value if value is not None else "")
    for keyword in (*NUMBERS, *SEQUENCES):
        value = source.get(keyword) if keyword in source else None
        if value is not None:
            setattr(target, keyword, value)
    if target.PatientSex not in SEXES:
        target.PatientSex = ""
    target.SpecificCharacterSet = UTF8
    return target


def _valid(source: Any, keyword: str) -> Any:
    """A value of the source as it stands there, None when missing or against its VR."""
    try:
        with quiet():
            if keyword not in source:
                return None
            element = source[keyword]
            value = element.value
            if value is None or value == "":
                return None
            if element.VM > 1 and keyword in EXPECTED:
                return None  # one value is expected
            for part in value if element.VM > 1 else [value]:
                validate_value(element.VR, part, config.RAISE)
        return str(value) if element.VR == "PN" else value  # it is written in UTF-8
    except Exception:  # a malformed value raises whatever its parser does
        return None
