"""Measurements on phantoms, whose anatomy is known: from true masks come true values."""

from functools import cache

import numpy as np
import pytest

from hilum.anatomy.carina import find_fork, measure_angle
from hilum.anatomy.grid import make_grid
from hilum.anatomy.masks import clean_map
from hilum.anatomy.measurements import measure
from hilum.synth import Build, FindingSpec, Imaging, PhantomImage, PhantomSpec, render


@cache
def phantom(ratio: float = 0.45, *findings: FindingSpec) -> PhantomImage:
    build = Build(heart_ratio=ratio, texture=5)
    spec = PhantomSpec(build, findings, imaging=Imaging(dose=4.0, marker=""))
    return render(spec, pixels=(320, 320))


def measured(image: PhantomImage) -> dict:
    grid = make_grid(image.radiograph)
    names = ("right_lung", "left_lung", "cardiomediastinum", "airways")
    maps = {name: image.truth.masks[name].astype(np.float32) for name in names}
    cleans = {name: clean_map(grid.resample(values)) for name, values in maps.items()}
    pixels = grid.resample(image.radiograph.pixels)
    return {m.name: m for m in measure(cleans, {}, pixels, grid)}


@pytest.mark.parametrize("ratio", [0.40, 0.50, 0.60])
def test_the_true_ratio_is_measured(ratio):
    image = phantom(ratio)
    assert measured(image)["cardiothoracic_ratio"].value == pytest.approx(ratio, abs=0.025)


def test_a_consolidated_lobe_is_more_opaque_than_the_other_side():
    lobe = FindingSpec("consolidation", side="right", place="upper_lobe", extent=0.9, seed=1)
    for findings, is_consolidated in (((), False), ((lobe,), True)):
        values = measured(phantom(0.45, *findings))
        right, left = (values[f"opacity_{side}_upper_zone"].value for side in ("right", "left"))
        assert (right > left + 0.15) == is_consolidated


def test_the_true_fork_is_found():
    image = phantom()
    airways = image.truth.masks["airways"]
    fork = find_fork(airways)
    assert fork is not None
    assert fork.is_seen
    x, y = image.truth.landmarks["carina"]
    # the landmark is where the axes part, the fork where the gap between the walls begins
    assert abs(fork.point[0] - x) < 6
    assert 0 < fork.point[1] - y < 25
    angle = measure_angle(airways, (1.0, 1.0))
    assert angle == pytest.approx(image.spec.build.carina_angle, abs=12)
