"""Simulated readers: their fixations obey the statistics that they are made after."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from hilum.errors import InvalidValueError
from hilum.synth import (
    Build,
    FindingSpec,
    Fixation,
    Outcome,
    PhantomSpec,
    gaze_map,
    render,
    simulate_gaze,
    simulate_reader,
)
from hilum.synth.gaze import PATTERNS
from hilum.synth.gaze.outcomes import gaze_table, prob_detected
from phantom_factory import draw, varied_spec

NODULE = FindingSpec("nodule", "left", "upper_zone", size_mm=13.0, seed=5)
SPEC = PhantomSpec(Build(), findings=(NODULE,))


def readings(spec: PhantomSpec, count: int, **more):
    image = draw(spec)
    return image, [
        simulate_reader(image, rng=np.random.default_rng(seed), **more) for seed in range(count)
    ]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_fixations_follow_each_other_within_the_image(pattern: str) -> None:
    for seed in range(15):
        rng = np.random.default_rng([seed, 2])
        image = draw(varied_spec(rng))
        fixations = simulate_gaze(image, rng=rng, pattern=pattern, skill=float(rng.random()))
        rows, columns = image.radiograph.pixels.shape
        assert len(fixations) > 15
        for fixation in fixations:
            assert 0 <= fixation.x < columns
            assert 0 <= fixation.y < rows
            assert fixation.pupil_mm is not None
        for before, after in pairwise(fixations):
            assert after.start_s > before.end_s


def test_equal_generators_look_alike() -> None:
    image = draw(SPEC)
    first, again, other = (
        simulate_gaze(image, rng=np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert first == again != other


def test_durations_and_saccades_are_those_of_search() -> None:
    image, read = readings(SPEC, 40)
    durations = [f.duration_s for r in read for f in r.fixations]
    assert 0.2 < np.median(durations) < 0.35
    degree = image.radiograph.pixels.shape[1] / gaze_table()["view"]["image_degrees"]
    ways = [np.hypot(a.x - b.x, a.y - b.y) / degree for r in read for a, b in pairwise(r.fixations)]
    assert 2 < np.median(ways) < 7


@pytest.mark.parametrize("pattern", PATTERNS)
def test_each_outcome_has_its_dwell(pattern: str) -> None:
    image, read = readings(SPEC, 150, skill=0.4, pattern=pattern)
    mask = image.truth.findings[0].mask
    assert mask is not None
    seen = set()
    for reader in read:
        (outcome,) = reader.outcomes.values()
        on = [f for f in reader.fixations if mask[int(f.y), int(f.x)]]
        dwell = sum(fixation.duration_s for fixation in on)
        assert all(fixation.target == "finding_0" for fixation in on)
        seen.add(outcome)
        if outcome is Outcome.SEARCH_ERROR:
            assert dwell == 0
        elif outcome is Outcome.RECOGNITION_ERROR:
            assert 0 < dwell < 1.0
        else:
            assert dwell > 1.0
    assert seen == set(Outcome)


def test_a_search_error_leaves_the_useful_field_around_the_finding_out() -> None:
    image, read = readings(SPEC, 120, skill=0.2)
    rows, columns = np.nonzero(image.truth.findings[0].mask)
    degree = image.radiograph.pixels.shape[1] / gaze_table()["view"]["image_degrees"]
    missed = [r for r in read if r.outcomes[0] is Outcome.SEARCH_ERROR]
    assert missed
    for reader in missed:
        near = min(np.hypot(f.x - columns.mean(), f.y - rows.mean()) for f in reader.fixations)
        assert near > gaze_table()["view"]["useful_field"] * degree


def test_skill_and_visibility_decide_what_is_found() -> None:
    def share(spec: PhantomSpec, skill: float) -> float:
        _, read = readings(spec, 80, skill=skill)
        return float(np.mean([r.outcomes[0] is Outcome.DETECTED for r in read]))

    large = replace(SPEC, findings=(replace(NODULE, size_mm=28.0),))
    assert share(SPEC, 0.1) < share(SPEC, 0.9) < share(large, 0.9)
    assert 0 < prob_detected(0.0, 0.0) < 0.1 < 0.9 < prob_detected(1.0, 1.0) < 1


def test_experts_get_there_sooner_when_they_see_the_whole_first() -> None:
    plain = replace(SPEC, findings=(replace(NODULE, size_mm=28.0),))

    def first(skill: float) -> float:
        _, read = readings(plain, 60, skill=skill, pattern="holistic")
        return float(
            np.median(
                [
                    next(f.start_s for f in r.fixations if f.target == "finding_0")
                    for r in read
                    if r.outcomes[0] is Outcome.DETECTED
                ]
            )
        )

    assert first(1.0) < 0.6 * first(0.2)


def test_what_stands_out_most_is_looked_at_first() -> None:
    small = replace(NODULE, side="right", size_mm=14.0, seed=6)
    pair = replace(SPEC, findings=(small, replace(NODULE, size_mm=28.0)))
    _, read = readings(pair, 40, skill=1.0, pattern="holistic")
    both = [r for r in read if set(r.outcomes.values()) == {Outcome.DETECTED}]
    assert len(both) > 10
    for reader in both:
        targets = [f.target for f in reader.fixations if f.target.startswith("finding")]
        assert targets[0] == "finding_1"


def test_a_systematic_reader_keeps_the_order() -> None:
    _, read = readings(PhantomSpec(Build()), 10, skill=1.0)
    order = gaze_table()["order"]["regions"]
    for reader in read:
        targets = [order.index(f.target) for f in reader.fixations]
        assert targets == sorted(targets)


def test_a_rendered_phantom_is_read_as_well() -> None:
    image = render(SPEC, pixels=(96, 96))
    reader = simulate_reader(image, rng=np.random.default_rng(0), skill=1.0)
    assert set(reader.outcomes) == {0}
    assert len(reader.fixations) > 15


def test_wrong_arguments_are_refused() -> None:
    image = draw(SPEC)
    with pytest.raises(InvalidValueError, match="skill"):
        simulate_gaze(image, rng=np.random.default_rng(0), skill=1.2)
    with pytest.raises(InvalidValueError, match="holistic"):
        simulate_gaze(image, rng=np.random.default_rng(0), pattern="spiral")
    with pytest.raises(InvalidValueError, match="fixation"):
        Fixation(1.0, 1.0, 0.0, 0.0, "heart")
    with pytest.raises(InvalidValueError, match="sigma_px"):
        gaze_map((), (4, 4), sigma_px=0.0)


def test_a_heat_map_is_the_blurred_dwell() -> None:
    fixations = (
        Fixation(20.5, 12.5, 0.0, 0.6, "heart"),
        Fixation(40.5, 30.5, 0.7, 0.2, "heart"),
        Fixation(99.0, 5.0, 1.0, 5.0, "outside"),
    )
    found = gaze_map(fixations, (50, 60), sigma_px=3.0)
    dwell = np.zeros((50, 60))
    dwell[12, 20], dwell[30, 40] = 0.6, 0.2
    wanted = gaussian_filter(dwell, 3.0, mode="reflect")
    assert found.dtype == np.float32
    assert found.sum() == pytest.approx(1.0, abs=1e-5)
    assert np.unravel_index(found.argmax(), found.shape) == (12, 20)
    assert found == pytest.approx(wanted / wanted.sum(), abs=2e-4)
    assert gaze_map((), (5, 5), sigma_px=1.0).sum() == 0
