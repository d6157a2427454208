"""What holds for the anatomy of any probability maps."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.anatomy import analyse
from hilum.types import Anatomy, FloatImage, Orientation, Radiograph

NAMES = ("left_lung", "right_lung", "cardiomediastinum", "airways")
RATIOS = ("cardiothoracic_ratio", "lung_area_asymmetry", "carina_angle")


def draw(size: int, heart: float, base: float, lean: float) -> dict[str, FloatImage]:
    """A chest: lungs down to ``base``, a heart ``heart`` wide whose apex leans left."""
    shapes = {
        "right_lung": [(28, 12), (42, 20), (44, base), (28, base - 6), (10, base + 8), (14, 30)],
        "left_lung": [(72, 12), (58, 20), (56, base), (72, base - 6), (90, base + 6), (86, 30)],
        "cardiomediastinum": [(49, 30), (50 - heart, 60), (48, base + 4), (50 + lean, base)],
    }
    maps = {}
    for name, points in shapes.items():
        canvas = np.zeros((size, size), np.uint8)
        cv2.fillPoly(canvas, [np.round(np.array(points) * size / 100).astype(np.int32)], 1)
        maps[name] = canvas.astype(np.float32)
    canvas = np.zeros((size, size), np.uint8)
    for end in ((50, 3), (41, 47), (60, 48)):
        tip = (round(end[0] * size / 100), round(end[1] * size / 100))
        cv2.line(canvas, (size // 2, round(0.35 * size)), tip, 1, round(0.045 * size))
    maps["airways"] = canvas.astype(np.float32)
    return maps


chests = st.builds(
    draw,
    size=st.sampled_from([192, 256]),
    heart=st.floats(8, 16),
    base=st.floats(60, 80),
    lean=st.floats(18, 30),
)


def image_of(orientation: Orientation) -> Radiograph:
    rows, columns = orientation.shape
    ramp = np.linspace(0, 1, rows * columns, dtype=np.float32).reshape(rows, columns)
    return Radiograph(ramp, "drawn", orientation)


def values(anatomy: Anatomy) -> dict[str, float | None]:
    return {m.name: m.value for m in anatomy.measurements}


@settings(max_examples=8, deadline=None)
@given(chest=chests)
def test_mirroring_swaps_the_sides(chest) -> None:
    radiograph = image_of(Orientation(240, 200))
    seen = analyse(radiograph, chest)
    swap = {"left_lung": "right_lung", "right_lung": "left_lung"}
    mirrored = {swap.get(name, name): m[:, ::-1].copy() for name, m in chest.items()}
    other = analyse(radiograph, mirrored)
    assert not seen.warnings
    assert not other.warnings
    for name, (x, y) in seen.landmarks.items():
        side, _, rest = name.partition("_")
        partner = {"right": f"left_{rest}", "left": f"right_{rest}"}.get(side, name)
        if side in ("heart", "chest"):
            partner = f"{side}_{'left' if rest == 'right' else 'right'}"
        assert (200 - x, y) == pytest.approx(other.landmarks[partner], abs=2.0), name
    a, b = values(seen), values(other)
    assert a["cardiothoracic_ratio"] == pytest.approx(b["cardiothoracic_ratio"], abs=0.01)
    assert a["lung_area_asymmetry"] == pytest.approx(-b["lung_area_asymmetry"], abs=0.01)
    assert a["left_lung_area"] == pytest.approx(b["right_lung_area"], rel=0.01)


@settings(max_examples=8, deadline=None)
@given(chest=chests, factor=st.sampled_from([0.5, 2, 3]))
def test_ratios_do_not_depend_on_the_size_of_the_image(chest, factor) -> None:
    first = analyse(image_of(Orientation(300, 260)), chest)
    rows, columns = round(300 * factor), round(260 * factor)
    second = analyse(image_of(Orientation(rows, columns)), chest)
    for name in RATIOS:
        assert values(first)[name] == pytest.approx(values(second)[name], abs=0.01, rel=0.01)
    assert values(second)["heart_width"] == pytest.approx(
        values(first)["heart_width"] * factor, rel=0.01
    )


@settings(max_examples=12, deadline=None)
@given(chest=chests, turns=st.integers(0, 3), is_mirrored=st.booleans())
def test_nothing_depends_on_how_the_file_stores_the_image(chest, turns, is_mirrored) -> None:
    plain = analyse(image_of(Orientation(180, 240)), chest)
    shape = (240, 180) if turns % 2 else (180, 240)
    orientation = Orientation(*shape, quarter_turns=turns, is_mirrored=is_mirrored)
    stored = analyse(image_of(orientation), chest)
    assert values(stored) == values(plain)
    for name, structure in plain.structures.items():
        upright = orientation.apply(stored.structures[name].mask)
        # enlarging rounds to eight bits, so single pixels of the contour may differ
        assert (upright != structure.mask).mean() < 0.001, name
    for name, zone in plain.zones.items():
        assert (orientation.apply(stored.zones[name]) != zone).mean() < 0.001, name
    for name, point in plain.landmarks.items():
        found = orientation.point_from_source(*stored.landmarks[name])
        assert found == pytest.approx(point, abs=1e-6), name


@st.composite
def any_maps(draw_value) -> dict[str, FloatImage]:
    side = draw_value(st.integers(1, 48))
    rng = np.random.default_rng(draw_value(st.integers(0, 2**16)))
    maps = {}
    for name in NAMES:
        kind = draw_value(st.sampled_from(["noise", "smooth", "empty", "full", "pixel", "nan"]))
        values_ = rng.random((side, side), dtype=np.float32)
        if kind == "smooth":
            values_ = cv2.resize(rng.random((3, 3), dtype=np.float32), (side, side))
        elif kind in ("empty", "full"):
            values_ = np.full((side, side), float(kind == "full"), np.float32)
        elif kind == "pixel":
            values_ = np.zeros((side, side), np.float32)
            values_[rng.integers(side), rng.integers(side)] = 1.0
        elif kind == "nan":
            values_[values_ > 0.5] = np.nan
        maps[name] = values_
    return maps


@settings(max_examples=40, deadline=None)
@given(
    maps=any_maps(),
    has_heat=st.booleans(),
    rows=st.integers(1, 200),
    columns=st.integers(1, 200),
    turns=st.integers(0, 3),
)
def test_any_maps_give_a_valid_anatomy(maps, has_heat, rows, columns, turns) -> None:
    orientation = Orientation(rows, columns, quarter_turns=turns)
    heat = maps["airways"] if has_heat else None
    anatomy = analyse(image_of(orientation), maps, heat=heat)
    assert all(0 <= x <= columns and 0 <= y <= rows for x, y in anatomy.landmarks.values())
    masks = [s.mask for s in anatomy.structures.values()] + list(anatomy.zones.values())
    assert all(mask.shape == (rows, columns) for mask in masks)
    assert len(anatomy.measurements) == 13
    assert all(m.value is None or np.isfinite(m.value) for m in anatomy.measurements)
    assert len(anatomy.warnings) == sum(s.problem is not None for s in anatomy.structures.values())
