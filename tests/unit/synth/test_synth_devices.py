"""Devices inserted into the phantom: where their tips truly are."""

from __future__ import annotations

import copy
from functools import cache

import numpy as np
import pytest

from hilum.errors import InvalidValueError
from hilum.ontology import anatomy_concept
from hilum.synth.devices.devices import add_device, known_devices
from hilum.synth.imaging.projection import project_tube
from hilum.synth.study import integrate
from hilum.synth.thorax.build import Build
from hilum.synth.thorax.space import Beam, Grid
from hilum.synth.thorax.thorax import make_thorax
from hilum.synth.thorax.volume import Thorax
from hilum.synth.types import DevicePart, DeviceSpec

GRID = Grid(step_mm=3.0, depth_step_mm=8.0)
BEAM = Beam(pixels=(140, 140))
SEEDS = range(8)


@cache
def healthy() -> Thorax:
    return make_thorax(Build(texture=5), GRID)


@cache
def healthy_thickness() -> dict[str, np.ndarray]:
    return integrate(healthy(), BEAM)


def insert(name: str, **fields: object) -> tuple[Thorax, DevicePart]:
    thorax = copy.copy(healthy())
    thorax.tubes = dict(healthy().tubes)
    return thorax, add_device(thorax, DeviceSpec(name, **fields))


@pytest.mark.parametrize("name", known_devices())
@pytest.mark.parametrize("is_correct", [True, False])
def test_a_device_shows_where_its_tubes_are_and_its_place_has_a_name(name, is_correct):
    for seed in range(3):
        thorax, part = insert(name, is_correct=is_correct, seed=seed)
        assert anatomy_concept(part.tip_place).name == part.tip_place
        added = [n for n in thorax.tubes if n not in healthy().tubes]
        assert added
        assert all(n.startswith(("metal_", "plastic_")) for n in added)
        for tube in part.tubes:
            assert tube.axis.shape == (len(tube.radius), 3)
            assert np.isfinite(tube.axis).all()
    image = np.zeros(BEAM.pixels[::-1], np.float32)
    for tube in part.tubes:
        project_tube(tube.axis, tube.radius, GRID, BEAM, out=image)
    before, after = healthy_thickness(), integrate(thorax, BEAM)
    changed = sum(np.abs(after[key] - before[key]) for key in ("water", "metal"))
    assert changed.max() > 0.1
    assert changed[image <= 0].max() < 1e-3


def test_the_ontology_knows_every_device():
    # the ontology's table of devices is read as text: not every install has it as findings
    from importlib import resources

    table = resources.files("hilum.ontology").joinpath("devices.csv").read_text(encoding="utf-8")
    known = {line.split(",")[0] for line in table.splitlines()}
    assert set(known_devices()) <= known


def test_an_unknown_device_is_refused():
    with pytest.raises(InvalidValueError, match="use one of endotracheal_tube"):
        insert("stethoscope")


@pytest.mark.parametrize("seed", SEEDS)
def test_a_correct_endotracheal_tube_ends_3_to_5_cm_above_the_carina(seed):
    thorax, part = insert("endotracheal_tube", seed=seed)
    assert 30 <= part.above_carina_mm <= 50
    assert part.tip_place == "trachea"
    assert thorax.is_filled("trachea", np.array(part.tip_mm, np.float32))


def test_a_wrong_endotracheal_tube_is_in_the_right_bronchus_or_too_high():
    places = set()
    for seed in SEEDS:
        thorax, part = insert("endotracheal_tube", is_correct=False, seed=seed)
        places.add(part.tip_place)
        if part.tip_place == "main_bronchus":
            assert part.above_carina_mm < -5
            assert part.tip_mm[0] < 0
            tip = np.array(part.tip_mm, np.float32)
            assert thorax.is_filled("right_main_bronchus", tip)
        else:
            assert part.above_carina_mm > 60
    assert places == {"main_bronchus", "trachea"}


@pytest.mark.parametrize("name", ["central_venous_line", "picc", "port_catheter"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_correct_line_ends_in_the_lower_vena_cava(name, side):
    for seed in SEEDS:
        _, part = insert(name, side=side, seed=seed)
        assert part.tip_place == "superior_vena_cava"
        assert -40 < part.above_carina_mm < -8
        assert -45 < part.tip_mm[0] < -10  # right of the midline


def test_a_wrong_line_is_too_deep_or_in_another_vein():
    places = set()
    for seed in range(16):
        thorax, part = insert("central_venous_line", is_correct=False, seed=seed, side="right")
        places.add(part.tip_place)
        if part.tip_place == "right_atrium":
            assert thorax.is_filled("heart", np.array(part.tip_mm, np.float32))
        if part.tip_place == "subclavian_vein":
            assert part.tip_mm[0] > 30  # crossed to the other side
        if part.tip_place == "internal_jugular_vein":
            assert part.tip_mm[2] < 0
    assert places == {"right_atrium", "subclavian_vein", "internal_jugular_vein"}


def test_a_gastric_tube_ends_below_the_dome_or_is_wrong():
    dome = healthy().build.dome
    _, part = insert("nasogastric_tube")
    assert part.tip_mm[2] > dome + 20
    assert part.tip_place == "stomach"
    wrong = [insert("nasogastric_tube", is_correct=False, seed=s)[1] for s in range(12)]
    assert {part.tip_place for part in wrong} == {"esophagus", "bronchus"}
    assert all(part.tip_mm[2] < dome for part in wrong)


def test_a_chest_tube_ends_in_the_chest_or_in_its_wall():
    for side in ("left", "right"):
        thorax, part = insert("chest_tube", side=side)
        assert thorax.is_filled(f"{side}_lung", np.array(part.tip_mm, np.float32))
        thorax, part = insert("chest_tube", side=side, is_correct=False)
        assert part.tip_place == "chest_wall"
        assert not thorax.is_filled(f"{side}_lung", np.array(part.tip_mm, np.float32))


@pytest.mark.parametrize("name", ["pacemaker", "icd", "pulmonary_artery_catheter"])
def test_leads_reach_the_heart(name):
    thorax, part = insert(name)
    if name == "pulmonary_artery_catheter":
        assert part.tip_place == "pulmonary_artery"
        thorax, part = insert(name, is_correct=False)
    assert part.tip_place == "right_ventricle"
    assert thorax.is_filled("heart", np.array(part.tip_mm, np.float32))
