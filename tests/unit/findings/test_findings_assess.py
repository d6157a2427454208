"""Findings from a network's outputs: calibration, status, region, abstention."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hilum.errors import ModelIntegrityError
from hilum.findings.assess import assess, member_logits, without_contradiction
from hilum.findings.calibration import (
    LabelCalibration,
    calibrations_of,
    conditional_logit,
    sigmoid,
    status_of,
)
from hilum.findings.cardiomegaly import ImageRatio, assess_cardiomegaly
from hilum.findings.crop import crop_array, thorax_box
from hilum.findings.groups import group_shares
from hilum.findings.places import GRID, PLACES
from hilum.findings.second_opinion import RATIO, SMALL_CHILD, SecondOpinion
from hilum.models import InputSpec
from hilum.ontology import finding_names
from hilum.types import (
    Anatomy,
    Finding,
    Measurement,
    Orientation,
    Quality,
    Radiograph,
    Status,
    Structure,
    View,
)

HEADS = ("pneumonia_adult", "pneumonia_child", "lung_opacity", "edema")
NUMBERS = {"slope": 1.0, "offset": 0.0, "operating_point": 0.6, "rule_out": 0.2}


@dataclass
class FakeModel:
    """Answers with fixed logits and a hot cell of the opacity map."""

    logits: list[list[float]]
    hot: tuple[int, int] = (10, 3)
    seen: list[tuple[int, ...]] = field(default_factory=list)

    @property
    def manifest(self) -> Any:
        adult = dict.fromkeys(("pneumonia", "no_finding", "lung_opacity"), NUMBERS)
        calibration = {
            "method": "hilum-findings",
            "adult": {"labels": adult, "not_assessed": {"edema": "too few"}},
            "child": {"labels": {"pneumonia": NUMBERS}, "not_assessed": {}},
            "map": {"threshold": 0.5, "findings": ["lung_opacity"]},
            "context_weights": [0.5] * len(HEADS),
        }
        return SimpleNamespace(name="fake", labels=HEADS, calibration=calibration)

    def run(self, pixels: np.ndarray) -> dict[str, np.ndarray]:
        self.seen.append(pixels.shape)
        opacity = np.zeros((16, 16), np.float32)
        row, column = self.hot
        opacity[row - 1 : row + 2, column - 1 : column + 2] = 0.9
        return {"logits": np.array(self.logits, np.float32), "opacity": opacity}


def make_anatomy(rows: int = 160, columns: int = 200, turns: int = 0) -> tuple[Radiograph, Anatomy]:
    """Two rectangular lungs on an upright image, stored turned by ``turns``."""
    upright = np.full((rows, columns), 0.5, np.float32)
    stored = np.rot90(upright, -turns)
    orientation = Orientation(stored.shape[0], stored.shape[1], turns)
    radiograph = Radiograph(upright, "a.png", orientation, view=View.PA)
    right, left = np.zeros((rows, columns), bool), np.zeros((rows, columns), bool)
    right[20:140, 20:90], left[20:140, 110:180] = True, True
    structures = {
        name: Structure(name, np.ascontiguousarray(orientation.undo(mask)), 0.9)
        for name, mask in (("right_lung", right), ("left_lung", left))
    }
    zone = np.zeros((rows, columns), bool)
    zone[100:140, 20:90] = True
    zones = {"right_lower_zone": np.ascontiguousarray(orientation.undo(zone))}
    ratio = Measurement("cardiothoracic_ratio", 0.60, "1", uncertainty=0.02)
    return radiograph, Anatomy(structures, zones=zones, measurements=(ratio,))


SICK = [[3.0, -3.0, 3.0, 0.0], [2.6, -2.0, 3.2, 0.1]]
ADULT = Quality(accepted=True, scores={"prob_child": 0.1})
CHILD = Quality(accepted=True, scores={"prob_child": 0.97})


def test_every_name_of_the_ontology_is_answered_in_order() -> None:
    radiograph, anatomy = make_anatomy()
    findings = assess(radiograph, anatomy, ADULT, FakeModel(SICK))
    assert tuple(f.name for f in findings) == finding_names()
    missing = {f.name for f in findings if f.status is Status.NOT_ASSESSED}
    assert {"edema", "pneumothorax"} <= missing
    assert all(f.problem for f in findings if f.name in missing)


@dataclass
class FakeContext:
    """A second opinion at a fixed distance, all of whose evidence lies in the lungs' bases."""

    novelty: float
    ratio: float = 0.58
    base: float = 0.0
    small: float = 0.1

    @property
    def manifest(self) -> Any:
        calibration = {"novelty_limit": 1.5, "ratio_sd": 0.04}
        labels = (*HEADS, SMALL_CHILD, RATIO)
        return SimpleNamespace(name="context", labels=labels, calibration=calibration)

    def run(self, pixels: np.ndarray) -> dict[str, np.ndarray]:
        logits = np.zeros((1, len(HEADS) + 2), np.float32)
        logits[0, -2:] = np.log(self.small / (1 - self.small)), self.ratio
        evidence = np.zeros((len(HEADS) + 2, len(PLACES), GRID, GRID), np.float32)
        evidence[0, PLACES.index("base")] = self.base
        return {"logits": logits, "evidence": evidence, "novelty": np.float32(self.novelty)}


