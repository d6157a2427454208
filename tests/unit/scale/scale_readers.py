"""Readers for the batch's tests: picklable stand-ins for the main path, by file name."""

import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hilum.errors import UnreadableImageError
from hilum.io import ImageSource
from hilum.types import (
    Anatomy,
    Context,
    Finding,
    Issue,
    Measurement,
    Orientation,
    Quality,
    Radiograph,
    RadiographReading,
    Reading,
    Report,
    Status,
    Study,
    View,
)


def make_image(source: str = "a.png") -> Radiograph:
    """A grey 4 x 6 image."""
    pixels = np.full((4, 6), 0.5, np.float32)
    return Radiograph(pixels, source, Orientation(4, 6), view=View.PA)


def make_reading(image: RadiographReading) -> Reading:
    """A reading of this image."""
    return Reading(Study((image.radiograph,)), (image,), Report())


def read_image(source: str = "a.png", *, prob: float = 0.25) -> RadiographReading:
    """A readable image with one finding, one unassessed finding, a ratio and a carina."""
    anatomy = Anatomy(
        landmarks={"carina": (3.0, 2.0)},
        measurements=(Measurement("cardiothoracic_ratio", 0.45, "1", 0.01),),
        warnings=(Issue("mask_doubtful", "A mask is doubtful."),),
    )
    findings = (
        Finding("pneumonia", Status.ABSENT, prob),
        Finding("pneumothorax", Status.NOT_ASSESSED, problem="too few positives"),
    )
    verdict = Quality(accepted=True, warnings=(Issue("rotated", "It was rotated."),))
    return RadiographReading(make_image(source), verdict, anatomy, findings)


def refused_image(source: str = "a.png") -> RadiographReading:
    """An image that the gate refused for two reasons."""
    reasons = (Issue("not_chest", "No chest."), Issue("blank", "Blank."))
    return RadiographReading(make_image(source), Quality(accepted=False, reasons=reasons))


@dataclass(frozen=True)
class FakeReader:
    """Behaves as the file's name says: refuse, fail, bug, kill, killonce, hang or read."""

    model: str = "fake@1"

    def weights(self) -> Mapping[str, str]:
        return {"findings": self.model}

    def __call__(self, source: ImageSource, context: Context) -> Reading:
        name = source.path.name
        if name.startswith("refuse"):
            return make_reading(refused_image(name))
        if name.startswith("fail"):
            raise UnreadableImageError("got junk,\nexpected an image")
        if name.startswith("bug"):
            raise KeyError("surprise")
        if name.startswith("hang"):
            time.sleep(600)
        once = source.path.with_suffix(".killed")
        if name.startswith("killonce") and not once.exists():
            once.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if name.startswith("killalways"):
            os.kill(os.getpid(), signal.SIGKILL)
        if name.startswith("threads"):
            return make_reading(read_image(prob=int(os.environ["HILUM_THREADS"]) / 10))
        return make_reading(read_image(name, prob=(context.age_years or 0.0) / 100))
