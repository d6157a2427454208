"""Who made an object, when, and under which UID: the same reading gives the same bytes.

Every UID is derived from the content, the masks and the models (``digest_reading``); every date and
time is that at which the image was taken, so that nothing in an object depends on when or
where it was written.
"""

from __future__ import annotations

import datetime as dt
import io
from dataclasses import dataclass
from typing import Any

from pydicom.dataset import Dataset

from hilum._version import __version__
from hilum.export.coding import PRIVATE_SCHEME, PRIVATE_SCHEME_UID
from hilum.export.content import ReadingContent
from hilum.export.identity import derive_uid
from hilum.export.sources import UTF8

__all__ = ["MANUFACTURER", "Stamp", "encode", "make_stamp"]

MANUFACTURER = "Hilum"
SERIES_NUMBERS = {"sr": 9901, "seg": 9902, "capture": 9903, "annotations": 9904}
DESCRIPTIONS = {
    "sr": "Hilum draft reading, not for diagnosis",
    "seg": "Hilum masks, not for diagnosis",
    "capture": "Hilum overlay, not for diagnosis",
    "annotations": "Hilum annotations, not for diagnosis",
}


@dataclass(frozen=True, slots=True)
class Stamp:
    """What all objects of a reading share: ``digest`` names it, ``created`` dates it."""

    digest: str
    created: dt.datetime
    versions: tuple[str, ...]

    def uid(self, kind: str, *parts: str | int) -> str:
        """The UID of a part of this reading."""
        return derive_uid(kind, self.digest, *parts)

    def series(self, kind: str, number: int) -> dict[str, Any]:
        """highdicom's arguments on series, instance and equipment of the ``number``-th object."""
        return {
            "series_instance_uid": self.uid("series", kind),
            "series_number": SERIES_NUMBERS[kind],
            "series_description": DESCRIPTIONS[kind],
            "sop_instance_uid": self.uid(kind, number),
            "instance_number": number,
            "manufacturer": MANUFACTURER,
            "manufacturer_model_name": MANUFACTURER,
            "software_versions": list(self.versions),
            "device_serial_number": self.digest[:16],
            "specific_character_set": UTF8,
        }


def make_stamp(digest: str, content: ReadingContent, created: dt.datetime) -> Stamp:
    """The stamp of a reading, of its ``digest_reading`` and the date of its objects."""
    models = (f"{name} {sha[:16]}"[:64] for name, sha in sorted(content.models.items()))
    return Stamp(digest, created, (f"hilum {__version__}", *models))


def encode(dataset: Dataset, stamp: Stamp) -> bytes:
    """The file of an object, after what depends on the clock or on chance was replaced."""
    day, time = stamp.created.strftime("%Y%m%d").rjust(8, "0"), stamp.created.strftime("%H%M%S")
    for prefix in ("InstanceCreation", "Content", "PresentationCreation"):
        if f"{prefix}Date" in dataset:
            setattr(dataset, f"{prefix}Date", day)
            setattr(dataset, f"{prefix}Time", time)
    if "DateOfSecondaryCapture" in dataset:
        dataset.DateOfSecondaryCapture, dataset.TimeOfSecondaryCapture = day, time
    if dataset.Modality in ("OT", "PR"):
        dataset.Laterality = dataset.get("Laterality") or ""  # type 2C: there, if empty
    dimensions = stamp.uid("dimensions")
    for keyword in ("DimensionOrganizationSequence", "DimensionIndexSequence"):
        for item in dataset.get(keyword) or ():
            item.DimensionOrganizationUID = dimensions
    for equipment in dataset.get("ContributingEquipmentSequence") or ():
        equipment.ContributionDateTime = f"{day}{time}"
    _declare_private_scheme(dataset)
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _declare_private_scheme(dataset: Dataset) -> None:
    scheme = Dataset()
    scheme.CodingSchemeDesignator = PRIVATE_SCHEME
    scheme.CodingSchemeUID = PRIVATE_SCHEME_UID
    scheme.CodingSchemeName = "Hilum codes"
    scheme.CodingSchemeVersion = "1"
    scheme.CodingSchemeResponsibleOrganization = MANUFACTURER
    dataset.CodingSchemeIdentificationSequence = [scheme]