def test_evidence_of_a_place_is_part_of_the_logit() -> None:
    radiograph, anatomy = make_anatomy()
    probs = []
    for base in (0.0, 3.0):
        found = assess(
            radiograph, anatomy, ADULT, FakeModel(SICK), context=FakeContext(1, base=base)
        )
        prob = next(f.probability for f in found if f.name == "pneumonia")
        assert prob is not None
        probs.append(np.log(prob / (1 - prob)))
    # half of the logit is the context's
    assert probs[1] - probs[0] == pytest.approx(1.5, abs=1e-3)


def test_a_film_unlike_all_that_was_learned_is_only_measured() -> None:
    radiograph, anatomy = make_anatomy()
    answers = {}
    for novelty in (1.2, 1.8):
        findings = assess(radiograph, anatomy, ADULT, FakeModel(SICK), context=FakeContext(novelty))
        answers[novelty] = {f.name: f for f in findings}
    assert answers[1.2]["pneumonia"].status is not Status.NOT_ASSESSED
    outside = answers[1.8]
    assert "distance 1.80, limit 1.50" in str(outside["pneumonia"].problem)
    assessed = {name for name, f in outside.items() if f.status is not Status.NOT_ASSESSED}
    assert assessed == {"cardiomegaly"}


def test_cardiomegaly_says_what_was_measured_and_what_the_image_gave() -> None:
    radiograph, anatomy = make_anatomy()
    both = assess_cardiomegaly(radiograph, anatomy, ImageRatio(0.55, 0.05))
    assert both.problem == (
        "measured: ratio 0.60 \N{PLUS-MINUS SIGN} 0.02; "
        "from the image: ratio 0.55 \N{PLUS-MINUS SIGN} 0.05, enlarged with probability 84%"
    )
    assert both.probability == assess_cardiomegaly(radiograph, anatomy).probability
    missing = Measurement("cardiothoracic_ratio", None, "1", problem="the heart was not outlined")
    bare = Anatomy(measurements=(missing,))
    by_image = assess_cardiomegaly(radiograph, bare, ImageRatio(0.55, 0.05))
    assert by_image.status is Status.PRESENT
    assert by_image.probability == pytest.approx(0.841, abs=0.001)
    assert str(by_image.problem).startswith("not measured: the heart was not outlined; from the")
    assert assess_cardiomegaly(radiograph, bare).status is Status.NOT_ASSESSED


def test_a_child_is_judged_by_the_head_for_children() -> None:
    radiograph, anatomy = make_anatomy()
    by_name = {f.name: f for f in assess(radiograph, anatomy, ADULT, FakeModel(SICK))}
    assert by_name["pneumonia"].status is Status.PRESENT
    by_name = {f.name: f for f in assess(radiograph, anatomy, CHILD, FakeModel(SICK))}
    assert by_name["pneumonia"].status is Status.ABSENT
    assert by_name["cardiomegaly"].status is Status.NOT_ASSESSED
    findings = assess(radiograph, anatomy, CHILD, FakeModel(SICK), age_years=40.0)
    assert {f.name: f for f in findings}["pneumonia"].status is Status.PRESENT


def test_a_doubtful_age_is_judged_by_both_groups() -> None:
    radiograph, anatomy = make_anatomy()
    alone = {}
    for age in (40.0, 3.0):
        found = assess(
            radiograph, anatomy, CHILD, FakeModel(SICK), context=FakeContext(1), age_years=age
        )
        alone[age] = next(f for f in found if f.name == "pneumonia")
        assert alone[age].problem is None
    for small in (0.3, 0.6):
        context = FakeContext(1, small=small)
        found = assess(radiograph, anatomy, CHILD, FakeModel(SICK), context=context)
        both = {f.name: f for f in found}
        share = 0.97 * small
        wanted = share * alone[3.0].probability + (1 - share) * alone[40.0].probability
        assert both["pneumonia"].probability == pytest.approx(wanted, abs=1e-5)
        assert both["pneumonia"].problem == (
            f"the age is not known: weighed {1 - share:.0%} as an adult's "
            f"and {share:.0%} as a small child's"
        )
        assert (both["lung_opacity"].status is Status.NOT_ASSESSED) == (share > 0.5)
        assert (both["cardiomegaly"].status is Status.NOT_ASSESSED) == (share > 0.5)


