"""The reading as DICOM objects, and back.

Importing this package needs highdicom; ``hilum.export.objects`` says so when it is missing.
"""

from hilum.export.dicom.annotations import build_annotations
from hilum.export.dicom.capture import build_capture
from hilum.export.dicom.report import build_report
from hilum.export.dicom.report_reading import read_report
from hilum.export.dicom.segmentation import build_segmentation, list_segments, read_masks
from hilum.export.dicom.stamp import Stamp, encode, make_stamp

__all__ = [
    "Stamp",
    "build_annotations",
    "build_capture",
    "build_report",
    "build_segmentation",
    "encode",
    "list_segments",
    "make_stamp",
    "read_masks",
    "read_report",
]
