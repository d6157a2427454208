"""Heat maps of a reading as grey PNG files, for the viewer to colour."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from hilum.errors import InvalidValueError
from hilum.export.files import replace_file
from hilum.types import FloatImage, Reading

__all__ = ["encode_grey", "write_heatmaps"]


def write_heatmaps(reading: Reading, folder: Path) -> None:
    """Write ``heatmaps/NUMBER/FINDING.png`` below ``folder``, radiographs numbered from 1.

    Each covers the whole stored image at the map's own resolution.
    """
    for number, image in enumerate(reading.radiographs, start=1):
        for finding in image.findings:
            if finding.heatmap is not None:
                place = folder / "heatmaps" / str(number) / f"{finding.name}.png"
                replace_file(place, encode_grey(finding.heatmap))


def encode_grey(heatmap: FloatImage) -> bytes:
    """A map ``(rows, columns)`` in [0, 1] as an 8-bit PNG.

    Raises:
        InvalidValueError: It is empty or cannot be encoded.
    """
    levels = np.clip(np.rint(np.nan_to_num(heatmap) * 255.0), 0, 255).astype(np.uint8)
    is_encoded, data = cv2.imencode(".png", levels) if levels.size else (False, None)
    if not is_encoded or data is None:
        raise InvalidValueError(f"a heat map of shape {heatmap.shape} could not be encoded")
    return bytes(data.tobytes())
