"""PNG, JPEG and TIFF at the door: they become DICOM secondary captures, grey or colour.

So everything behind the door (store, viewer, archive, results) speaks of DICOM instances only.
The identifiers derive from the content: the same file is the same instance.
"""

from __future__ import annotations

import hashlib
import io

import numpy as np
from PIL import Image, ImageOps
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

from hilum._version import __version__
from hilum.io.raster import decode_raster
from hilum.types import FloatImage

__all__ = ["raster_to_dicom"]

COLOUR_SHARE = 0.02
"""Share of coloured pixels from which the colours are kept for the gate to see."""


def raster_to_dicom(data: bytes, *, study_uid: str = "", number: int = 1) -> bytes:
    """Turn an image file into a DICOM secondary capture, upright.

    Args:
        data: The bytes of a PNG, JPEG, TIFF, BMP or WebP file.
        study_uid: The study that it belongs to; without one it is a study of its own.
        number: Its number in the study.

    Returns:
        A DICOM file: grey with 16 bits, or RGB with 8 where the image is coloured.

    Raises:
        UnreadableImageError: It is no image.
        ResourceLimitError: It is larger than Hilum reads.
    """
    image = decode_raster(io.BytesIO(data), "upload")
    digest = hashlib.sha256(data).hexdigest()
    dataset = Dataset()
    dataset.SOPClassUID = SecondaryCaptureImageStorage
    dataset.SOPInstanceUID = generate_uid(entropy_srcs=["instance", digest, study_uid])
    dataset.StudyInstanceUID = study_uid or generate_uid(entropy_srcs=["study", digest])
    dataset.SeriesInstanceUID = generate_uid(entropy_srcs=["series", digest, study_uid])
    dataset.Modality = "OT"
    dataset.ConversionType = "WSD"
    dataset.Manufacturer = "Hilum"
    dataset.SoftwareVersions = __version__
    dataset.PatientName = dataset.PatientID = dataset.PatientBirthDate = dataset.PatientSex = ""
    dataset.StudyDate = dataset.StudyTime = dataset.StudyID = ""
    dataset.AccessionNumber = dataset.ReferringPhysicianName = dataset.PatientOrientation = ""
    dataset.SeriesNumber, dataset.InstanceNumber = "1", str(number)
    if image.chroma > COLOUR_SHARE:
        _set_colour(dataset, data)
    else:
        _set_grey(dataset, image.pixels)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _set_grey(dataset: Dataset, pixels: FloatImage) -> None:
    values = np.rint(pixels * 65535.0).astype("<u2")
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = values.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
    dataset.PixelRepresentation = 0
    dataset.WindowCenter, dataset.WindowWidth = "32768", "65536"  # the whole range, as shown
    dataset.PixelData = values.tobytes()


def _set_colour(dataset: Dataset, data: bytes) -> None:
    with Image.open(io.BytesIO(data)) as image:
        values = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 3, "RGB"
    dataset.PlanarConfiguration = 0
    dataset.Rows, dataset.Columns = values.shape[:2]
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    dataset.PixelRepresentation = 0
    raw = values.tobytes()
    dataset.PixelData = raw + b"\0" * (len(raw) % 2)
