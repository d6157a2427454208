"""Line integrals against closed forms: spheres, slabs, tubes, magnification."""

import numpy as np
import pytest

from hilum.errors import InvalidValueError
from hilum.synth.imaging.projection import project_mask, project_tube, project_volume
from hilum.synth.thorax.shapes import fill, fill_ellipsoid, fill_tube
from hilum.synth.thorax.space import Beam, Grid

GRID = Grid(across_mm=100.0, depth_mm=100.0, z_mm=(30.0, 240.0), step_mm=1.5, depth_step_mm=2.5)
BEAM = Beam(pixels=(256, 256), field_mm=(280.0, 280.0))


def sphere(centre, radius, grid=GRID):
    return fill_ellipsoid(grid.patient, centre, (radius,) * 3, step_mm=grid.step_mm)


@pytest.mark.parametrize("from_back", [True, False])
@pytest.mark.parametrize("depth", [-40.0, 0.0, 35.0])
def test_chords_through_a_sphere(from_back, depth):
    beam = Beam(from_back=from_back, pixels=(256, 256), field_mm=(280.0, 280.0))
    thick = project_volume(sphere((10.0, depth, 140.0), 40.0), GRID, beam)
    x, y = beam.project(np.array([[10.0, depth, 140.0]], np.float32))[0]
    size = np.mean(beam.pixel_mm) / beam.magnification(depth)
    columns = np.arange(256)
    offset = (columns - x) * size
    expected = 2 * np.sqrt(np.clip(40.0**2 - offset**2, 0, None))
    middle = np.abs(offset) < 36
    measured = thick[round(float(y))]
    assert np.abs(measured[middle] - expected[middle]).max() < 0.02 * 80
    volume = (
        float(thick.sum()) * float(np.prod(beam.pixel_mm)) / float(beam.magnification(depth) ** 2)
    )
    assert volume == pytest.approx(4 / 3 * np.pi * 40.0**3, rel=0.03)


def test_a_slab_is_thicker_on_oblique_rays():
    depth = GRID.patient[1]
    slab = fill(np.abs(depth) - 20.0, GRID.depth_step_mm) * np.ones(GRID.shape, np.float32)
    thick = project_volume(slab, GRID, BEAM)
    middle, aside = thick[128, 128], thick[128, 180]
    assert middle == pytest.approx(40.0, rel=0.01)
    slope = (180.5 - 128) * BEAM.pixel_mm[0] / BEAM.source_mm
    assert aside / middle == pytest.approx(np.sqrt(1 + slope**2), rel=1e-3)


def test_magnification_follows_geometry():
    for depth in (-60.0, 0.0, 60.0):
        scale = BEAM.magnification(depth)
        assert scale == pytest.approx(1800.0 / (1800.0 - 180.0 - depth), rel=1e-6)
        ends = np.array([[-30.0, depth, 140.0], [30.0, depth, 140.0]], np.float32)
        u = BEAM.project(ends)[:, 0]
        assert (u[1] - u[0]) * BEAM.pixel_mm[0] == pytest.approx(60.0 * scale, rel=1e-5)
    nearer_source = Beam(from_back=False, pixels=(256, 256))
    assert nearer_source.magnification(60.0) < BEAM.magnification(60.0)


@pytest.mark.parametrize("radius", [0.4, 1.0, 4.0, 9.0])
def test_a_tube_keeps_its_volume(radius):
    axis = np.array([(-40.0, 10.0, 90.0), (0.0, 10.0, 140.0), (30.0, 10.0, 200.0)], np.float32)
    drawn = project_tube(axis, radius, GRID, BEAM)
    size = float(np.prod(BEAM.pixel_mm)) / float(BEAM.magnification(10.0)) ** 2
    length = float(np.linalg.norm(np.diff(axis, axis=0), axis=1).sum())
    ends = 4 / 3 * np.pi * radius**3
    assert drawn.sum() * size == pytest.approx(np.pi * radius**2 * length + ends, rel=0.05)
    assert drawn.max() <= 2 * radius * 1.01


def test_a_thick_tube_agrees_with_voxels():
    axis = np.array([(-40.0, 10.0, 90.0), (0.0, 10.0, 140.0), (30.0, 10.0, 200.0)], np.float32)
    grid = Grid(100.0, 40.0, (60.0, 230.0), step_mm=0.8, depth_step_mm=1.0)
    drawn = project_tube(axis, 8.0, grid, BEAM)
    filled = project_volume(fill_tube(grid.patient, axis, 8.0, grid.step_mm), grid, BEAM)
    assert np.abs(drawn - filled).max() < 0.15 * 16.0
    assert drawn.sum() == pytest.approx(filled.sum(), rel=0.02)


def test_a_tube_along_the_beam_is_bounded_and_one_outside_draws_nothing():
    along = project_tube([(0.0, -30.0, 140.0), (0.0, 30.0, 140.0)], 3.0, GRID, BEAM)
    assert 6.0 <= along.max() <= 6.0 * 2.5 + 1e-3
    outside = project_tube([(900.0, 0.0, 140.0), (950.0, 0.0, 140.0)], 3.0, GRID, BEAM)
    assert not outside.any()


def test_projecting_a_mask_again_gives_the_mask():
    occupancy = sphere((0.0, 0.0, 130.0), 30.0)
    mask = project_mask(occupancy, GRID, BEAM)
    window = slice(20, 60)
    part = project_mask(occupancy[:, window], GRID, BEAM, depth_from=20)
    assert mask.any()
    assert (mask == part).mean() > 0.999
    radius = np.sqrt(mask.sum() / np.pi) * BEAM.pixel_mm[0] / BEAM.magnification(0.0)
    assert radius == pytest.approx(30.0, abs=GRID.step_mm)


def test_a_turned_grid_sees_the_other_side():
    lateral = Grid(100.0, 100.0, (30.0, 240.0), 1.5, 2.5, yaw=90.0)
    point = np.array([[20.0, 50.0, 140.0]], np.float32)
    across, depth, z = lateral.to_view(point)[0]
    assert (across, depth, z) == pytest.approx((50.0, -20.0, 140.0), abs=1e-4)
    x, y, zz = lateral.patient
    assert x.shape[2] == 1 or np.allclose(x[0, :, 0], x[0, :, -1], atol=1e-3)
    assert y.shape[0] == 1
    assert zz.shape == (lateral.shape[0], 1, 1)


def test_a_source_inside_the_patient_is_refused():
    with pytest.raises(InvalidValueError, match="before the patient"):
        Beam(source_mm=300.0, axis_mm=180.0)
