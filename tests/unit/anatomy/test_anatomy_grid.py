import numpy as np
import pytest

from hilum.anatomy.grid import GRID_SIDE, make_grid
from hilum.types import Spacing, SpacingOrigin


def test_the_grid_has_square_pixels(make_radiograph) -> None:
    grid = make_grid(make_radiograph(rows=1000, columns=500))
    assert (grid.rows, grid.columns) == (GRID_SIDE, GRID_SIDE // 2)
    assert grid.scale[0] == pytest.approx(grid.scale[1])
    assert grid.pixel_size == grid.scale


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_spacing_turns_with_the_image(make_radiograph, turns) -> None:
    spacing = Spacing(0.2, 0.1, SpacingOrigin.CALIBRATED)
    grid = make_grid(make_radiograph(384, 384, turns=turns, spacing=spacing))
    expected = (0.1, 0.2) if turns % 2 else (0.2, 0.1)
    assert grid.pixel_size == pytest.approx(expected)


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_a_mask_and_its_points_reach_the_same_source_pixels(make_radiograph, turns) -> None:
    radiograph = make_radiograph(600, 400, turns=turns)
    grid = make_grid(radiograph)
    spot = np.zeros((grid.rows, grid.columns), np.float32)
    spot[40:60, 100:130] = 1.0
    mask = grid.mask_to_source(spot)
    assert mask.shape == (600, 400)
    y, x = (axis.mean() + 0.5 for axis in np.nonzero(mask))
    assert (x, y) == pytest.approx(grid.point_to_source((115.0, 50.0)), abs=1.5)


def test_points_stay_inside_the_image(make_radiograph) -> None:
    grid = make_grid(make_radiograph(100, 50))
    assert grid.point_to_source((-5.0, 1e6)) == (0.0, 100.0)
