"""Which attributes a search answers at which level (PS3.18 10.6.3.3, PS3.3 C.7)."""

from __future__ import annotations

import re

from pydicom.datadict import dictionary_VR, tag_for_keyword

__all__ = [
    "INSTANCE_TAGS",
    "SERIES_LEVEL",
    "SERIES_TAGS",
    "STUDY_LEVEL",
    "STUDY_TAGS",
    "empty_element",
    "find_tag",
]


def _tags(*keywords: str) -> tuple[str, ...]:
    return tuple(f"{tag_for_keyword(keyword):08X}" for keyword in keywords)


STUDY_TAGS = _tags(
    *("StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName", "PatientName"),
    *("PatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyID"),
)
"""Answered for every study, empty where unknown."""
SERIES_TAGS = _tags("Modality", "SeriesInstanceUID", "SeriesNumber")
INSTANCE_TAGS = _tags("SOPClassUID", "SOPInstanceUID", "InstanceNumber")

STUDY_LEVEL = frozenset(
    (
        *STUDY_TAGS,
        *_tags(
            *("SpecificCharacterSet", "TimezoneOffsetFromUTC", "StudyDescription"),
            *("PatientAge", "PatientSize", "PatientWeight", "IssuerOfPatientID"),
            *("OtherPatientIDsSequence", "OtherPatientNames", "PatientComments", "EthnicGroup"),
            *("PatientBirthTime", "PatientIdentityRemoved", "DeidentificationMethod"),
            *("PatientSpeciesDescription", "ProcedureCodeSequence", "Occupation"),
            *("NameOfPhysiciansReadingStudy", "PhysiciansOfRecord", "ReferencedStudySequence"),
            *("AdmittingDiagnosesDescription", "AdditionalPatientHistory", "MedicalAlerts"),
            *("Allergies", "PregnancyStatus", "SmokingStatus", "IssuerOfAccessionNumberSequence"),
            *("ReasonForTheRequestedProcedure", "RequestingService", "ConsultingPhysicianName"),
            *("ClinicalTrialSponsorName", "ClinicalTrialProtocolID", "ClinicalTrialProtocolName"),
            *("ClinicalTrialSubjectID", "ClinicalTrialSiteID", "ClinicalTrialTimePointID"),
        ),
    )
)
"""Patient and study attributes: what ``includefield`` may add to a study."""

SERIES_LEVEL = STUDY_LEVEL | frozenset(
    (
        *SERIES_TAGS,
        *_tags(
            *("SeriesDescription", "SeriesDate", "SeriesTime", "Laterality", "ProtocolName"),
            *("PerformedProcedureStepStartDate", "PerformedProcedureStepStartTime"),
            *("PerformedProcedureStepDescription", "PerformedProcedureStepID"),
            *("RequestAttributesSequence", "BodyPartExamined", "PatientPosition"),
            *("PerformingPhysicianName", "OperatorsName", "SeriesDescriptionCodeSequence"),
            *("Manufacturer", "ManufacturerModelName", "InstitutionName", "StationName"),
            *("DeviceSerialNumber", "SoftwareVersions", "InstitutionalDepartmentName"),
            *("ReferencedPerformedProcedureStepSequence", "PresentationIntentType"),
            *("ClinicalTrialSeriesID", "ClinicalTrialCoordinatingCenterName"),
        ),
    )
)
"""What ``includefield`` may add to a series."""


def find_tag(name: str) -> str | None:
    """Tag (8 hexadecimal digits) of a keyword or tag; None where it is neither.

    >>> find_tag("PatientID"), find_tag("0020000d"), find_tag("Nonsense")
    ('00100020', '0020000D', None)
    """
    if re.fullmatch(r"[0-9A-Fa-f]{8}", name):
        return name.upper()
    tag = tag_for_keyword(name)
    return None if tag is None else f"{tag:08X}"


def empty_element(tag: str) -> dict[str, str]:
    """An element without a value, as a required attribute that is unknown is answered."""
    return {"vr": dictionary_VR(int(tag, 16))}
