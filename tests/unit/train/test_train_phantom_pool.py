"""Phantom pools: the same set whatever the workers, and truth in the order that is promised."""

from pathlib import Path

import numpy as np
import pytest

import hilum.train.phantom_pool as pool_module
from hilum.synth import render
from hilum.train.phantom_pool import (
    DEVICES,
    PLANES,
    POINTS,
    STRUCTURES,
    load_phantoms,
    planes_of,
    sample_phantom,
)
from hilum.train.structures_data import StructuresRecipe, draw_phantom, swap_sides
from hilum.types import View


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("phantoms")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "BLOCK", 2)
    monkeypatch.setattr(pool_module, "SIDE", 96)


def test_a_pool_is_made_once_and_loaded_again(folder: Path) -> None:
    made = load_phantoms(folder, count=3, seed=5)
    assert made.images.shape == (3, 96, 96)
    assert made.masks(0).shape == (len(PLANES), 96, 96)
    assert made.points.shape == (3, len(POINTS), 2)
    stamps = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert len(stamps) == 2
    again = load_phantoms(folder, count=3, seed=5)
    assert stamps == {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    np.testing.assert_array_equal(made.images, again.images)
    np.testing.assert_array_equal(made.planes, again.planes)


def test_structures_lie_where_they_belong(folder: Path) -> None:
    made = load_phantoms(folder, count=3, seed=5)
    masks = dict(zip(PLANES, made.masks(0), strict=True))
    centre = {name: np.argwhere(mask).mean(0) for name, mask in masks.items() if mask.any()}
    assert set(STRUCTURES) <= set(centre)
    for name in ("clavicle", "hilum", "hemidiaphragm"):
        # the patient's right is on the left of the image
        assert centre[f"right_{name}"][1] < centre["spine"][1] < centre[f"left_{name}"][1]
    rows = [centre[n][0] for n in ("left_clavicle", "aortic_arch", "left_hilum")]
    assert rows == sorted(rows)
    assert centre["left_hilum"][0] < centre["left_hemidiaphragm"][0]
    carina = made.points[0, 0]
    assert masks["aortic_arch"][: int(carina[1] * 96) + 1].sum() == masks["aortic_arch"].sum()


def test_a_lateral_phantom_is_one() -> None:
    spec = sample_phantom(np.random.default_rng(0), is_lateral=True)
    assert spec.imaging.view is View.LATERAL


def test_a_tube_is_in_its_plane_with_its_tip_at_an_end() -> None:
    rng = np.random.default_rng(2)
    spec = sample_phantom(rng)
    while not any(device.name == "endotracheal_tube" for device in spec.devices):
        spec = sample_phantom(rng)
    truth = render(spec, pixels=(128, 128)).truth
    plane = planes_of(truth)[PLANES.index("endotracheal_tube")]
    tip = next(d.tip for d in truth.devices if d.spec.name == "endotracheal_tube")
    rows, columns = np.nonzero(plane)
    assert rows.size
    assert np.hypot(columns + 0.5 - tip[0], rows + 0.5 - tip[1]).min() < 3


@pytest.mark.parametrize("seed", range(4))
def test_an_example_moves_its_planes_with_its_image(folder: Path, seed: int) -> None:
    made = load_phantoms(folder, count=3, seed=5)
    films = made.images[:1]
    recipe = StructuresRecipe(size=64)
    example = draw_phantom(made, films, recipe, np.random.default_rng(seed))
    assert example.image.shape == (64, 64)
    assert example.planes.shape == (len(PLANES), 32, 32)
    assert example.heat.shape == (len(POINTS), 32, 32)
    assert np.nanmax(example.planes) <= 1.0
    right, left = (example.planes[PLANES.index(f"{s}_lung")] for s in ("right", "left"))
    if right.sum() > 5 and left.sum() > 5:
        assert np.argwhere(right > 0.5)[:, 1].mean() < np.argwhere(left > 0.5)[:, 1].mean()


def test_sides_change_places_and_the_rest_stays() -> None:
    order = swap_sides(PLANES)
    assert sorted(order) == list(range(len(PLANES)))
    assert PLANES[order[PLANES.index("left_hilum")]] == "right_hilum"
    for name in ("ribs", "spine", "aortic_arch", *DEVICES):
        assert PLANES[order[PLANES.index(name)]] == name