@pytest.mark.parametrize(
    ("prob_child", "age", "small", "shares"),
    [
        (0.1, 3.0, 0.0, {"child": 1.0}),
        (0.99, 6.0, 1.0, {"adult": 1.0}),
        (0.96, None, None, {"child": 1.0}),
        (0.94, None, None, {"adult": 1.0}),
        (0.01, None, 1.0, {"adult": 1.0}),
        (0.995, None, 0.999, {"child": 1.0}),
        (0.9, None, 0.9, {"child": 0.81, "adult": 0.19}),
        (0.9, None, 0.1, {"adult": 0.91, "child": 0.09}),
    ],
)
def test_group_shares(
    prob_child: float, age: float | None, small: float | None, shares: dict[str, float]
) -> None:
    quality = Quality(accepted=True, scores={"prob_child": prob_child})
    whole = SecondOpinion({}, {}, np.zeros(0, np.float32), 1.0, 2.0, small_child=small)
    found = group_shares(quality, age, whole)
    assert found == pytest.approx(shares)
    assert list(found) == list(shares)  # the likelier first
    if small is None:
        assert group_shares(quality, age, None) == shares


@pytest.mark.parametrize("turns", range(4))
def test_regions_are_source_pixels_inside_the_lungs(turns: int) -> None:
    radiograph, anatomy = make_anatomy(turns=turns)
    findings = {f.name: f for f in assess(radiograph, anatomy, ADULT, FakeModel(SICK))}
    opacity = findings["lung_opacity"]
    assert len(opacity.regions) == 1
    assert opacity.zones == ("right_lower_zone",)
    x, y = opacity.regions[0].box.centre
    lung = anatomy.structures["right_lung"].mask
    assert lung[int(y), int(x)]
    assert opacity.heatmap is not None
    height, width = opacity.heatmap.shape
    row, column = np.unravel_index(int(opacity.heatmap.argmax()), opacity.heatmap.shape)
    assert lung[int(row * lung.shape[0] / height), int(column * lung.shape[1] / width)]
    assert not findings["pneumonia"].regions


def test_a_map_outside_the_lungs_gives_no_region() -> None:
    radiograph, anatomy = make_anatomy()
    model = FakeModel(SICK, hot=(8, 8))
    opacity = {f.name: f for f in assess(radiograph, anatomy, ADULT, model)}["lung_opacity"]
    assert all(region.score < 0.9 for region in opacity.regions)
    assert opacity.heatmap is not None
    assert opacity.heatmap[100, 128] == 0.0


def test_an_absent_finding_has_no_region() -> None:
    radiograph, anatomy = make_anatomy()
    healthy = [[-4.0, -4.0, -4.0, 0.0]]
    opacity = {f.name: f for f in assess(radiograph, anatomy, ADULT, FakeModel(healthy))}
    assert opacity["lung_opacity"].status is Status.ABSENT
    assert opacity["lung_opacity"].regions == ()


def test_without_lungs_the_whole_image_is_looked_at() -> None:
    radiograph, _ = make_anatomy()
    model = FakeModel(SICK)
    findings = {f.name: f for f in assess(radiograph, Anatomy(), ADULT, model)}
    assert model.seen == [(160, 200)]
    assert findings["lung_opacity"].regions == ()
    assert findings["cardiomegaly"].status is Status.NOT_ASSESSED


def test_the_crop_stays_inside_the_image() -> None:
    lungs = np.zeros((100, 120), bool)
    lungs[:, 3:118] = True
    box = thorax_box(lungs)
    assert crop_array(np.zeros((100, 120), np.float32), box).shape == (100, 120)
    lungs[:] = False
    lungs[40:45, 40:45] = True
    assert thorax_box(lungs).area == 100 * 120


def test_conditional_logit_is_the_product_of_probabilities() -> None:
    assert sigmoid(conditional_logit(0.7, -1.2)) == pytest.approx(sigmoid(0.7) * sigmoid(-1.2))
    assert conditional_logit(500.0, 500.0) < np.inf


