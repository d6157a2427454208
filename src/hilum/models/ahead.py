"""A run begun early, beside other work, whose result is asked for later."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from hilum.models.manifest import Manifest
from hilum.models.session import Model
from hilum.types import FloatImage

__all__ = ["RunAhead"]


class RunAhead:
    """Stands for ``model`` where it will be run on ``pixels``, and has already begun to.

    With one thread allowed it begins only when it is asked, so that a worker of a batch never
    uses more cores than it was given.
    """

    def __init__(self, model: Model, pixels: FloatImage) -> None:
        self._model, self._pixels = model, pixels
        self._begun = None
        if model.threads > 1:
            pool = ThreadPoolExecutor(max_workers=1)
            self._begun = pool.submit(model.run, pixels)
            pool.shutdown(wait=False)

    @property
    def manifest(self) -> Manifest:
        """The manifest of the model."""
        return self._model.manifest

    def run(self, pixels: FloatImage) -> dict[str, npt.NDArray[np.float32]]:
        """The outputs for ``pixels``, as ``Model.run`` gives them; waits for them if need be."""
        if self._begun is None or pixels is not self._pixels:
            return self._model.run(pixels)
        return self._begun.result()
