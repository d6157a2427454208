"""Hilum's own reading as a reader that an audit can call on arrays of pixels."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hilum.evaluate.audits.robustness import Reader
from hilum.geometry import Orientation
from hilum.models import load_model
from hilum.reading import read_radiograph, resolve_models
from hilum.types import FloatImage, Radiograph

__all__ = ["reader_of"]


def reader_of(models: Mapping[str, str] | None = None) -> Reader:
    """A function from upright pixels to probabilities by finding, empty where it refuses.

    Args:
        models: Model names by task, as ``hilum.read`` takes them.
    """
    loaded = {task: load_model(name) for task, name in resolve_models(models or {}).items()}

    def read(image: FloatImage) -> dict[str, float]:
        pixels = np.ascontiguousarray(image, dtype=np.float32)
        rows, columns = pixels.shape
        radiograph = Radiograph(pixels, "audit", Orientation(rows, columns, 0))
        found = read_radiograph(radiograph, loaded).findings
        return {f.name: f.probability for f in found if f.probability is not None}

    return read