def test_member_logits_choose_the_parent() -> None:
    logits = np.array([[2.0, -2.0, 1.0, 0.0]], np.float32)
    adult = member_logits(logits, HEADS, is_child=False)
    child = member_logits(logits, HEADS, is_child=True)
    assert adult["pneumonia"] == 2.0 == -adult["no_finding"]
    assert child["pneumonia"] == -2.0
    assert adult["edema"] > child["edema"]


def test_the_interval_holds_the_probability_and_grows_with_disagreement() -> None:
    draws = np.array([(1.0, 0.0, e) for e in np.linspace(-2, 2, 41)])
    numbers = LabelCalibration(1.0, 0.0, 0.6, 0.2, draws)
    narrow, wide = numbers.interval(0.5, 0.1), numbers.interval(0.5, 1.0)
    assert narrow is not None
    assert wide is not None
    assert narrow[0] <= numbers.probability(0.5) <= narrow[1]
    assert wide[0] < narrow[0]
    assert wide[1] > narrow[1]
    assert LabelCalibration(1.0, 0.0, 0.6, 0.2).interval(0.5, 1.0) is None
    stored = LabelCalibration(1.0, 0.0, 0.6, 0.2, draws, spread=1.0)
    assert stored.interval(0.5) == pytest.approx(wide)
    assert stored.interval(0.5, 1.0)[0] < wide[0]  # independent doubts add up


@pytest.mark.parametrize(
    ("prob", "status"),
    [
        (0.6, Status.PRESENT),
        (0.59, Status.UNCERTAIN),
        (0.2, Status.UNCERTAIN),
        (0.19, Status.ABSENT),
    ],
)
def test_status_follows_the_two_points(prob: float, status: Status) -> None:
    assert status_of(prob, operating_point=0.6, rule_out=0.2) is status


def test_a_damaged_calibration_is_a_clear_error() -> None:
    with pytest.raises(ModelIntegrityError, match="calibration"):
        calibrations_of({"edema": {"slope": 1.0}})


@pytest.mark.parametrize(
    ("view", "status"), [(View.PA, Status.PRESENT), (View.AP, Status.UNCERTAIN)]
)
def test_cardiomegaly_allows_for_magnification(view: View, status: Status) -> None:
    radiograph, _ = make_anatomy()
    radiograph = Radiograph(radiograph.pixels, "a.png", radiograph.orientation, view=view)
    ratio = Measurement("cardiothoracic_ratio", 0.54, "1", uncertainty=0.02)
    finding = assess_cardiomegaly(radiograph, Anatomy(measurements=(ratio,)))
    assert finding.status is status
    assert finding.interval is not None
    assert finding.interval[0] <= finding.probability <= finding.interval[1]


class ForeignModel:
    """A user's classifier: uncalibrated probabilities and heat maps over the image."""

    manifest = SimpleNamespace(
        name="theirs",
        labels=("pleural_effusion", "edema"),
        calibration={"method": "none", "operating_points": {"pleural_effusion": 0.3}},
        input=InputSpec(rows=224, columns=224),
    )

    def run(self, pixels: np.ndarray) -> dict[str, np.ndarray]:
        heat = np.zeros((2, 8, 8), np.float32)
        heat[:, 6, 1] = 0.2
        return {"probabilities": np.array([0.4, 0.4], np.float32), "heatmaps": heat}


def test_a_foreign_classifier_keeps_its_operating_points_and_says_uncalibrated() -> None:
    radiograph, anatomy = make_anatomy()
    found = {f.name: f for f in assess(radiograph, anatomy, ADULT, ForeignModel())}
    assert found["pleural_effusion"].status is Status.PRESENT
    assert found["edema"].status is Status.ABSENT
    assert "uncalibrated" in (found["edema"].problem or "")
    assert found["pleural_effusion"].interval is None
    assert found["pleural_effusion"].zones == ("right_lower_zone",)
    assert found["pneumonia"].status is Status.NOT_ASSESSED


@pytest.mark.parametrize(
    ("heart", "expected"), [(Status.PRESENT, Status.UNCERTAIN), (Status.ABSENT, Status.PRESENT)]
)
def test_a_film_with_a_finding_is_not_called_normal(heart: Status, expected: Status) -> None:
    found = {
        "no_finding": Finding("no_finding", Status.PRESENT, 0.71, operating_point=0.5),
        "cardiomegaly": Finding("cardiomegaly", heart, 0.9, operating_point=0.5),
    }
    settled = without_contradiction(found)
    assert settled["no_finding"].status is expected
    assert settled["no_finding"].probability == 0.71
    assert settled["cardiomegaly"] is found["cardiomegaly"]
