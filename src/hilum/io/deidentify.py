"""De-identification of DICOM data sets: the Basic Profile of PS3.15 Annex E with options.

The header follows Table E.1-1; private elements go; UIDs are mapped to new ones, the same
in every file; dates move by the patient's shift, the same as in the patient's reports; a
final sweep removes what still holds a name or number of the patient. Burned-in text is
blanked with the option ``clean_pixel_data``.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from hilum.errors import UnreadableImageError, require
from hilum.io.burned_in import blank_dataset
from hilum.io.deidentify_elements import (
    HeaderChange,
    Run,
    apply_profile,
    read_values,
    sweep_identity,
)
from hilum.io.deidentify_profile import Profile, read_profile
from hilum.io.deidentify_values import PatientKey, TextCleaner
from hilum.io.elements import quiet

__all__ = ["HeaderAudit", "HeaderChange", "deidentify_dataset", "deidentify_file"]

_PEOPLE = (
    "PatientName", "PatientID", "OtherPatientIDs", "OtherPatientNames", "PatientBirthName",
    "PatientMotherBirthName", "AccessionNumber", "ReferringPhysicianName",
    "PerformingPhysicianName", "OperatorsName", "NameOfPhysiciansReadingStudy",
    "PhysiciansOfRecord", "RequestingPhysician", "PatientAddress", "PatientTelephoneNumbers",
    "MilitaryRank", "MedicalRecordLocator", "AdmissionID",
)  # fmt: skip
_DEVICE = ("DeviceSerialNumber", "StationName")
_INSTITUTION = ("InstitutionName", "InstitutionAddress", "InstitutionalDepartmentName")


@dataclass(frozen=True, slots=True)
class HeaderAudit:
    """What a de-identification did; holds no value of the data set."""

    options: tuple[str, ...]
    changes: tuple[HeaderChange, ...]
    blanked_boxes: int | None

    def counts(self) -> dict[str, int]:
        """Number of elements by action."""
        return dict(sorted(Counter(change.action for change in self.changes).items()))


def deidentify_dataset(
    dataset: Dataset,
    *,
    keys: Callable[[str], PatientKey],
    options: Iterable[str] = (),
    clean_text: TextCleaner | None = None,
    known: Iterable[str] = (),
) -> tuple[Dataset, HeaderAudit]:
    """A copy of a data set without identity, and what was done to it.

    Args:
        dataset: as read by pydicom; it is not changed.
        keys: makes the key of a patient from the patient's identifier, such as
            ``functools.partial(hilum.text.surrogates.PatientKey, secret)``.
        options: names of ``deidentify_profile.OPTIONS`` beside ``basic``.
        clean_text: removes identifiers from text (``hilum.text.deidentify.clean_text``);
            needed for ``clean_descriptors`` and ``clean_structured_content``.
        known: further names and numbers that must not remain.

    Returns:
        The new data set with ``PatientIdentityRemoved`` and the codes of the method, and the
        audit.

    Raises:
        InvalidValueError: an unknown or contradictory option, or no ``clean_text`` for one
            that needs it.
        UnreadableImageError: ``clean_pixel_data`` on pixels that cannot be decoded.
    """
    profile = read_profile(frozenset(options))
    needs_text = profile.has("clean_descriptors") or profile.has("clean_structured_content")
    require(
        clean_text is not None or not needs_text,
        "clean_descriptors and clean_structured_content need clean_text; "
        "pass hilum.text.deidentify.clean_text",
    )
    with quiet():
        key = keys("".join(_values_of(dataset, ("PatientID", "PatientName"))[:1]))
        people = (*_values_of(dataset, _PEOPLE), *known)
        run = Run(profile, key, clean_text, people, _values_of(dataset, _places(profile)))
        result = copy.deepcopy(dataset)
        apply_profile(result, run, "", is_cleaning=False)
        _replace_identity(dataset, result, key)
        sweep_identity(result, run, "")
        boxes = blank_dataset(result) if profile.has("clean_pixel_data") else None
        _declare(result, profile)
        _write_meta(result, dataset)
    names = tuple(option.name for option in profile.options)
    return result, HeaderAudit(names, tuple(run.changes), boxes)


def deidentify_file(
    source: Path,
    target: Path,
    *,
    keys: Callable[[str], PatientKey],
    options: Iterable[str] = (),
    clean_text: TextCleaner | None = None,
    known: Iterable[str] = (),
) -> HeaderAudit:
    """Write the de-identified copy of a DICOM file; arguments as for the data set.

    Raises:
        UnreadableImageError: no DICOM file, or one without SOP class and instance.
    """
    try:
        with quiet():
            dataset = pydicom.dcmread(source, force=False)
    except Exception as problem:
        raise UnreadableImageError("not a DICOM file; expected one with a header") from problem
    if "SOPClassUID" not in dataset or "SOPInstanceUID" not in dataset:
        raise UnreadableImageError(
            "the file names no SOP class and instance (a DICOMDIR does not); "
            "de-identify the files that hold images or reports"
        )
    result, audit = deidentify_dataset(
        dataset, keys=keys, options=options, clean_text=clean_text, known=known
    )
    with quiet():
        result.save_as(target, enforce_file_format=True)
    return audit


def _places(profile: Profile) -> tuple[str, ...]:
    """Keywords that name device and institution, unless they are retained."""
    device = () if profile.has("retain_device_identity") else _DEVICE
    return device if profile.has("retain_institution_identity") else (*device, *_INSTITUTION)


def _values_of(dataset: Dataset, keywords: Iterable[str]) -> tuple[str, ...]:
    """The values of these elements as text; what cannot be read has none."""
    texts: list[str] = []
    for keyword in keywords:
        try:
            if keyword in dataset:
                texts += [str(value).strip() for value in read_values(dataset[keyword])]
        except Exception:
            continue
    return tuple(text for text in texts if text)


def _replace_identity(original: Dataset, result: Dataset, key: PatientKey) -> None:
    """Stand-ins for the patient and the study, so that files of one still belong together."""
    person = key.digest("dicom", "patient").hex()[:12].upper()
    result.PatientID = f"H{person}"
    result.PatientName = f"ANONYMOUS^{person}"
    for keyword in ("AccessionNumber", "StudyID"):
        for value in _values_of(original, (keyword,)):
            if keyword in result:
                setattr(result, keyword, key.digest(keyword, value).hex()[:12].upper())


def _declare(dataset: Dataset, profile: Profile) -> None:
    """Say that and how identity was removed (PS3.15 E.1.1, PS3.3 C.12.1.1.1 and C.7.1.1)."""
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = "Hilum PS3.15 Basic Profile"
    items = []
    for option in profile.options:
        item = Dataset()
        item.CodeValue = option.code
        item.CodingSchemeDesignator = "DCM"
        item.CodeMeaning = option.meaning
        items.append(item)
    dataset.DeidentificationMethodCodeSequence = items
    dates = {"retain_full_dates": "UNMODIFIED", "retain_modified_dates": "MODIFIED"}
    kept = [value for option, value in dates.items() if profile.has(option)]
    dataset.LongitudinalTemporalInformationModified = kept[0] if kept else "REMOVED"
    if profile.has("clean_pixel_data"):
        dataset.BurnedInAnnotation = "NO"


def _write_meta(result: Dataset, original: Dataset) -> None:
    """File meta with the new UID and nothing of the sender; a blank preamble."""
    old = getattr(original, "file_meta", None)
    decoded = getattr(getattr(result, "file_meta", None), "TransferSyntaxUID", None)
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = decoded or getattr(old, "TransferSyntaxUID", ExplicitVRLittleEndian)
    if "SOPClassUID" in result:
        meta.MediaStorageSOPClassUID = result.SOPClassUID
    if "SOPInstanceUID" in result:
        meta.MediaStorageSOPInstanceUID = result.SOPInstanceUID
    result.file_meta = meta
    if hasattr(result, "preamble"):
        result.preamble = b"\0" * 128
