"""Phantoms as DICOM objects: Digital X-Ray (DX) and Computed Radiography (CR) images.

The objects carry every attribute that their modules require (PS3.3 A.2, A.26), say that no
patient is behind them, and get identifiers from their content: the same spec and identity give
the same file. They pass ``dciodvfy`` (dicom3tools) without errors.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
)

from hilum._version import __version__
from hilum.errors import InvalidValueError, require
from hilum.synth.study import beam_of
from hilum.synth.types import PhantomImage, PhantomSpec
from hilum.types import View

__all__ = ["DicomOptions", "Identity", "make_uid", "spec_digest", "to_dicom", "write_dicom"]

BITS = (8, 10, 12, 14, 16)
MAS_AT_DOSE_1 = 2.5
"""Tube current times time of a usual exposure at 1.8 m, milliampere seconds."""
SECONDS = 0.01
IMPLEMENTATION = "2.25.158906532862214938243391861170384926115"


class _Position(NamedTuple):
    """How a view is named: ViewPosition, its SNOMED CT code, where rows and columns lead."""

    position: str
    code: str
    meaning: str
    orientation: tuple[str, str]


# Table: CID 4010 of PS3.16; rows and columns of the image run along these directions.
POSITIONS = {
    View.PA: _Position("PA", "272479007", "postero-anterior", ("L", "F")),
    View.AP: _Position("AP", "399348003", "antero-posterior", ("L", "F")),
    View.LATERAL: _Position("LL", "399173006", "left lateral", ("P", "F")),
}


@dataclass(frozen=True, slots=True)
class DicomOptions:
    """How the pixels are stored.

    ``modality`` is DX or CR, ``bits`` how many are stored (8, 10, 12, 14 or 16),
    ``is_monochrome1`` stores air bright, to be shown inverted.
    """

    modality: str = "DX"
    bits: int = 12
    is_monochrome1: bool = False

    def __post_init__(self) -> None:
        require(self.modality in ("DX", "CR"), f"modality is DX or CR, got {self.modality!r}")
        require(self.bits in BITS, f"bits stored are {BITS}, got {self.bits}")


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose image this is and where it stands: patient, study, number in it, day and time.

    ``patient`` and ``study`` name rather than identify; equal ones share identifiers, so that
    PA and lateral of a study, and the studies of a patient, belong together. Empty names are
    taken from the spec.
    """

    patient: str = ""
    study: str = ""
    number: int = 1
    date: str = "20000101"
    time: str = "120000"
    description: str = "Phantom chest"

    def __post_init__(self) -> None:
        require(self.number >= 1, f"the number in a study counts from 1, got {self.number}")
        is_date = len(self.date) == 8 and self.date.isdecimal()
        require(is_date, f"the date is YYYYMMDD, got {self.date!r}")


def make_uid(*parts: str) -> str:
    """A UID under 2.25 (a UUID in decimal, PS3.5 B.2) that depends on ``parts`` alone.

    >>> make_uid("study", "a") == make_uid("study", "a") != make_uid("study", "b")
    True
    """
    digest = hashlib.sha256("\0".join(parts).encode()).digest()[:16]
    return f"2.25.{uuid.UUID(bytes=digest, version=5).int}"


