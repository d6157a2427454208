"""A secondary capture with the reading burned in, for viewers that show nothing else."""

from __future__ import annotations

from highdicom.sc import SCImage
from highdicom.sr import CodedConcept
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from hilum.export.capture_picture import draw_capture
from hilum.export.dicom.stamp import Stamp
from hilum.export.sources import SourceImage
from hilum.types import DISCLAIMER

__all__ = ["build_capture"]

PURPOSE = CodedConcept("121322", "DCM", "Source image for image processing operation")


def build_capture(source: SourceImage, stamp: Stamp) -> Dataset:
    """Build the secondary capture of a radiograph: RGB, with burned-in annotation.

    It holds no patient's name in its pixels. Its size is not that of the radiograph and it
    has no pixel spacing, so nothing can be measured on it by mistake.
    """
    capture = SCImage.from_ref_dataset(
        ref_dataset=source.header,
        pixel_array=draw_capture(source.image),
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        patient_orientation=("L", "F"),
        transfer_syntax_uid=ExplicitVRLittleEndian,
        **stamp.series("capture", source.number),
    )
    # what is drawn beside the image has no direction in the patient
    capture.PatientOrientation = ""
    capture.BurnedInAnnotation = "YES"
    capture.DerivationDescription = f"Hilum overlay. {DISCLAIMER}"
    reference = Dataset()
    reference.ReferencedSOPClassUID = source.header.SOPClassUID
    reference.ReferencedSOPInstanceUID = source.header.SOPInstanceUID
    reference.PurposeOfReferenceCodeSequence = [PURPOSE]
    capture.SourceImageSequence = [reference]
    return capture
