"""Tubes and lines from maps: what is shown, where they end, what is withheld and why."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hilum.anatomy import find_devices
from hilum.anatomy.devices import device_specs
from hilum.errors import ModelIntegrityError
from hilum.ontology import device_names
from hilum.types import (
    Anatomy,
    Orientation,
    Origin,
    Radiograph,
    Spacing,
    SpacingOrigin,
    View,
)

SIDE = 256
NAMES = tuple(device_specs())
LEAST = {"endotracheal_tube": 0.5, "nasogastric_tube": 100.0, "pacemaker": 100.0}
SD = {"endotracheal_tube": 6.0}


class Network:
    """Draws the lines ``(top, end, left, right)`` it is given, by device."""

    def __init__(self, lines: dict[str, tuple[int, int, int, int]], **fields: Any) -> None:
        calibration = {"least": LEAST, "above_carina_sd": SD, "tip_error_mm": SD}
        self.manifest = SimpleNamespace(labels=NAMES, calibration=calibration)
        self.maps = np.zeros((len(NAMES), SIDE, SIDE), np.float32)
        for name, (top, end, left, right) in lines.items():
            self.maps[NAMES.index(name), top:end, left:right] = 0.9
        self.outputs = {"probabilities": self.maps, "tips": np.zeros_like(self.maps), **fields}

    def run(self, pixels: Any) -> dict[str, Any]:
        return self.outputs


def film(*, quarter_turns: int = 0, spacing: bool = True) -> Radiograph:
    upright = np.zeros((512, 512), np.float32)
    return Radiograph(
        upright,
        "film",
        Orientation(512, 512, quarter_turns),
        view=View.FRONTAL,
        spacing=Spacing(0.5, 0.5, SpacingOrigin.DETECTOR) if spacing else None,
    )


TUBE = {"endotracheal_tube": (0, 60, 124, 130)}


def test_names_are_devices_of_the_ontology() -> None:
    assert set(NAMES) <= set(device_names())


def test_a_tube_is_shown_with_its_origin_and_its_lower_end() -> None:
    found = find_devices(film(), Network(TUBE), Anatomy(landmarks={"carina": (254.0, 160.0)}))
    tube = found["endotracheal_tube"]
    assert tube.origin is Origin.PHANTOMS
    assert tube.problem is None
    assert tube.tip is not None
    assert tube.tip.point == pytest.approx((254.0, 119.0), abs=2)
    assert tube.tip.above_carina_mm == pytest.approx(20.5, abs=1)
    assert tube.tip.uncertainty_mm == 6.0
    rows, _ = np.nonzero(tube.mask)
    assert rows.max() == pytest.approx(119, abs=3)


def test_a_turned_film_gets_its_tip_in_source_pixels() -> None:
    image = film(quarter_turns=1)
    anatomy = Anatomy(landmarks={"carina": image.orientation.point_to_source(254.0, 160.0)})
    tip = find_devices(image, Network(TUBE), anatomy)["endotracheal_tube"].tip
    assert tip is not None
    upright = image.orientation.point_from_source(*tip.point)
    assert upright == pytest.approx((254.0, 119.0), abs=2)
    assert tip.above_carina_mm == pytest.approx(20.5, abs=1)


@pytest.mark.parametrize(
    ("image", "landmarks"), [(film(spacing=False), {"carina": (254.0, 160.0)}), (film(), {})]
)
def test_without_spacing_or_carina_no_height_is_given(image: Radiograph, landmarks: Any) -> None:
    tip = find_devices(image, Network(TUBE), Anatomy(landmarks=landmarks))["endotracheal_tube"].tip
    assert tip is not None
    assert tip.above_carina_mm is None


def test_too_little_of_it_is_not_found() -> None:
    tube = find_devices(film(), Network({"endotracheal_tube": (0, 3, 124, 127)}), Anatomy())[
        "endotracheal_tube"
    ]
    assert tube.problem == "not found"
    assert not tube.mask.any()
    assert tube.tip is None


def test_what_was_not_learned_is_never_shown() -> None:
    found = find_devices(film(), Network({"chest_tube": (0, 200, 100, 120)}), Anatomy())
    assert "not looked for" in (found["chest_tube"].problem or "")


def test_beside_a_pacemaker_a_tube_like_its_lead_is_not_judged() -> None:
    lines = {"nasogastric_tube": (0, 200, 124, 128), "pacemaker": (20, 60, 180, 200)}
    found = find_devices(film(), Network(lines), Anatomy())
    assert found["pacemaker"].problem is None
    assert found["pacemaker"].tip is None  # the manifest knows no error of its tip
    assert found["nasogastric_tube"].problem == "not told apart from a pacemaker"
    alone = find_devices(film(), Network({"nasogastric_tube": (0, 200, 124, 128)}), Anatomy())
    assert alone["nasogastric_tube"].problem is None


def test_other_outputs_are_refused() -> None:
    with pytest.raises(ModelIntegrityError, match="use another model"):
        find_devices(film(), Network({}, tips=np.zeros((1, SIDE, SIDE), np.float32)), Anatomy())
