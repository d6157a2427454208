"""Synthetic image files for the tests of input: DICOM data sets and rasters made in memory."""

import io
from typing import Any

import imagecodecs
import numpy as np
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    CTImageStorage,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    JPEGBaseline8Bit,
    generate_uid,
)

__all__ = [
    "dicom_bytes",
    "htj2k_dicom_bytes",
    "jpeg_dicom_bytes",
    "make_dicom",
    "ramp",
    "save_bytes",
]

STUDY_UID = "1.2.826.0.1.3680043.8.498.1"


def ramp(rows: int = 12, columns: int = 10, top: int = 4095) -> np.ndarray:
    """A gradient from 0 to ``top``, different in every row and column."""
    values = np.linspace(0, top, rows * columns).reshape(rows, columns)
    return values.astype(np.uint16 if top > 255 else np.uint8)


def make_dicom(array: np.ndarray, *, bits: int | None = None, **elements: Any) -> Dataset:
    """A digital radiograph of ``array`` ``(rows, columns)`` or ``(..., 3)``, uncompressed.

    ``elements`` overrides or adds elements by keyword; None leaves an element out.
    """
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    is_slice = elements.get("Modality") == "CT"
    meta.MediaStorageSOPClassUID = (
        CTImageStorage if is_slice else DigitalXRayImageStorageForPresentation
    )
    meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset = Dataset()
    dataset.file_meta = meta
    allocated = 8 * array.dtype.itemsize
    is_colour = array.shape[-1] == 3 and array.ndim > 2
    rows, columns = array.shape[-3:-1] if is_colour else array.shape[-2:]
    defaults = {
        "SOPClassUID": meta.MediaStorageSOPClassUID,
        "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
        "StudyInstanceUID": STUDY_UID,
        "Modality": "DX",
        "PatientID": "patient-1",
        "StudyDate": "20200131",
        "StudyTime": "101112",
        "Rows": rows,
        "Columns": columns,
        "SamplesPerPixel": 3 if is_colour else 1,
        "PhotometricInterpretation": "RGB" if is_colour else "MONOCHROME2",
        "BitsAllocated": allocated,
        "BitsStored": bits or allocated,
        "HighBit": (bits or allocated) - 1,
        "PixelRepresentation": int(array.dtype.kind == "i"),
    }
    if is_colour:
        defaults["PlanarConfiguration"] = 0
    for keyword, value in {**defaults, **elements}.items():
        if value is not None:
            setattr(dataset, keyword, value)
    if "PixelData" not in elements:
        raw = array.tobytes()
        dataset.PixelData = raw + b"\0" * (len(raw) % 2)
        dataset["PixelData"].VR = "OW" if allocated > 8 else "OB"
    return dataset


def save_bytes(dataset: Dataset) -> bytes:
    """The file that holds ``dataset``."""
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def dicom_bytes(
    array: np.ndarray,
    *,
    syntax: str = ExplicitVRLittleEndian,
    bits: int | None = None,
    **elements: Any,
) -> bytes:
    """A DICOM file of ``array`` in a transfer syntax that pydicom can write."""
    dataset = make_dicom(array, bits=bits, **elements)
    if dataset.file_meta.TransferSyntaxUID == syntax:
        return save_bytes(dataset)
    if syntax == ExplicitVRBigEndian:
        raw = array.astype(array.dtype.newbyteorder(">")).tobytes()
        dataset.PixelData = raw + b"\0" * (len(raw) % 2)
        dataset["PixelData"].VR = "OW" if array.dtype.itemsize > 1 else "OB"
        dataset.file_meta.TransferSyntaxUID = syntax
        return save_bytes(dataset)
    if getattr(syntax, "is_compressed", False):
        dataset.compress(syntax, generate_instance_uid=False)
    else:
        dataset.file_meta.TransferSyntaxUID = syntax
    return save_bytes(dataset)


def jpeg_dicom_bytes(array: np.ndarray, **elements: Any) -> bytes:
    """A JPEG baseline DICOM file of an 8-bit ``array``."""
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "JPEG", quality=95)
    dataset = make_dicom(array, PixelData=encapsulate([buffer.getvalue()]), **elements)
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    dataset["PixelData"].VR = "OB"
    return save_bytes(dataset)


def htj2k_dicom_bytes(array: np.ndarray, **elements: Any) -> bytes:
    """A lossless HTJ2K DICOM file of an unsigned ``array`` of 8 or 16 bits."""
    stream = imagecodecs.htj2k_encode(array, reversible=True)
    dataset = make_dicom(array, PixelData=encapsulate([bytes(stream)]), **elements)
    dataset.file_meta.TransferSyntaxUID = HTJ2KLossless
    dataset["PixelData"].VR = "OB"
    return save_bytes(dataset)
