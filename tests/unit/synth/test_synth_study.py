"""A phantom study from its spec: reproducible, true to itself, readable by the rest of Hilum."""

from dataclasses import replace

import numpy as np
import pytest

from hilum.synth.disease.heart_fit import heart_span
from hilum.synth.sampling import prevalences, sample_devices, sample_spec
from hilum.synth.study import beam_of, grid_of, render
from hilum.synth.thorax.build import Build, sample_build
from hilum.synth.thorax.cage import Cage
from hilum.synth.types import FindingSpec, Imaging, PhantomSpec
from hilum.types import SpacingOrigin, View

SMALL = (192, 192)
PLAIN = PhantomSpec(Build(heart_ratio=0.48))


@pytest.fixture(scope="module")
def plain():
    return render(PLAIN, pixels=SMALL)


def test_equal_specs_give_equal_images_and_truth(plain):
    again = render(PLAIN, pixels=SMALL)
    assert (plain.radiograph.pixels == again.radiograph.pixels).all()
    assert plain.truth.landmarks == again.truth.landmarks
    other = render(replace(PLAIN, imaging=Imaging(seed=5)), pixels=SMALL)
    assert (plain.radiograph.pixels != other.radiograph.pixels).any()
    assert (plain.thickness["water"] == other.thickness["water"]).all()


def test_the_radiograph_is_one_that_hilum_reads(plain):
    image = plain.radiograph
    assert image.pixels.shape == SMALL[::-1]
    assert image.view is View.PA
    assert image.spacing is not None
    assert image.spacing.origin is SpacingOrigin.DETECTOR
    assert image.spacing.row_mm == pytest.approx(420 / 192)
    lungs = plain.truth.masks["left_lung"] | plain.truth.masks["right_lung"]
    heart = plain.truth.masks["heart"] & ~lungs
    assert image.pixels[lungs].mean() < 0.6 * image.pixels[heart].mean()


def test_sides_lie_where_a_film_shows_them(plain):
    truth = plain.truth
    middle = SMALL[0] / 2
    assert np.argwhere(truth.masks["right_lung"])[:, 1].mean() < middle
    assert np.argwhere(truth.masks["left_lung"])[:, 1].mean() > middle
    assert np.argwhere(truth.masks["heart"])[:, 1].mean() > middle
    assert np.argwhere(truth.masks["stomach_bubble"])[:, 1].mean() > middle
    right = np.flatnonzero(truth.masks["right_lung"].any(1))[-1]
    assert right < np.flatnonzero(truth.masks["left_lung"].any(1))[-1]  # the right dome is higher


def test_landmarks_belong_to_their_structures(plain):
    truth = plain.truth
    x, y = truth.landmarks["carina"]
    assert truth.masks["airways"][int(y), int(x)]
    for side in ("right", "left"):
        x, y = truth.landmarks[f"{side}_apex"]
        assert truth.masks[f"{side}_lung"][int(y), int(x)]
    assert truth.landmarks["chest_right"][0] < truth.landmarks["heart_right"][0]
    assert truth.landmarks["heart_left"][0] < truth.landmarks["chest_left"][0]


@pytest.mark.parametrize("ratio", [0.40, 0.50, 0.62])
@pytest.mark.parametrize("view", [View.PA, View.AP])
def test_the_measured_ratio_is_the_asked_one(ratio, view):
    imaging = Imaging(view=view, source_mm=1800.0 if view is View.PA else 1100.0)
    spec = PhantomSpec(Build(heart_ratio=ratio), imaging=imaging)
    truth = render(spec, pixels=(512, 512)).truth
    assert truth.measurements["cardiothoracic_ratio"] == pytest.approx(ratio, rel=0.01)


def test_an_ap_film_magnifies_the_heart():
    widths = {}
    for view, distance in ((View.PA, 1800.0), (View.AP, 1000.0)):
        imaging = Imaging(view=view, source_mm=distance)
        spec = PhantomSpec(Build(), imaging=imaging)
        grid, beam = grid_of(imaging), beam_of(imaging, (256, 256))
        widths[view] = heart_span(Cage(spec.build), grid, beam, 1.0)
    assert widths[View.AP] > 1.05 * widths[View.PA]


def test_a_lateral_view_shows_the_spine_behind_the_heart():
    image = render(replace(PLAIN, imaging=Imaging(view=View.LATERAL)), pixels=SMALL)
    heart = np.argwhere(image.truth.masks["heart"])[:, 1].mean()
    spine = np.argwhere(image.truth.masks["spine"])[:, 1].mean()
    assert heart < spine


def test_a_nodule_is_brighter_inside_its_box():
    spec = FindingSpec("nodule", side="right", place="middle_zone", extent=0.6, size_mm=28.0)
    with_it = render(replace(PLAIN, findings=(spec,)), pixels=(384, 384))
    without = render(PLAIN, pixels=(384, 384))
    (truth,) = with_it.truth.findings
    assert truth.mask is not None
    assert truth.box is not None
    difference = with_it.thickness["water"] - without.thickness["water"]
    assert difference[truth.mask].max() > 8.0
    assert np.abs(difference[~truth.mask]).max() < 3.0
    assert truth.volume_ml == pytest.approx(4 / 3 * np.pi * 1.4**3, rel=0.03)
    assert any(zone.startswith("right") for zone in truth.zones)


def test_sampling_is_numbers_only_and_repeats():
    first, second = (sample_spec(np.random.default_rng(4)) for _ in range(2))
    assert first == second
    specs = [sample_spec(np.random.default_rng(seed), prob_lateral=0.3) for seed in range(300)]
    named = {finding.name for spec in specs for finding in spec.findings}
    assert named == {row.name for row in prevalences()}
    healthy = np.mean([not spec.findings for spec in specs])
    assert 0.25 < healthy < 0.45
    assert {spec.imaging.view for spec in specs} == {View.PA, View.AP, View.LATERAL}
    assert all(not spec.imaging.is_supine or spec.imaging.view is View.AP for spec in specs)


def test_devices_are_drawn_by_their_shares():
    shares = (("pacemaker", 1.0), ("picc", 0.0), ("chest_tube", 0.5))
    drawn = [sample_devices(shares, np.random.default_rng(seed)) for seed in range(200)]
    assert all(devices[0].name == "pacemaker" for devices in drawn)
    assert {device.name for devices in drawn for device in devices} == {"pacemaker", "chest_tube"}
    assert 70 < sum(len(devices) == 2 for devices in drawn) < 130
    wrong = sample_devices(shares[:1] * 50, np.random.default_rng(0), prob_malpositioned=1.0)
    assert not any(device.is_correct for device in wrong)


def test_children_are_smaller_and_builds_stay_possible():
    rng = np.random.default_rng(0)
    adults = [sample_build(rng, age_years=45.0) for _ in range(60)]
    children = [sample_build(rng, age_years=3.0) for _ in range(60)]
    assert np.mean([b.width for b in children]) < 0.75 * np.mean([b.width for b in adults])
    assert np.mean([b.heart_ratio for b in children]) > np.mean([b.heart_ratio for b in adults])
    assert all(0.36 <= b.heart_ratio <= 0.6 for b in adults + children)
