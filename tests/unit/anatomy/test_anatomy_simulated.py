"""Simulated structures: kept apart by origin, shown only where they can lie."""

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from hilum.anatomy import analyse, segment_simulated
from hilum.anatomy.masks import clean_parts
from hilum.anatomy.simulated import NO_LUNGS, simulated_specs
from hilum.errors import ModelIntegrityError
from hilum.types import Anatomy, FloatImage, Origin, Radiograph

PLACES = {  # structure: rows and columns of a block in a chest of 256 that conftest draws
    "ribs": (40, 210, 40, 216),
    "left_clavicle": (36, 46, 150, 200),
    "right_clavicle": (36, 46, 56, 106),
    "spine": (20, 250, 118, 140),
    "aortic_arch": (64, 84, 124, 150),
    "left_hilum": (100, 128, 150, 172),
    "right_hilum": (104, 132, 88, 110),
    "left_hemidiaphragm": (190, 198, 150, 216),
    "right_hemidiaphragm": (186, 194, 40, 110),
}
NAMES = tuple(PLACES)


class Network:
    def __init__(self, maps: dict[str, FloatImage]) -> None:
        self.manifest = SimpleNamespace(labels=tuple(maps), calibration={})
        self.maps = np.stack(list(maps.values()))

    def run(self, pixels: FloatImage) -> dict[str, np.ndarray]:
        return {"probabilities": self.maps}


def block(rows: tuple[int, int, int, int]) -> FloatImage:
    top, end, left, right = rows
    canvas = np.zeros((256, 256), np.float32)
    canvas[top:end, left:right] = 0.9
    return canvas


@pytest.fixture
def seen(
    chest: dict[str, FloatImage], make_radiograph: Callable[..., Radiograph]
) -> tuple[Radiograph, Anatomy]:
    image = make_radiograph(256, 256)
    return image, analyse(image, chest)


def test_every_structure_in_its_place_is_shown(seen: tuple[Radiograph, Anatomy]) -> None:
    image, anatomy = seen
    found = segment_simulated(image, Network({n: block(p) for n, p in PLACES.items()}), anatomy)
    assert {name: s.problem for name, s in found.items()} == dict.fromkeys(NAMES)
    for name, structure in found.items():
        assert structure.origin is Origin.PHANTOMS
        assert structure.is_simulated
        assert structure.mask.shape == (256, 256)
        assert structure.quality == pytest.approx(0.8, abs=0.1)
        wanted = block(PLACES[name]) > 0.5
        overlap = (structure.mask & wanted).sum() / (structure.mask | wanted).sum()
        assert overlap > 0.8


def test_what_lies_elsewhere_is_not_shown(seen: tuple[Radiograph, Anatomy]) -> None:
    image, anatomy = seen
    swapped = {
        "left_clavicle": PLACES["left_hemidiaphragm"],
        "right_hilum": PLACES["left_hilum"],
        "aortic_arch": (0, 256, 0, 256),
        "ribs": (100, 102, 100, 102),
        "spine": (0, 0, 0, 0),
    }
    found = segment_simulated(image, Network({n: block(p) for n, p in swapped.items()}), anatomy)
    assert found["left_clavicle"].problem == "not where it can lie"
    assert found["right_hilum"].problem == "not where it can lie"
    assert found["aortic_arch"].problem == "too large"
    assert found["ribs"].problem == "hardly any rib found"
    assert found["spine"].problem == "not found"
    assert not any(structure.mask.any() for structure in found.values())


def test_without_lungs_nothing_is_shown(make_radiograph: Callable[..., Radiograph]) -> None:
    image = make_radiograph(256, 256)
    found = segment_simulated(image, Network({"ribs": block(PLACES["ribs"])}), Anatomy())
    assert found["ribs"].problem == NO_LUNGS


def test_masks_come_in_the_layout_of_the_source(
    chest: dict[str, FloatImage], make_radiograph: Callable[..., Radiograph]
) -> None:
    image = make_radiograph(200, 256, turns=1)
    anatomy = analyse(image, chest)
    found = segment_simulated(image, Network({"spine": block(PLACES["spine"])}), anatomy)
    assert found["spine"].problem is None
    assert found["spine"].mask.shape == (200, 256)
    upright = image.orientation.apply(found["spine"].mask)
    assert np.argwhere(upright)[:, 1].mean() == pytest.approx(upright.shape[1] / 2, abs=3)


def test_a_network_with_other_labels_is_refused(seen: tuple[Radiograph, Anatomy]) -> None:
    image, anatomy = seen
    with pytest.raises(ModelIntegrityError, match="use another model"):
        segment_simulated(image, Network({"liver": block((0, 9, 0, 9))}), anatomy)


def test_parts_keep_their_holes_and_lose_their_crumbs() -> None:
    ring = np.zeros((60, 60), np.float32)
    ring[10:40, 10:40] = 0.9
    ring[15:35, 15:35] = 0.0
    ring[50:52, 50:52] = 0.9
    kept = clean_parts(ring, min_part=0.05)
    assert kept.parts == 1
    assert kept.mask.sum() == 30 * 30 - 20 * 20
    assert clean_parts(ring, min_part=0.001).parts == 2
    assert clean_parts(np.zeros((8, 8), np.float32), min_part=0.1).parts == 0


def test_the_table_is_within_itself() -> None:
    assert set(simulated_specs()) == set(NAMES)
    for spec in simulated_specs().values():
        assert 0 < spec.min_part <= 1
        assert 0 < spec.area_low < spec.area_high < 1
        assert spec.x_low < spec.x_high
        assert spec.y_low < spec.y_high
