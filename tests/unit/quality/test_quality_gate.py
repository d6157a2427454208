"""The gate's decisions with a network whose answers are set by the test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from hilum.errors import ModelIntegrityError
from hilum.models import golden_image
from hilum.quality import assess, issue_table
from hilum.quality.gate import LABELS, NEEDED_LIMITS
from hilum.types import FloatImage, Orientation, Radiograph, View

LIMITS = dict.fromkeys(NEEDED_LIMITS, 0.9) | {
    "prob_chest_refuse": 0.5,
    "novelty_refuse": 3.0,
    "novelty_warn": 2.0,
}
CHEST = {"chest": 6.0, "turned_0": 9.0, "inverted": -6.0, "mirrored": -9.0, "lateral": -9.0}


class FakeGate:
    """Answers what a function of the pixels says; counts its runs."""

    def __init__(self, answer: Callable[[FloatImage], dict[str, float]]) -> None:
        self.manifest = SimpleNamespace(name="fake", labels=LABELS, calibration=LIMITS)
        self.answer = answer
        self.runs = 0

    def run(self, pixels: FloatImage) -> dict[str, np.ndarray]:
        self.runs += 1
        found = dict(self.answer(pixels))
        novelty = np.array([found.pop("novelty", 1.0)], np.float32)
        logits = np.array([found.get(name, 0.0) for name in LABELS], np.float32)
        return {"logits": logits, "novelty": novelty}


def always(**changes: float) -> FakeGate:
    return FakeGate(lambda pixels: CHEST | changes)


def radiograph(pixels: FloatImage | None = None, **fields: object) -> Radiograph:
    pixels = golden_image(160, 120) if pixels is None else pixels
    orientation = Orientation(*pixels.shape)
    return Radiograph(pixels=pixels.copy(), source="a.png", orientation=orientation, **fields)


def codes(issues: tuple) -> set[str]:
    return {issue.code for issue in issues}


def test_a_plain_chest_is_accepted_with_its_scores():
    image, quality = assess(radiograph(), always(ap=5.0))
    assert quality.accepted
    assert image.view is View.AP
    assert image.view_origin == "image"
    assert quality.scores["prob_chest"] > 0.99
    assert quality.scores["novelty"] == 1.0


@pytest.mark.parametrize(("logit", "view"), [(5.0, View.AP), (-5.0, View.PA), (0.0, View.FRONTAL)])
def test_the_view_comes_from_the_image_only_where_it_is_clear(logit, view):
    image, quality = assess(radiograph(), always(ap=logit))
    assert image.view is view
    assert ("view_uncertain" in codes(quality.warnings)) == (view is View.FRONTAL)


def test_a_declared_view_is_kept():
    declared = radiograph(view=View.PA, view_origin="ViewPosition")
    image, _ = assess(declared, always(ap=9.0))
    assert (image.view, image.view_origin) == (View.PA, "ViewPosition")


@pytest.mark.parametrize("answer", [{"chest": -2.0}, {"novelty": 3.5}])
def test_what_is_no_chest_is_refused(answer):
    _, quality = assess(radiograph(), always(**answer))
    assert not quality.accepted
    assert codes(quality.reasons) == {"not_a_chest"}


def test_unusual_chests_are_read_with_a_warning():
    for answer in ({"chest": 1.0}, {"novelty": 2.5}):
        _, quality = assess(radiograph(), always(**answer))
        assert quality.accepted
        assert "barely_a_chest" in codes(quality.warnings)


def upright_detector(pixels: FloatImage) -> dict[str, float]:
    """Reads orientation and polarity of the golden image from marks in its corners."""
    rows, columns = pixels.shape
    corners = [pixels[0, 0], pixels[0, columns - 1], pixels[rows - 1, columns - 1],
               pixels[rows - 1, 0]]  # fmt: skip
    is_inverted = np.median(corners) > 0.5
    marked = int(np.argmin(corners) if is_inverted else np.argmax(corners))
    # turned counter-clockwise by k, the mark of the top-left corner is found k corners back
    turns = (-marked) % 4
    found = CHEST | {"turned_0": 0.0, "inverted": 6.0 if is_inverted else -6.0}
    found[LABELS[1 + turns]] = 9.0
    if turns or is_inverted:
        found["chest"] = 0.5
    return found


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("is_inverted", [False, True])
def test_turned_and_inverted_radiographs_are_put_right(turns, is_inverted):
    upright = golden_image(160, 120)
    upright[:, 0] = upright[:, -1] = 0.0
    upright[0, 0] = 1.0
    stored = np.ascontiguousarray(np.rot90(1 - upright if is_inverted else upright, turns))
    image, quality = assess(radiograph(stored), FakeGate(upright_detector))
    assert quality.accepted
    np.testing.assert_allclose(image.pixels, upright, atol=1e-6)
    assert image.orientation.quarter_turns == (4 - turns) % 4
    assert image.is_inverted is is_inverted
    np.testing.assert_allclose(
        image.orientation.undo(image.pixels), 1 - stored if is_inverted else stored, atol=1e-6
    )
    said = codes(quality.warnings)
    assert ("rotation_corrected" in said) == bool(turns)
    assert ("polarity_corrected" in said) == is_inverted
    assert codes(image.notes) == said & {"rotation_corrected", "polarity_corrected"}


def test_a_correction_that_the_second_run_does_not_confirm_is_not_made():
    stored = radiograph()
    image, quality = assess(stored, always(turned_0=0.0, turned_90=9.0, inverted=6.0))
    assert image.orientation.quarter_turns == 0
    np.testing.assert_array_equal(image.pixels, stored.pixels)
    assert "orientation_doubtful" in codes(quality.warnings)


def test_turning_is_no_second_chance_for_what_is_hardly_a_chest():
    def answer(pixels: FloatImage) -> dict[str, float]:
        is_turned = pixels.shape[0] < pixels.shape[1]
        turned = {"turned_0": 0.0, "turned_90": 9.0, "chest": -1.0}
        return CHEST | (turned if is_turned else {"chest": 1.5})

    pixels = np.ascontiguousarray(np.rot90(golden_image(160, 120)))
    image, quality = assess(radiograph(pixels), FakeGate(answer))
    assert not quality.accepted
    assert image.orientation.quarter_turns == 0


def test_mirroring_is_a_warning_only():
    stored = radiograph()
    image, quality = assess(stored, always(mirrored=6.0))
    assert quality.accepted
    assert "mirrored" in codes(quality.warnings)
    np.testing.assert_array_equal(image.pixels, stored.pixels)


def test_children_are_named():
    _, quality = assess(radiograph(), always(child=6.0))
    assert "child" in codes(quality.warnings)


LATERAL = {"chest": -5.0, "lateral": 5.0, "novelty": 3.5}
SIDE_LIMITS = LIMITS | {"prob_lateral": 0.8, "prob_lateral_accept": 0.95, "novelty_lateral": 4.0}


def side_gate(**answer: float) -> FakeGate:
    gate = always(**answer)
    gate.manifest.calibration = SIDE_LIMITS
    return gate


def test_an_undeclared_lateral_view_is_recognised_and_not_read():
    image, quality = assess(radiograph(), side_gate(**LATERAL))
    assert quality.accepted
    assert (image.view, image.view_origin) == (View.LATERAL, "image")
    assert "lateral_not_read" in codes(quality.warnings)


def test_a_chest_that_is_probably_lateral_is_not_read_as_frontal():
    image, quality = assess(radiograph(), side_gate(lateral=2.0))
    assert quality.accepted
    assert image.view is View.LATERAL


@pytest.mark.parametrize(
    ("view", "answer"),
    [
        (View.UNKNOWN, LATERAL | {"novelty": 4.5}),  # stranger than lateral views are
        (View.UNKNOWN, LATERAL | {"lateral": 2.0}),  # not sure enough to outweigh the other head
        (View.PA, LATERAL),  # declared to be frontal
    ],
)
def test_what_is_not_surely_lateral_is_refused_where_it_is_no_frontal_chest(view, answer):
    _, quality = assess(radiograph(view=view), side_gate(**answer))
    assert codes(quality.reasons) == {"not_a_chest"}


def test_a_declared_lateral_chest_is_accepted_and_not_read():
    lateral = radiograph(view=View.LATERAL, modality="DX", body_part="CHEST")
    _, quality = assess(lateral, always(chest=-5.0))
    assert quality.accepted
    assert "lateral_not_read" in codes(quality.warnings)
    unnamed = replace(lateral, body_part="")
    assert not assess(unnamed, always(chest=-5.0))[1].accepted


def test_rules_refuse_before_the_network_runs():
    model = always()
    for bad in (radiograph(modality="CT"), radiograph(np.zeros((100, 100), np.float32))):
        assert not assess(bad, model)[1].accepted
    assert model.runs == 0


def test_a_model_that_is_no_gate_is_refused():
    model = always()
    model.manifest.labels = ("cat", "dog")
    with pytest.raises(ModelIntegrityError, match="a gate has the outputs"):
        assess(radiograph(), model)
    model = always()
    model.manifest.calibration = {}
    with pytest.raises(ModelIntegrityError, match="calibration lacks"):
        assess(radiograph(), model)


def test_the_guide_names_every_code():
    guide = Path(__file__).parents[3] / "docs" / "guides" / "quality.md"
    text = guide.read_text(encoding="utf-8")
    assert [code for code in issue_table() if f"`{code}`" not in text] == []


def test_every_issue_of_the_table_has_a_kind_and_a_sentence():
    table = issue_table()
    assert {kind for kind, _ in table.values()} == {"refusal", "warning"}
    assert all(text.format(detail="x").endswith(".") for _, text in table.values())
