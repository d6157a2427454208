"""A DICOM file becomes a ``Radiograph``: the main path of DICOM input."""

from __future__ import annotations

from hilum.io.dicom_display import render_frame
from hilum.io.dicom_header import DicomHeader
from hilum.io.dicom_metadata import read_acquired, read_patient, read_spacing, read_view
from hilum.io.dicom_pixels import decode_frame
from hilum.io.elements import read_text
from hilum.types import Issue, Orientation, Radiograph

__all__ = ["decode_dicom"]


def decode_dicom(header: DicomHeader, source: str) -> Radiograph:
    """Decode the image of a DICOM file whose header was read.

    Args:
        header: from ``read_header``; its file must still be open.
        source: display name of the file.

    Returns:
        The radiograph as stored: rows and columns are those of the file, polarity is the
        declared one (MONOCHROME1 undone).

    Raises:
        UnreadableImageError: no pixel data, or none that can be decoded.
        ResourceLimitError: more pixels than Hilum decodes.
    """
    dataset = header.dataset
    frame = decode_frame(header)
    pixels, chroma, notes = render_frame(header, frame)
    rows, columns = pixels.shape
    view, view_origin, view_notes = read_view(dataset)
    spacing, spacing_notes = read_spacing(dataset, rows, columns)
    return Radiograph(
        pixels=pixels,
        source=source,
        orientation=Orientation(rows, columns),
        view=view,
        view_origin=view_origin,
        spacing=spacing,
        study_uid=read_text(dataset, "StudyInstanceUID"),
        sop_instance_uid=read_text(dataset, "SOPInstanceUID"),
        patient_key=read_patient(dataset).key,
        acquired=read_acquired(dataset),
        modality=read_text(dataset, "Modality").upper(),
        body_part=read_text(dataset, "BodyPartExamined").upper(),
        frames=frame.frames,
        chroma=chroma,
        notes=(*frame.notes, *notes, *view_notes, *spacing_notes, *_describe(header, frame.frames)),
    )


def _describe(header: DicomHeader, frames: int) -> list[Issue]:
    """Notes on the kind of file: several frames, or not meant for display."""
    notes = []
    if frames > 1:
        notes.append(
            Issue("several_frames", f"The file holds {frames} frames; the middle one was read.")
        )
    if read_text(header.dataset, "PresentationIntentType").upper() == "FOR PROCESSING":
        notes.append(
            Issue(
                "for_processing",
                "The file holds detector data for processing, not the image made for display.",
            )
        )
    return notes
