"""The shipped gate on real radiographs and on real images that are none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from hilum.io import read_radiograph
from hilum.models import Model, load_model
from hilum.quality import assess
from hilum.types import Orientation, Radiograph

pytestmark = pytest.mark.data

REFUSED = ("not_chest_angiogram", "not_chest_extremity", "not_radiograph_ct", "not_radiograph_mr")
ACCEPTED = ("chest_pa_j2k_monochrome1", "chest_pa_jpeg")


@pytest.fixture(scope="module")
def gate() -> Model:
    return load_model("hilum-gate")


def upright(path: Path) -> Radiograph:
    pixels = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE).astype(np.float32) / 255
    return Radiograph(pixels=pixels, source=path.name, orientation=Orientation(*pixels.shape))


@pytest.mark.parametrize("name", REFUSED)
def test_real_non_chests_are_refused_by_their_header_and_by_their_pixels(shared_data, gate, name):
    image = read_radiograph(shared_data / "dicom" / f"{name}.dcm")
    assert not assess(image, gate)[1].accepted
    bare = replace(image, modality="", body_part="", frames=1)
    assert not assess(bare, gate)[1].accepted


@pytest.mark.parametrize("name", ACCEPTED)
def test_real_chests_are_accepted_as_they_are(shared_data, gate, name):
    image = read_radiograph(shared_data / "dicom" / f"{name}.dcm")
    seen, quality = assess(image, gate)
    assert quality.accepted
    assert seen.orientation == image.orientation
    assert not {"polarity_corrected", "rotation_corrected"} & {w.code for w in quality.warnings}


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("is_inverted", [False, True])
def test_a_turned_or_inverted_real_chest_is_put_right(shared_data, gate, turns, is_inverted):
    image = read_radiograph(shared_data / "dicom" / "chest_pa_jpeg.dcm")
    pixels = np.rot90(1 - image.pixels if is_inverted else image.pixels, turns)
    pixels = np.ascontiguousarray(pixels)
    turned = Radiograph(pixels=pixels, source="a", orientation=Orientation(*pixels.shape))
    seen, quality = assess(turned, gate)
    assert quality.accepted
    assert seen.orientation.quarter_turns == (4 - turns) % 4
    assert seen.is_inverted is is_inverted


@pytest.mark.slow
@pytest.mark.parametrize(
    ("folder", "least"), [("nih", 0.98), ("kermany", 0.98), ("covid", 0.98), ("anatomy", 0.95)]
)
def test_radiographs_of_every_source_are_accepted(shared_data, gate, folder, least):
    paths = sorted((shared_data / folder / "images").iterdir())
    paths = paths[:: max(1, len(paths) // 100)]
    verdicts = [assess(upright(path), gate)[1].accepted for path in paths]
    assert np.mean(verdicts) >= least