def spec_digest(spec: PhantomSpec) -> str:
    """Hexadecimal digest of everything that a spec says."""
    text = json.dumps(asdict(spec), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def to_dicom(
    image: PhantomImage, *, options: DicomOptions | None = None, identity: Identity | None = None
) -> Dataset:
    """A DICOM object of a phantom, complete and ready to be saved.

    Args:
        image: Of ``render``.
        options: Modality, bits, polarity.
        identity: Patient, study, number and date; from the spec when None.

    Raises:
        InvalidValueError: The view has no code (only PA, AP and lateral have).
    """
    options, identity = options or DicomOptions(), identity or Identity()
    view = image.spec.imaging.view
    if view not in POSITIONS:
        raise InvalidValueError(f"a DICOM phantom is PA, AP or LATERAL, got {view}")
    dataset = Dataset()
    _add_identity(dataset, image, options, identity)
    _add_equipment(dataset, options)
    _add_acquisition(dataset, image)
    if options.modality == "DX":
        _add_dx(dataset, image)
    _add_pixels(dataset, image, options)
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = IMPLEMENTATION
    meta.ImplementationVersionName = f"HILUM_{__version__}"[:16]
    dataset.file_meta = meta
    return dataset


def write_dicom(
    image: PhantomImage,
    path: Path,
    *,
    options: DicomOptions | None = None,
    identity: Identity | None = None,
) -> Dataset:
    """Write a phantom as a DICOM file and return its data set; as ``to_dicom``.

    Raises:
        InvalidValueError: The view has no code, or the file cannot be written.
    """
    dataset = to_dicom(image, options=options, identity=identity)
    try:
        pydicom.dcmwrite(path, dataset, enforce_file_format=True)
    except OSError as error:
        raise InvalidValueError(f"cannot write {path}: {error.strerror}") from error
    return dataset


def _add_identity(
    dataset: Dataset, image: PhantomImage, options: DicomOptions, identity: Identity
) -> None:
    """Patient, study, series and the object itself."""
    build, digest = image.spec.build, spec_digest(image.spec)
    patient = identity.patient or f"P{digest[:12].upper()}"
    study = identity.study or digest
    rows, columns = image.radiograph.pixels.shape
    kind = f"{options.modality}{options.bits}{'i' if options.is_monochrome1 else ''}"
    kind += f" {rows} x {columns}"
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.PatientName = f"Phantom^{patient}"
    dataset.PatientID = patient
    dataset.PatientBirthDate = ""
    dataset.PatientSex = build.sex
    dataset.PatientAge = _age(build.age_years)
    dataset.QualityControlSubject = "YES"
    dataset.PatientComments = "Simulated phantom; no patient."
    dataset.StudyInstanceUID = make_uid("study", patient, study)
    dataset.SeriesInstanceUID = make_uid("series", patient, study, str(identity.number), kind)
    dataset.SOPInstanceUID = make_uid("image", patient, study, str(identity.number), kind, digest)
    is_dx = options.modality == "DX"
    dataset.SOPClassUID = (
        DigitalXRayImageStorageForPresentation if is_dx else ComputedRadiographyImageStorage
    )
    dataset.Modality = options.modality
    for name in ("Study", "Series", "Content", "Acquisition"):
        setattr(dataset, f"{name}Date", identity.date)
        setattr(dataset, f"{name}Time", identity.time)
    dataset.StudyID = make_uid("study", patient, study)[-8:]
    dataset.AccessionNumber = ""
    dataset.ReferringPhysicianName = ""
    dataset.StudyDescription = identity.description
    dataset.SeriesNumber = identity.number
    dataset.InstanceNumber = 1
    position = POSITIONS[image.spec.imaging.view]
    dataset.SeriesDescription = f"{identity.description} {position.position}"


def _age(years: float) -> str:
    """An age string (PS3.5 AS): months below two years.

    >>> _age(0.5), _age(50.4)
    ('006M', '050Y')
    """
    return f"{round(years * 12):03d}M" if years < 2 else f"{int(years):03d}Y"


def _add_equipment(dataset: Dataset, options: DicomOptions) -> None:
    dataset.Manufacturer = "Hilum"
    dataset.ManufacturerModelName = "Phantom"
    dataset.DeviceSerialNumber = "0"
    dataset.SoftwareVersions = __version__
    dataset.InstitutionName = "Phantom"
    if options.modality == "DX":
        dataset.DetectorType = "SCINTILLATOR"


def _add_acquisition(dataset: Dataset, image: PhantomImage) -> None:
    """Geometry, beam and position: what the film was taken with."""
    imaging = image.spec.imaging
    rows, columns = image.radiograph.pixels.shape
    beam = beam_of(imaging, (columns, rows))
    position = POSITIONS[imaging.view]
    dataset.BodyPartExamined = "CHEST"
    dataset.ViewPosition = position.position
    dataset.PatientOrientation = list(position.orientation)
    dataset.KVP = _number(imaging.kvp)
    dataset.DistanceSourceToDetector = _number(beam.source_mm)
    dataset.DistanceSourceToPatient = _number(beam.source_mm - beam.axis_mm)
    across, down = beam.pixel_mm
    dataset.ImagerPixelSpacing = [_number(down), _number(across)]
    charge = MAS_AT_DOSE_1 * imaging.dose * (beam.source_mm / 1800.0) ** 2
    dataset.ExposureTime = max(1, round(SECONDS * 1000))
    dataset.XRayTubeCurrent = max(1, round(charge / SECONDS))
    dataset.Exposure = max(1, round(charge))
    dataset.ExposureInuAs = max(1, round(charge * 1000))
    dataset.ImageType = ["DERIVED", "PRIMARY"]
    dataset.DerivationDescription = "Simulated projection of a parametric thorax"
    dataset.QualityControlImage = "YES"
    marker = f"side marker {imaging.marker} burned in" if imaging.marker else "no marker"
    dataset.ImageComments = f"Phantom, no patient; {marker}."


def _add_dx(dataset: Dataset, image: PhantomImage) -> None:
    """What only the DX object asks for: codes, laterality, intent, display."""
    imaging = image.spec.imaging
    position = POSITIONS[imaging.view]
    beam = beam_of(imaging, image.radiograph.pixels.shape[::-1])
    magnification = _number(float(beam.magnification(0.0)))
    dataset.EstimatedRadiographicMagnificationFactor = magnification
    dataset.PresentationIntentType = "FOR PRESENTATION"
    dataset.ImageLaterality = "U"
    dataset.AnatomicRegionSequence = [_code("51185008", "Chest")]
    view = _code(position.code, position.meaning)
    view.ViewModifierCodeSequence = []
    dataset.ViewCodeSequence = [view]
    dataset.PositionerType = "NONE"
    dataset.AcquisitionContextSequence = []
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = "0", "1", "US"
    dataset.LossyImageCompression = "00"


def _code(value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "SCT", meaning
    return item


def _add_pixels(dataset: Dataset, image: PhantomImage, options: DicomOptions) -> None:
    top = 2**options.bits - 1
    grey = np.round(image.radiograph.pixels * top).astype(np.uint8 if top < 256 else np.uint16)
    if options.is_monochrome1:
        grey = (top - grey).astype(grey.dtype)
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME1" if options.is_monochrome1 else "MONOCHROME2"
    dataset.Rows, dataset.Columns = grey.shape
    dataset.BitsAllocated = 8 * grey.dtype.itemsize
    dataset.BitsStored, dataset.HighBit = options.bits, options.bits - 1
    dataset.PixelRepresentation = 0
    # neither holds enough to know a patient or a day by; the marker alone is burned in
    dataset.BurnedInAnnotation = "NO"
    dataset.RecognizableVisualFeatures = "NO"
    if options.modality == "DX":
        dataset.PixelIntensityRelationship = "LOG"
        dataset.PixelIntensityRelationshipSign = 1 if options.is_monochrome1 else -1
        dataset.PresentationLUTShape = "INVERSE" if options.is_monochrome1 else "IDENTITY"
    dataset.WindowCenter, dataset.WindowWidth = str(2 ** (options.bits - 1)), str(2**options.bits)
    raw = np.ascontiguousarray(grey.astype(grey.dtype.newbyteorder("<"))).tobytes()
    dataset.add_new("PixelData", "OW" if top > 255 else "OB", raw + b"\0" * (len(raw) % 2))


def _number(value: float) -> str:
    """A decimal string (PS3.5 DS): at most 16 characters.

    >>> _number(0.8203125123456789)
    '0.82031251'
    """
    return f"{value:.8f}".rstrip("0").rstrip(".")
