"""The masks of a radiograph as one DICOM Segmentation, binary, one segment a structure.

A projection has no place in the patient: the segmentation says its geometry by having the rows
and columns of the image that it refers to (PS3.3 A.51, derivation image functional group).
Masks are in source pixels, so they need no turning. Beside that it has the orientation that viewers
give to an image without one, and no frame of reference: OHIF shows no segmentation without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from highdicom import AlgorithmIdentificationSequence
from highdicom.color import CIELabColor
from highdicom.seg import Segmentation, SegmentDescription
from highdicom.sr import CodedConcept
from pydicom.dataset import Dataset

from hilum.export.capture_picture import OTHER_OUTLINE, OUTLINES
from hilum.export.coding import code_anatomy, code_finding, concept, side_of_anatomy
from hilum.export.dicom.groups import SegmentReference
from hilum.export.dicom.items import coded
from hilum.export.dicom.stamp import MANUFACTURER, Stamp
from hilum.export.sources import SourceImage
from hilum.export.wording import name_of
from hilum.ontology import device_names
from hilum.types import Mask

__all__ = ["build_segmentation", "list_segments", "read_masks"]

FROM_PHANTOMS = "as learned from phantoms only"
SIMULATED = "Hilum devices, learned from phantoms only"
MACHINE_LEARNING = CodedConcept("123110", "DCM", "Artificial Intelligence")


def list_segments(source: SourceImage, stamp: Stamp) -> dict[str, SegmentReference]:
    """Where the mask of each structure of a radiograph is; empty masks have no segment."""
    uid = stamp.uid("seg", source.number)
    names = _filled(source)
    return {name: SegmentReference(uid, number) for number, name in enumerate(names, start=1)}


def build_segmentation(
    source: SourceImage, stamp: Stamp, *, algorithm: tuple[str, str]
) -> Dataset | None:
    """Build the segmentation of a radiograph.

    Args:
        source: The radiograph and its reading.
        stamp: UIDs and dates.
        algorithm: Name and version of the model that drew the masks.

    Returns:
        The data set, or None when there is no mask with a pixel in it.
    """
    masks = _filled(source)
    if not masks:
        return None
    name, version = algorithm
    identification = AlgorithmIdentificationSequence(
        name=name[:64], family=MACHINE_LEARNING, version=version[:64], source=MANUFACTURER
    )
    simulated = AlgorithmIdentificationSequence(
        name=SIMULATED, family=MACHINE_LEARNING, version=version[:64], source=MANUFACTURER
    )
    structures = source.image.anatomy.structures
    pixels = np.stack([mask.astype(np.uint8) for mask in masks.values()], axis=-1)
    segmentation = Segmentation(
        source_images=[source.header],
        pixel_array=pixels[np.newaxis],  # (frames, rows, columns, segments)
        segmentation_type="BINARY",
        segment_descriptions=[
            _describe(
                number,
                structure,
                source,
                stamp,
                simulated if structures[structure].is_simulated else identification,
            )
            for number, structure in enumerate(masks, start=1)
        ],
        content_label="HILUM_MASKS",
        content_description="For research and teaching only, not for diagnosis.",
        omit_empty_frames=True,
        **stamp.series("seg", source.number),
    )
    _add_plane(segmentation)
    segmentation.ContentCreatorName = ""  # type 2: there, if empty
    segmentation.PatientOrientation = source.header.get("PatientOrientation", "")
    return segmentation


def _add_plane(segmentation: Dataset) -> None:
    """The plane of the image: x along its rows, y along its columns, as viewers assume.

    Without a frame of reference it places nothing in the patient; a pixel of a projection has
    no size there either, so the pixel measures are empty (PS3.3 C.7.6.16.2.1).
    """
    orientation = Dataset()
    orientation.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    shared = segmentation.SharedFunctionalGroupsSequence[0]
    shared.PixelMeasuresSequence = [Dataset()]
    shared.PlaneOrientationSequence = [orientation]


def read_masks(dataset: Dataset) -> tuple[str, dict[str, Mask]]:
    """Read a segmentation back.

    Returns:
        SOP instance UID of the radiograph, and bool ``(rows, columns)`` in source pixels by
        the name of the structure.
    """
    series = dataset.ReferencedSeriesSequence[0]
    uid = str(series.ReferencedInstanceSequence[0].ReferencedSOPInstanceUID)
    names = {int(item.SegmentNumber): _name(item) for item in dataset.SegmentSequence}
    frames = np.asarray(dataset.pixel_array, np.bool_)
    frames = frames.reshape(-1, dataset.Rows, dataset.Columns)
    masks: dict[str, Mask] = {}
    for number, frame in enumerate(frames):
        masks[names[_segment_of(dataset, number)]] = frame
    return uid, masks


def _segment_of(dataset: Dataset, frame: int) -> int:
    """Number of the segment of a frame; a single segment is named in the shared group."""
    groups = dataset.PerFrameFunctionalGroupsSequence[frame]
    if "SegmentIdentificationSequence" not in groups:
        groups = dataset.SharedFunctionalGroupsSequence[0]
    return int(groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber)


def _name(segment: Dataset) -> str:
    return str(segment.TrackingID).rpartition(".structure.")[2]


def _filled(source: SourceImage) -> Mapping[str, npt.NDArray[np.bool_]]:
    """Masks with a pixel in them; of what phantoms taught only devices, whose segment says so."""
    structures = source.image.anatomy.structures
    return {
        name: item.mask
        for name, item in structures.items()
        if item.mask.any() and (not item.is_simulated or name in device_names())
    }


def _describe(
    number: int, structure: str, source: SourceImage, stamp: Stamp, identification: Any
) -> SegmentDescription:
    tracking = f"r{source.number}.structure.{structure}"
    is_simulated = source.image.anatomy.structures[structure].is_simulated
    category = "physical_object" if is_simulated else "anatomical_structure"
    label = f"{name_of(structure)} ({FROM_PHANTOMS})" if is_simulated else name_of(structure)
    description = SegmentDescription(
        segment_number=number,
        segment_label=label[:64],
        segmented_property_category=coded(concept(category)),
        segmented_property_type=coded(
            code_finding(structure) if is_simulated else code_anatomy(structure)
        ),
        algorithm_type="AUTOMATIC",
        algorithm_identification=identification,
        tracking_uid=stamp.uid("track", tracking),
        tracking_id=tracking,
        display_color=CIELabColor.from_rgb(*OUTLINES.get(structure, OTHER_OUTLINE)),
    )
    side = side_of_anatomy(structure)
    if side:
        modifier = coded(concept(side))
        kind = description.SegmentedPropertyTypeCodeSequence[0]
        kind.SegmentedPropertyTypeModifierCodeSequence = [modifier]
    return description
