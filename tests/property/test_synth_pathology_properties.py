"""Properties of inserted findings over sides, extents and seeds."""

from __future__ import annotations

import copy
from functools import cache

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hilum.synth.devices.devices import add_device, known_devices
from hilum.synth.disease.grades import known_findings
from hilum.synth.disease.pathology import add_finding, prepare_build
from hilum.synth.thorax.build import Build
from hilum.synth.thorax.space import Grid
from hilum.synth.thorax.thorax import make_thorax
from hilum.synth.thorax.volume import Thorax
from hilum.synth.types import DeviceSpec, FindingSpec

GRID = Grid(step_mm=6.0, depth_step_mm=12.0)
QUICK = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)
SIDES = st.sampled_from(["left", "right", "bilateral", ""])
EXTENTS = st.floats(0.02, 1.0)
SEEDS = st.integers(0, 2**31 - 1)


@cache
def healthy() -> Thorax:
    return make_thorax(Build(texture=3), GRID)


def fresh() -> Thorax:
    return copy.deepcopy(healthy())


@QUICK
@given(st.sampled_from(known_findings()), SIDES, EXTENTS, SEEDS)
def test_equal_specs_change_the_thorax_equally_and_keep_it_finite(name, side, extent, seed):
    spec = FindingSpec(name, side=side, extent=extent, seed=seed)
    first, second = fresh(), fresh()
    one, two = add_finding(first, spec), add_finding(second, spec)
    assert one.volume_ml == two.volume_ml
    assert np.array_equal(first.soft, second.soft)
    assert np.array_equal(first.bone, second.bone)
    assert np.isfinite(first.soft).all()
    assert first.soft.min() >= -1e-4
    assert first.soft.max() < 2.5


@QUICK
@given(st.sampled_from(["pleural_effusion", "pneumothorax"]), EXTENTS, EXTENTS)
def test_more_extent_is_never_less_volume(name, first, second):
    less, more = sorted((first, second))
    volumes = [
        add_finding(fresh(), FindingSpec(name, side="right", extent=e)).volume_ml
        for e in (less, more)
    ]
    assert volumes[0] <= volumes[1] + 1e-6


@QUICK
@given(st.sampled_from(["pleural_effusion", "consolidation", "pneumothorax"]), EXTENTS, SEEDS)
def test_what_is_inserted_on_one_side_leaves_the_other_alone(name, extent, seed):
    thorax = fresh()
    add_finding(thorax, FindingSpec(name, side="left", extent=extent, seed=seed))
    x = thorax.grid.axes[2]
    assert np.array_equal(thorax.soft[:, :, x < -40], healthy().soft[:, :, x < -40])
    before = [tube.radius.sum() for tube in healthy().tubes["right_lung_vessels"]]
    after = [tube.radius.sum() for tube in thorax.tubes["right_lung_vessels"]]
    assert before == after


@QUICK
@given(st.lists(st.sampled_from(known_findings()), max_size=3), SIDES, EXTENTS, SEEDS)
def test_a_prepared_build_is_valid_and_repeatable(names, side, extent, seed):
    specs = [FindingSpec(name, side=side, extent=extent, seed=seed) for name in names]
    build = prepare_build(Build(), specs)
    assert build == prepare_build(Build(), specs)
    assert 0 <= build.flat <= 1
    assert 0.3 <= build.heart_ratio <= 0.75


@QUICK
@given(st.sampled_from(known_devices()), SIDES, st.booleans(), SEEDS)
def test_a_device_starts_from_its_seed_alone(name, side, is_correct, seed):
    spec = DeviceSpec(name, side=side, is_correct=is_correct, seed=seed)
    one, two = add_device(fresh(), spec), add_device(fresh(), spec)
    assert one.tip_mm == two.tip_mm
    assert one.tip_place == two.tip_place
    assert len(one.tubes) == len(two.tubes)
