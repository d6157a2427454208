"""DICOM files that the constructed readings of ``readings`` could have come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hilum.io.elements import quiet
from hilum.types import Reading
from image_factory import make_dicom, save_bytes

__all__ = ["SERIES_UID", "unique_images", "write_sources"]

SERIES_UID = "1.2.826.0.1.3680043.8.498.3"


def unique_images(reading: Reading) -> Reading:
    """The reading with a SOP instance UID of its own for every radiograph."""
    images = tuple(
        replace(
            image,
            radiograph=replace(
                image.radiograph, sop_instance_uid=f"1.2.826.0.1.3680043.8.498.2.{number}"
            ),
        )
        for number, image in enumerate(reading.radiographs, start=1)
    )
    study = replace(reading.study, radiographs=tuple(image.radiograph for image in images))
    return replace(reading, radiographs=images, study=study)


def write_sources(reading: Reading, folder: Path, **elements: Any) -> Sequence[Path]:
    """Write a digital radiograph of the right size and UID for every radiograph.

    ``elements`` overrides or adds elements of all of them; None leaves an element out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, image in enumerate(reading.radiographs, start=1):
        radiograph = image.radiograph
        defaults = {
            "StudyInstanceUID": radiograph.study_uid,
            "SeriesInstanceUID": SERIES_UID,
            "SOPInstanceUID": radiograph.sop_instance_uid,
            "PatientName": "Doe^Jane",
            "PatientBirthDate": "19640203",
            "PatientSex": "F",
            "PatientOrientation": ["L", "F"],
            "ImagerPixelSpacing": [0.7, 0.7],
            "StudyID": "7",
            "WindowCenter": "2048",
            "WindowWidth": "4096",
        }
        pixels = np.full((radiograph.rows, radiograph.columns), 100, np.uint16)
        path = folder / f"image{number}.dcm"
        with quiet():  # some tests want values that pydicom warns of
            dataset = make_dicom(pixels, bits=12, **{**defaults, **elements})
            path.write_bytes(save_bytes(dataset))
        paths.append(path)
    return paths
