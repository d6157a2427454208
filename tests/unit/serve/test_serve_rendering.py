"""Pictures of instances whose header is damaged."""

import io

import pydicom
import pytest
from pydicom.dataelem import DataElement
from pydicom.uid import ImplicitVRLittleEndian, MultiFrameGrayscaleByteSecondaryCaptureImageStorage

from hilum.errors import UnreadableImageError
from hilum.serve.dicomweb.rendering import Look, render


def two_frames(*descriptor: int) -> bytes:
    dataset = pydicom.Dataset()
    dataset.SOPClassUID = MultiFrameGrayscaleByteSecondaryCaptureImageStorage
    dataset.SOPInstanceUID, dataset.Modality = "1.2.3", "OT"
    dataset.Rows, dataset.Columns, dataset.NumberOfFrames = 4, 6, 2
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    dataset.PixelRepresentation = 0
    dataset.PixelData = bytes(range(48))
    if descriptor:
        tag = 0x00281103  # of the blue palette
        dataset[tag] = DataElement(tag, "US", list(descriptor))
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def test_a_frame_is_a_picture_of_its_own() -> None:
    pictures = [render(two_frames(), "image/png", Look(), frame=n) for n in (1, 2)]
    assert all(picture.startswith(b"\x89PNG") for picture in pictures)


def test_a_value_that_does_not_fit_its_vr_is_a_damaged_image() -> None:
    data = two_frames(0x8000, 1, 2)
    assert render(data, "image/png", Look(), frame=2)
    representation = b"\x28\x00\x03\x01\x02\x00\x00\x00"
    signed = data.replace(representation + b"\0\0", representation + b"\1\0")
    assert signed != data
    # pydicom reads the descriptor as signed now, and would write it as unsigned
    with pytest.raises(UnreadableImageError, match="cannot be read"):
        render(signed, "image/png", Look(), frame=2)
