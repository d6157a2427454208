"""Findings inserted into the phantom: true in volume, in place, and in what they change."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pytest

from hilum.errors import InvalidValueError
from hilum.ontology import anatomy_concept, finding_concept
from hilum.synth.disease.grades import base_name, kinds_of, known_findings
from hilum.synth.disease.heart_fit import chest_span, heart_span
from hilum.synth.disease.pathology import add_finding, fit_heart, prepare_build
from hilum.synth.study import integrate
from hilum.synth.thorax.build import Build
from hilum.synth.thorax.cage import Cage
from hilum.synth.thorax.lobes import HEIGHTS, LOBES, choose_point
from hilum.synth.thorax.space import Beam, Grid
from hilum.synth.thorax.thorax import make_thorax
from hilum.synth.thorax.volume import Thorax
from hilum.synth.truth import find_landmarks, find_masks, measure, project_part
from hilum.synth.types import FindingPart, FindingSpec

BUILD = Build(texture=5)
GRID = Grid(step_mm=4.0, depth_step_mm=10.0)
BEAM = Beam(pixels=(105, 105))
BENDING = ("cardiomegaly", "scoliosis")


@cache
def healthy() -> Thorax:
    return make_thorax(BUILD, GRID)


@cache
def healthy_thickness() -> dict[str, np.ndarray]:
    return integrate(healthy(), BEAM)


def insert(name: str, **fields: object) -> tuple[Thorax, FindingPart]:
    thorax = copy.deepcopy(healthy())
    return thorax, add_finding(thorax, FindingSpec(name, **fields))


def change(thorax: Thorax) -> np.ndarray:
    after, before = integrate(thorax, BEAM), healthy_thickness()
    return np.abs(after["water"] - before["water"]) + 2 * np.abs(after["bone"] - before["bone"])


def shadow(thorax: Thorax, part: FindingPart) -> np.ndarray:
    return np.sum([project_part(thorax, solid, BEAM) for solid in part.parts], 0)


@pytest.mark.parametrize("name", [n for n in known_findings() if n not in BENDING])
def test_a_finding_changes_the_film_and_only_where_it_is(name):
    thorax, part = insert(name, extent=0.6)
    changed = change(thorax)
    assert changed.max() > 0.5
    if part.parts and not part.tubes and base_name(name) != "pneumothorax":
        # the wall of a bulla lies around its air; a vessel fades over a few millimetres
        near = np.ones((3, 3), np.uint8)
        outside = cv2.dilate((shadow(thorax, part) > 0).astype(np.uint8), near) == 0
        assert changed[outside].sum() < 0.03 * changed.sum()


@pytest.mark.parametrize("name", known_findings())
def test_every_kind_of_every_finding_has_its_extent(name):
    for kind in kinds_of(name):
        _, part = insert(name, kind=kind, extent=0.7, seed=3)
        assert part.parts or part.tubes
        assert part.volume_ml > 0 or not part.parts
        for solid in part.parts:
            assert solid.occupancy.shape == tuple(s.stop - s.start for s in solid.window)
            assert 0.0 <= solid.occupancy.min() <= solid.occupancy.max() <= 1.0 + 1e-6


def test_names_that_can_be_inserted_are_the_ontologys():
    for name in known_findings():
        if name != "hernia":  # a short word for the ontology's hiatal_hernia
            assert finding_concept(name).kind == "finding"
    for place in (*LOBES, *HEIGHTS):
        assert anatomy_concept(place).name == place


def test_unknown_findings_kinds_and_places_are_refused():
    with pytest.raises(InvalidValueError, match="use one of pleural_effusion"):
        insert("no_finding")
    with pytest.raises(InvalidValueError, match="use one of free, supine, loculated"):
        insert("pleural_effusion", kind="tension")
    with pytest.raises(InvalidValueError, match="no place in a lung"):
        insert("nodule", place="brain")
    with pytest.raises(InvalidValueError, match="no fracture of"):
        insert("fracture", place="rib_13")
    with pytest.raises(InvalidValueError, match="can be inserted"):
        prepare_build(BUILD, [FindingSpec("dextrocardia")])


@pytest.mark.parametrize("size", [6.0, 12.0, 30.0, 60.0])
def test_a_nodule_has_the_volume_of_its_sphere(size):
    _, part = insert("nodule_or_mass", side="right", size_mm=size, seed=1)
    assert part.volume_ml == pytest.approx(np.pi / 6 * size**3 / 1000, rel=0.03)


def test_a_lobulated_mass_keeps_the_volume_of_its_sphere():
    _, part = insert("mass", side="left", size_mm=50.0, kind="lobulated", place="upper_zone")
    assert part.volume_ml == pytest.approx(np.pi / 6 * 50**3 / 1000, rel=0.04)


def test_a_calcified_nodule_is_bone_and_a_cavity_is_air():
    thorax, _ = insert("nodule", side="right", size_mm=20.0, kind="calcified")
    assert thorax.bone.sum() > healthy().bone.sum() + 1.0
    solid, part = insert("mass", side="right", size_mm=60.0, place="upper_zone")
    hollow, same = insert("mass", side="right", size_mm=60.0, place="upper_zone", kind="cavitary")
    assert same.volume_ml == part.volume_ml
    assert hollow.soft.sum() < solid.soft.sum() - 10.0


@pytest.mark.parametrize("name", ["pleural_effusion", "pneumothorax", "pleural_thickening"])
def test_volume_grows_with_the_extent(name):
    volumes = [insert(name, side="left", extent=e)[1].volume_ml for e in (0.1, 0.3, 0.6, 0.9)]
    assert np.all(np.diff(volumes) > 0)


def test_free_fluid_lies_low_and_air_lies_high():
    for name, is_low in (("pleural_effusion", True), ("pneumothorax", False)):
        thorax, part = insert(name, side="right", extent=0.25)
        lung = find_masks(thorax, BEAM)["right_lung"]
        rows = np.nonzero(lung)[0]
        middle = (rows.min() + rows.max()) / 2
        thick = shadow(thorax, part) * lung
        below = thick[int(middle) :].sum() / thick.sum()
        assert below > 0.8 if is_low else below < 0.7


def test_an_effusion_is_dense_and_a_pneumothorax_is_air():
    thorax, part = insert("pleural_effusion", side="left", extent=0.5)
    solid = part.parts[0]
    full = solid.occupancy > 0.99
    assert thorax.soft[solid.window][full].mean() == pytest.approx(1.01, abs=0.01)
    thorax, part = insert("pneumothorax", side="left", extent=0.5)
    solid = part.parts[0]
    full = solid.occupancy > 0.99
    assert thorax.soft[solid.window][full].mean() < 0.05


def test_consolidation_respects_the_fissures():
    for place, other in (("upper_lobe", "lower_lobe"), ("lower_lobe", "upper_lobe")):
        thorax, part = insert("consolidation", side="right", place=place, extent=1.0)
        rng = np.random.default_rng(0)
        inside = choose_point(thorax, "right", place, rng, margin=20.0)
        outside = choose_point(thorax, "right", other, rng, margin=20.0)
        x, y, z = thorax.grid.part(part.parts[0].window)
        occupancy = part.parts[0].occupancy
        shape = occupancy.shape
        at = [np.broadcast_to(a, shape) for a in (x, y, z)]

        def filled(point, at=at, occupancy=occupancy):
            near = sum((a - c) ** 2 for a, c in zip(at, point, strict=True)) < 12.0**2
            return float(occupancy[near].max()) if near.any() else 0.0

        assert filled(inside) > 0.8
        assert filled(outside) < 0.2


def test_air_bronchograms_stay_open():
    _, part = insert("consolidation", side="right", place="lower_lobe", extent=1.0)
    occupancy = part.parts[0].occupancy
    assert ((occupancy > 0.0) & (occupancy < 0.7)).sum() > 20


def test_vessels_vanish_in_a_consolidation():
    thorax, _ = insert("consolidation", side="right", place="lower_lobe", extent=1.0)

    def area(t: Thorax, name: str) -> float:
        # by length: a tube that was cut finer has more points
        return sum(
            float((tube.radius[:-1] ** 2) @ np.linalg.norm(np.diff(tube.axis, axis=0), axis=1))
            for tube in t.tubes[name]
        )

    assert area(thorax, "right_lung_vessels") < 0.9 * area(healthy(), "right_lung_vessels")
    assert area(thorax, "left_lung_vessels") == area(healthy(), "left_lung_vessels")


def test_a_broken_rib_has_two_ends_with_a_step():
    thorax, part = insert("fracture", side="left", place="rib_6", extent=1.0)
    first, last = thorax.tubes["left_rib_6"]
    assert len(part.tubes) == 2
    apart = np.linalg.norm(first.axis[-1] - last.axis[0])
    assert apart > 8.0
    assert last.axis[0, 2] - first.axis[-1, 2] > 4.0
    thorax, _ = insert("healed_fracture", side="left", place="rib_6")
    (joined,) = thorax.tubes["left_rib_6"]
    assert joined.radius.max() > 1.3 * healthy().tubes["left_rib_6"][0].radius.max()


def test_both_sides_make_two_parts():
    _, part = insert("pleural_effusion", side="bilateral", extent=0.4)
    assert len(part.parts) == 2


def test_what_bends_the_chest_bends_the_build():
    free = FindingSpec("pleural_effusion", side="left", extent=1.0)
    assert prepare_build(BUILD, [free]).shift < -10
    tension = FindingSpec("tension_pneumothorax", side="left", extent=0.5)
    bent = prepare_build(BUILD, [tension])
    assert bent.shift < -10
    assert bent.lift_left < -10
    assert bent.lift_right == 0
    collapse = FindingSpec("atelectasis", side="left", place="lower_lobe", extent=0.9)
    assert prepare_build(BUILD, [collapse]).shift > 5
    assert prepare_build(BUILD, [collapse]).lift_left > 10
    assert prepare_build(BUILD, [FindingSpec("emphysema", extent=0.9)]).flat > 0.7
    assert abs(prepare_build(BUILD, [FindingSpec("scoliosis", extent=0.9)]).scoliosis) > 30
    assert prepare_build(BUILD, [FindingSpec("nodule", side="left")]) == BUILD


def test_a_raised_dome_is_higher_and_a_shift_moves_the_carina():
    at = (np.full((1, 1, 1), -60.0), np.zeros((1, 1, 1)))
    flat = Cage(BUILD).dome_height(*at, is_left=False)
    raised = Cage(replace(BUILD, lift_right=20.0)).dome_height(*at, is_left=False)
    assert (flat - raised).item() == pytest.approx(20.0, abs=1e-3)
    moved = make_thorax(replace(BUILD, shift=20.0), GRID)
    before = find_landmarks(healthy(), BEAM, find_masks(healthy(), BEAM))
    after = find_landmarks(moved, BEAM, find_masks(moved, BEAM))
    assert after["carina"][0] - before["carina"][0] > 4  # pixels of 4 mm


@pytest.mark.parametrize("ratio", [0.42, 0.55, 0.66])
def test_the_heart_is_fitted_to_its_ratio(ratio):
    build = Build(heart_ratio=ratio, texture=2)
    grid, beam = Grid(), Beam()
    fitted = fit_heart(build, grid, beam)
    cage = Cage(fitted)
    span = heart_span(cage, grid, beam, fitted.heart_width)
    assert span / chest_span(cage, grid, beam) == pytest.approx(ratio, rel=0.005)


def test_cardiomegaly_measures_what_it_was_asked():
    grid, beam = Grid(step_mm=2.0, depth_step_mm=6.0), Beam(pixels=(512, 512))
    spec = FindingSpec("cardiomegaly", extent=0.5)
    build = fit_heart(prepare_build(BUILD, [spec]), grid, beam)
    thorax = make_thorax(build, grid)
    masks = find_masks(thorax, beam)
    ratio = measure(find_landmarks(thorax, beam, masks), thorax)["cardiothoracic_ratio"]
    assert build.heart_ratio == pytest.approx(0.58)
    assert ratio == pytest.approx(build.heart_ratio, rel=0.01)
