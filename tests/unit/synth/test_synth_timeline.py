"""Patients of phantoms over time: what stays, what changes, what is told of it."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from hilum.errors import InvalidValueError
from hilum.ontology import findings
from hilum.synth import (
    Build,
    DeviceSpec,
    FindingSpec,
    Imaging,
    PhantomSpec,
    compare,
    known_findings,
    render,
    sample_build,
    sample_context,
    sample_patient,
    write_report,
)
from hilum.synth.devices.device_shapes import known_devices
from hilum.synth.timeline import PhantomContext
from hilum.synth.timeline.context import VITALS, context_table
from hilum.synth.timeline.courses import course_table
from hilum.types import ChangeKind, View
from phantom_factory import draw, varied_spec

PLAIN = PhantomSpec(Build())
KNOWN = {concept.name for concept in findings()}


def patients(count: int):
    return [sample_patient(np.random.default_rng([seed, 6])) for seed in range(count)]


@pytest.fixture(scope="module")
def many():
    return patients(150)


def test_the_tables_name_what_can_be_inserted() -> None:
    for course in course_table()["courses"].values():
        assert {row["name"] for row in course["findings"]} <= {*known_findings()}
        assert {row["name"] for row in course.get("devices", ())} <= {*known_devices()}
        assert 0 <= course["response"] <= 1
    for row in context_table()["conditions"].values():
        assert set(row["findings"]) <= KNOWN
        assert set(VITALS) <= set(row)
        assert any("{side}" not in request for request in row["requests"])


def test_equal_generators_make_equal_patients(many) -> None:
    assert patients(5) == many[:5]
    assert {patient.course for patient in many} == set(course_table()["courses"])
    assert {len(patient.studies) for patient in many} == {2, 3, 4, 5}


def test_a_patient_keeps_the_body_and_each_finding_its_place(many) -> None:
    for patient in many:
        seen = dict[int, FindingSpec]()
        for study in patient.studies:
            assert replace(study.spec.build, inspiration=0.5) == replace(
                patient.build, inspiration=0.5
            )
            for finding in study.spec.findings:
                before = seen.setdefault(finding.seed, finding)
                assert (before.name, before.side, before.place) == (
                    finding.name,
                    finding.side,
                    finding.place,
                )


def test_time_runs_forward_and_films_are_taken_by_day(many) -> None:
    for patient in many:
        times = [study.time for study in patient.studies]
        assert times == sorted(times)
        assert len(set(times)) == len(times)
        assert all(7 <= time.hour <= 20 for time in times)
        days = [event.day for event in patient.events]
        assert days == sorted(days)
        for before, study in zip(patient.studies, patient.studies[1:], strict=False):
            assert all(before.day <= event.day <= study.day for event in study.events)


def test_devices_come_and_go_with_their_events(many) -> None:
    placed = {"endotracheal_tube": "intubation", "central_venous_line": "line_placed"}
    removed = {"endotracheal_tube": "extubation", "central_venous_line": "line_removed"}
    count = Counter[str]()
    for patient in many:
        for before, study in zip(patient.studies, patient.studies[1:], strict=False):
            old = {d.name for d in before.spec.devices}
            new = {d.name for d in study.spec.devices}
            kinds = [event.kind for event in study.events]
            for name in placed:
                assert (name in new - old) == (placed[name] in kinds)
                assert (name in old - new) == (removed[name] in kinds)
                count[name] += name in new - old
    assert min(count[name] for name in placed) > 5


def test_the_ventilated_lie_and_fluid_runs_to_their_back(many) -> None:
    count = 0
    for patient in many:
        for study in patient.studies:
            is_ventilated = any(d.name == "endotracheal_tube" for d in study.spec.devices)
            assert study.spec.imaging.is_supine == is_ventilated
            assert (study.spec.imaging.view is View.AP) or not is_ventilated
            for finding in study.spec.findings:
                if finding.name == "pleural_effusion":
                    assert (finding.kind == "supine") == is_ventilated
                    count += is_ventilated
    assert count > 5


def test_treatment_helps_most(many) -> None:
    better = Counter[bool]()
    for patient in many:
        if patient.course in ("heart_failure", "pneumonia") and len(patient.studies) > 2:
            names = {"heart_failure": "edema", "pneumonia": "consolidation"}
            extents = [
                sum(f.extent for f in s.spec.findings if f.name == names[patient.course])
                for s in patient.studies
            ]
            better[extents[-1] < extents[0]] += 1
    assert better[True] > 2 * better[False] > 0


def test_a_finding_that_has_shrunk_to_nothing_is_gone_for_good(many) -> None:
    gone = 0
    for patient in many:
        seeds = [{f.seed for f in study.spec.findings} for study in patient.studies]
        for index, before in enumerate(seeds[:-1]):
            lost = before - seeds[index + 1]
            gone += len(lost)
            assert not any(lost & later for later in seeds[index + 1 :])
        extents = [f.extent for study in patient.studies for f in study.spec.findings]
        assert all(extent >= course_table()["gone"] for extent in extents)
    assert gone > 20


def test_a_misplaced_drain_does_not_drain() -> None:
    count = 0
    for patient in patients(400):
        if patient.course not in ("pneumothorax", "trauma"):
            continue
        for before, study in zip(patient.studies, patient.studies[1:], strict=False):
            tubes = [d for d in study.spec.devices if d.name == "chest_tube"]
            if tubes and not tubes[0].is_correct:
                count += 1
                air = [f.extent for f in before.spec.findings if f.name == "pneumothorax"]
                left = [f.extent for f in study.spec.findings if f.name == "pneumothorax"]
                assert left
                assert left[0] > 0.8 * air[0]
    assert count > 4


def test_studies_is_a_range() -> None:
    rng = np.random.default_rng(0)
    assert len(sample_patient(rng, studies=(1, 1)).studies) == 1
    for wrong in ((0, 2), (3, 2)):
        with pytest.raises(InvalidValueError, match="range"):
            sample_patient(rng, studies=wrong)


def test_true_changes_follow_extent_volume_and_size() -> None:
    def image(*specs: FindingSpec, devices: tuple[DeviceSpec, ...] = ()):
        return draw(replace(PLAIN, findings=specs, devices=devices))

    effusion = FindingSpec("pleural_effusion", "left", extent=0.4, seed=2)
    nodule = FindingSpec("nodule", "right", "upper_zone", size_mm=10.0, seed=3)
    tube = DeviceSpec("chest_tube", "left")
    prior = image(effusion, nodule)
    now = image(replace(nodule, size_mm=13.0), replace(effusion, extent=0.2), devices=(tube,))
    found = {change.name: change for change in compare(now, prior)}
    assert found["nodule"].kind is ChangeKind.LARGER
    assert found["nodule"].amounts == (10.0, 13.0)
    assert found["pleural_effusion"].kind is ChangeKind.SMALLER
    assert (found["pleural_effusion"].current, found["pleural_effusion"].prior) == (1, 0)
    assert found["pleural_effusion"].amounts == pytest.approx((800.0, 400.0))
    assert found["chest_tube"].kind is ChangeKind.NEW
    back = {change.name: change.kind for change in compare(prior, now)}
    assert back["nodule"] is ChangeKind.SMALLER
    assert back["chest_tube"] is ChangeKind.GONE
    assert {c.kind for c in compare(prior, prior)} == {ChangeKind.UNCHANGED}
    (gone,) = compare(image(), image(effusion))
    assert (gone.kind, gone.current, gone.prior) == (ChangeKind.GONE, -1, 0)
    other_side = compare(image(replace(effusion, side="right")), image(effusion))
    assert {c.kind for c in other_side} == {ChangeKind.NEW, ChangeKind.GONE}


@pytest.mark.parametrize("seed", range(12))
def test_changes_of_a_film_and_back_are_opposite(seed: int) -> None:
    rng = np.random.default_rng([seed, 31])
    first, second = draw(varied_spec(rng)), draw(varied_spec(rng))
    opposite = {
        ChangeKind.NEW: ChangeKind.GONE,
        ChangeKind.GONE: ChangeKind.NEW,
        ChangeKind.LARGER: ChangeKind.SMALLER,
        ChangeKind.SMALLER: ChangeKind.LARGER,
        ChangeKind.UNCHANGED: ChangeKind.UNCHANGED,
    }
    there = Counter((c.current, c.prior, c.subject, c.kind) for c in compare(second, first))
    back = Counter(
        (c.prior, c.current, c.subject, opposite[c.kind]) for c in compare(first, second)
    )
    assert there == back


def test_a_rendered_course_reports_what_truly_changed() -> None:
    large = FindingSpec("pleural_effusion", "right", extent=0.8, seed=1)
    prior = render(replace(PLAIN, findings=(large,)), pixels=(96, 96))
    now = render(replace(PLAIN, findings=(replace(large, extent=0.4),)), pixels=(96, 96))
    (change,) = compare(now, prior)
    assert change.kind is ChangeKind.SMALLER
    assert change.amounts[0] > 2 * change.amounts[1] > 0
    written = write_report(now, rng=np.random.default_rng(2), prior=prior)
    assert "decreased" in written.text


def contexts(spec: PhantomSpec, count: int = 200) -> list[PhantomContext]:
    rng = np.random.default_rng(4)
    return [sample_context(spec, rng=rng) for _ in range(count)]


def mean(found: list[PhantomContext], name: str) -> float:
    return float(np.mean([getattr(context, name) for context in found if context.is_informative]))


def test_vital_signs_fit_the_finding() -> None:
    healthy = contexts(PLAIN)
    assert not any(context.is_informative for context in healthy)
    assert np.mean([c.temperature_c for c in healthy]) == pytest.approx(36.8, abs=0.2)
    sick = replace(PLAIN, findings=(FindingSpec("consolidation", "left", extent=0.9),))
    pneumonia = contexts(sick)
    assert mean(pneumonia, "temperature_c") > 37.9
    assert mean(pneumonia, "white_cells") > 11
    share = np.mean([context.is_informative for context in pneumonia])
    assert share == pytest.approx(1 - context_table()["uninformative"], abs=0.1)
    wet = contexts(replace(PLAIN, findings=(FindingSpec("edema", extent=0.9),)))
    assert mean(wet, "oxygen_saturation") < 93
    assert mean(wet, "temperature_c") < 37.3
    tension = FindingSpec("tension_pneumothorax", "left", extent=0.8)
    shock = contexts(replace(PLAIN, findings=(tension,)))
    assert mean(shock, "systolic_mmhg") < 100
    assert mean(shock, "heart_rate") > 110
    assert all(c.fits == "tension_pneumothorax" for c in shock if c.is_informative)
    assert not any("right" in c.indication for c in shock)


def test_children_breathe_faster() -> None:
    rng = np.random.default_rng(9)
    child = PhantomSpec(sample_build(rng, age_years=1.0), imaging=Imaging())
    found = contexts(child, 60)
    assert np.mean([c.respiratory_rate for c in found]) > 28
    assert np.mean([c.heart_rate for c in found]) > 110


def test_a_context_becomes_that_of_a_study() -> None:
    context = contexts(PLAIN, 1)[0].to_context()
    assert context.age_years == PLAIN.build.age_years
    assert context.sex == "M"
    assert "oxygen saturation" in context.history
    with pytest.raises(InvalidValueError, match="percentage"):
        replace(contexts(PLAIN, 1)[0], oxygen_saturation=0)
