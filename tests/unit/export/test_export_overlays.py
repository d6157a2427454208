import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from hilum.export.content import content_of
from hilum.export.masks import list_masks
from hilum.export.overlays import LAYERS, Shape, draw_overlays, trace_mask
from hilum.types import (
    Orientation,
    Origin,
    RadiographReading,
    Reading,
    Report,
    Structure,
    Study,
    Tip,
)
from readings import COLUMNS, ELLIPSES, ROWS, make_radiograph, read_one, refuse_one

UPRIGHT = Orientation(ROWS, COLUMNS)


def corners(d: str) -> Iterator[tuple[float, float]]:
    for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", d):
        yield float(x), float(y)


def extent(d: str) -> tuple[float, float, float, float]:
    xs, ys = zip(*corners(d), strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def by_name(shapes: tuple[Shape, ...]) -> dict[str, Shape]:
    return {f"{shape.layer}.{shape.name}": shape for shape in shapes}


@pytest.mark.parametrize(
    "orientation",
    [
        UPRIGHT,
        Orientation(ROWS, COLUMNS, is_mirrored=True),
        Orientation(ROWS, COLUMNS, quarter_turns=2),
        Orientation(COLUMNS, ROWS, quarter_turns=1),
        Orientation(COLUMNS, ROWS, quarter_turns=3, is_mirrored=True),
    ],
)
def test_shapes_lie_where_the_image_is_shown(orientation: Orientation) -> None:
    shapes = by_name(draw_overlays(read_one(radiograph=make_radiograph("a.dcm", orientation))))
    assert extent(shapes["boxes.pneumonia"].d) == pytest.approx((96, 362, 208, 454), abs=0.1)
    (x, y), (half_x, half_y) = ELLIPSES["right_lung"]
    lung = (x - half_x, y - half_y, x + half_x, y + half_y)
    assert extent(shapes["structures.right_lung"].d) == pytest.approx(lung, abs=3)
    heart = shapes["lines.heart"].d
    assert heart.startswith("M190.0 352.0V")
    assert "M190.0 372.0H380.0" in heart


def with_simulated(reading: RadiographReading, problem: str | None = None) -> RadiographReading:
    """The reading with a spine that was learned from phantoms."""
    mask = np.zeros((ROWS, COLUMNS), bool)
    mask[100:500, 245:275] = problem is None
    spine = Structure("spine", mask, 0.7, problem, Origin.PHANTOMS)
    structures = {**reading.anatomy.structures, "spine": spine}
    return replace(reading, anatomy=replace(reading.anatomy, structures=structures))


def test_layers_and_labels() -> None:
    shapes = draw_overlays(with_simulated(read_one()))
    assert {shape.layer for shape in shapes} == set(LAYERS)
    named = by_name(shapes)
    assert "learned from simulated radiographs" in named["simulated.spine"].label
    assert named["simulated.spine"].evidence == ()
    assert named["boxes.pneumonia"].label == "Pneumonia, probability 87 %"
    assert "not measured" in named["structures.airways"].label
    assert draw_overlays(refuse_one()) == ()


def test_an_implausible_simulated_structure_is_not_shown() -> None:
    reading = with_simulated(read_one(), "too wide")
    assert "simulated.spine" not in by_name(draw_overlays(reading))
    study = Study((reading.radiograph,))
    masks = {name for _, name, _ in list_masks(Reading(study, (reading,), Report()))}
    assert masks == set(reading.anatomy.structures) - {"spine"}


def test_an_empty_mask_has_no_path() -> None:
    assert trace_mask(np.zeros((ROWS, COLUMNS), bool), UPRIGHT) == ""


def test_a_hole_is_traced() -> None:
    mask = np.zeros((100, 100), bool)
    mask[10:90, 10:90] = True
    solid = trace_mask(mask, Orientation(100, 100))
    mask[40:60, 40:60] = False
    assert solid.count("M") == 1
    assert trace_mask(mask, Orientation(100, 100)).count("M") == 2


def test_a_large_mask_is_traced_in_its_own_pixels() -> None:
    mask = np.zeros((3000, 2000), bool)
    mask[600:2400, 500:1500] = True
    box = extent(trace_mask(mask, Orientation(3000, 2000)))
    assert box == pytest.approx((500, 600, 1500, 2400), abs=6)


def test_objects_for_an_archive_leave_simulated_structures_out() -> None:
    reading = with_simulated(read_one())
    content = content_of(Reading(Study((reading.radiograph,)), (reading,), Report()))
    names = {structure.name for structure in content.images[0].structures}
    assert names == set(reading.anatomy.structures) - {"spine"}


def test_a_device_shows_its_tip_with_its_origin() -> None:
    reading = read_one()
    mask = np.zeros((ROWS, COLUMNS), bool)
    mask[0:120, 250:262] = True
    tip = Tip((256.0, 118.0), 31.4, 9.0)
    tube = Structure("endotracheal_tube", mask, 0.8, None, Origin.PHANTOMS, tip)
    structures = {**reading.anatomy.structures, "endotracheal_tube": tube}
    shapes = by_name(
        draw_overlays(replace(reading, anatomy=replace(reading.anatomy, structures=structures)))
    )
    label = shapes["simulated.endotracheal_tube_tip"].label
    assert "31 mm above the carina" in label
    assert "learned from simulated radiographs only" in label
    assert "simulated.endotracheal_tube" in shapes
