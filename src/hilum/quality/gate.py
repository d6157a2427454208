"""The gate: is this a frontal chest radiograph, which way up, and of whom?

First step after ``io`` on the main path. Rules refuse what a file declares or what pixels
show without a network; the gate network judges the rest and finds inverted polarity and
quarter turns, which are corrected here and said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from hilum.errors import ModelIntegrityError
from hilum.models import Model
from hilum.quality.declared import check_declared, is_declared_chest
from hilum.quality.issues import issue
from hilum.quality.rules import check_exposure, check_image
from hilum.types import Issue, Quality, Radiograph, View

__all__ = ["LABELS", "assess"]

TURNS = ("turned_0", "turned_90", "turned_180", "turned_270")
LABELS = ("chest", *TURNS, "inverted", "mirrored", "lateral", "ap", "child")
"""Logits of the gate network, in order. ``turned_90``: turned 90 degrees counter-clockwise."""

NEEDED_LIMITS = (
    "prob_chest_refuse",
    "prob_chest_warn",
    "prob_chest_corrected",
    "novelty_refuse",
    "novelty_warn",
    "prob_turned",
    "prob_inverted",
    "prob_mirrored",
    "prob_lateral",
    "prob_lateral_accept",
    "novelty_lateral",
    "prob_view",
    "prob_child",
)


@dataclass(frozen=True, slots=True)
class _Scores:
    """What the network says of one image; probabilities in [0, 1], ``turns`` of four."""

    chest: float
    turns: tuple[float, float, float, float]
    inverted: float
    mirrored: float
    lateral: float
    ap: float
    child: float
    novelty: float


def _sigmoid(logit: float) -> float:
    return float(1.0 / (1.0 + np.exp(-np.clip(logit, -60, 60))))


def _score(model: Model, pixels: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> _Scores:
    outputs = model.run(pixels)
    if set(outputs) != {"logits", "novelty"} or tuple(model.manifest.labels) != LABELS:
        raise ModelIntegrityError(
            f"{model.manifest.name}: a gate has the outputs logits and novelty and the labels "
            f"{', '.join(LABELS)}; got {sorted(outputs)} and {', '.join(model.manifest.labels)}"
        )
    logit = dict(zip(LABELS, map(float, outputs["logits"]), strict=True))
    turns = np.array([logit[name] for name in TURNS])
    turns = np.exp(turns - turns.max())
    turns = turns / turns.sum()
    rest = {name: _sigmoid(logit[name]) for name in LABELS if name not in TURNS}
    novelty = float(np.clip(outputs["novelty"].ravel()[0], 0.0, 1e6))
    return _Scores(
        turns=(float(turns[0]), float(turns[1]), float(turns[2]), float(turns[3])),
        novelty=novelty,
        **rest,
    )


def _limits(model: Model) -> Mapping[str, float]:
    calibration = model.manifest.calibration
    missing = [name for name in NEEDED_LIMITS if name not in calibration]
    if missing:
        raise ModelIntegrityError(
            f"{model.manifest.name}: the manifest's calibration lacks {', '.join(missing)}"
        )
    return {name: float(calibration[name]) for name in NEEDED_LIMITS}


def _turn(radiograph: Radiograph, quarter_turns: int, invert: bool) -> Radiograph:
    """Turn counter-clockwise by quarter turns and swap black and white."""
    pixels = np.rot90(radiograph.pixels, quarter_turns)
    pixels = np.ascontiguousarray(1.0 - pixels if invert else pixels, dtype=np.float32)
    notes = radiograph.notes
    if quarter_turns:
        notes += (issue("rotation_corrected", str(90 * quarter_turns)),)
    if invert:
        notes += (issue("polarity_corrected"),)
    return replace(
        radiograph,
        pixels=pixels,
        orientation=radiograph.orientation.turned(quarter_turns),
        is_inverted=radiograph.is_inverted != invert,
        notes=notes,
    )


def _is_readable(scores: _Scores, limit: Mapping[str, float]) -> bool:
    is_chest = scores.chest >= limit["prob_chest_refuse"]
    return is_chest and scores.novelty <= limit["novelty_refuse"]


def _is_lateral(radiograph: Radiograph, scores: _Scores, limit: Mapping[str, float]) -> bool:
    """Whether an undeclared view looks lateral: then it is not read as a frontal one."""
    return radiograph.view is View.UNKNOWN and scores.lateral >= limit["prob_lateral"]


def _is_surely_lateral(radiograph: Radiograph, scores: _Scores, limit: Mapping[str, float]) -> bool:
    """Whether it is lateral beyond doubt, and no stranger than those are.

    Only then is it accepted against the head that knows frontal chests.
    """
    is_sure = scores.lateral >= limit["prob_lateral_accept"]
    is_usual = scores.novelty <= limit["novelty_lateral"]
    return is_sure and is_usual and _is_lateral(radiograph, scores, limit)


def _correct(
    radiograph: Radiograph, model: Model, scores: _Scores
) -> tuple[Radiograph, _Scores, list[Issue]]:
    """Put a turned or inverted radiograph right, if the network confirms the result."""
    limit = _limits(model)
    turned_by = int(np.argmax(scores.turns))
    is_turned = turned_by != 0 and scores.turns[turned_by] >= limit["prob_turned"]
    is_inverted = scores.inverted >= limit["prob_inverted"]
    if is_turned or is_inverted:
        found = _turn(radiograph, (4 - turned_by) % 4 if is_turned else 0, is_inverted)
        after = _score(model, found.pixels)
        is_upright = after.turns[0] >= 0.5 and after.inverted < 0.5
        # for what is no chest the orientation means nothing, so a correction must make a
        # sure chest of it: this also keeps a second look from being a second chance
        is_chest = after.chest >= limit["prob_chest_corrected"] and _is_readable(after, limit)
        if is_upright and is_chest and after.chest >= scores.chest - 0.05:
            return found, after, list(found.notes[len(radiograph.notes) :])
    doubts = []
    if scores.turns[0] < 0.5:
        doubts.append(f"turned with probability {1 - scores.turns[0]:.2f}")
    if scores.inverted > 0.5:
        doubts.append(f"inverted with probability {scores.inverted:.2f}")
    warnings = [issue("orientation_doubtful", ", ".join(doubts))] if doubts else []
    return radiograph, scores, warnings


def _resolve_view(
    radiograph: Radiograph, scores: _Scores, limit: Mapping[str, float]
) -> Radiograph:
    """Keep a declared view; else AP or PA from the image where it is clear, else frontal."""
    if radiograph.view not in (View.UNKNOWN, View.FRONTAL):
        return radiograph
    view = View.FRONTAL
    if _is_lateral(radiograph, scores, limit):
        view = View.LATERAL
    elif scores.ap >= limit["prob_view"]:
        view = View.AP
    elif scores.ap <= 1 - limit["prob_view"]:
        view = View.PA
    if view is View.FRONTAL and radiograph.view is View.FRONTAL:
        return radiograph
    return replace(radiograph, view=view, view_origin="image")


def _warn(radiograph: Radiograph, scores: _Scores, limit: Mapping[str, float]) -> list[Issue]:
    found: list[Issue] = []
    is_frontal = radiograph.view is not View.LATERAL
    if not is_frontal:
        found.append(issue("lateral_not_read"))
    elif scores.chest < limit["prob_chest_warn"]:
        found.append(issue("barely_a_chest", f"probability {scores.chest:.2f}"))
    elif scores.novelty > limit["novelty_warn"]:
        found.append(issue("barely_a_chest", f"novelty {scores.novelty:.2f}"))
    if is_frontal and scores.mirrored >= limit["prob_mirrored"]:
        found.append(issue("mirrored", f"probability {scores.mirrored:.2f}"))
    if radiograph.view is View.FRONTAL:
        found.append(issue("view_uncertain"))
    if scores.child >= limit["prob_child"]:
        found.append(issue("child"))
    return found


def _as_mapping(scores: _Scores) -> dict[str, float]:
    return {
        "prob_chest": scores.chest,
        "prob_turned": 1.0 - scores.turns[0],
        "prob_inverted": scores.inverted,
        "prob_mirrored": scores.mirrored,
        "prob_lateral": scores.lateral,
        "prob_ap": scores.ap,
        "prob_child": scores.child,
        "novelty": scores.novelty,
    }


def assess(radiograph: Radiograph, model: Model) -> tuple[Radiograph, Quality]:
    """Judge one radiograph and put it upright and the right polarity.

    Args:
        radiograph: As decoded by ``hilum.io``.
        model: The gate network, ``load_model("hilum-gate")``.

    Returns:
        The radiograph, turned and inverted where that was found to be needed, with its view
        resolved; and the verdict. ``scores`` are those of the returned pixels, probabilities
        in [0, 1], except ``novelty``: the distance from known chest radiographs, about 1 for
        one of them.

    Raises:
        ModelIntegrityError: The model is missing, damaged or no gate.
    """
    refusals = check_declared(radiograph) or check_image(radiograph)
    if refusals:
        return radiograph, Quality(False, refusals)
    limit = _limits(model)
    radiograph, scores, warnings = _correct(radiograph, model, _score(model, radiograph.pixels))
    found = _as_mapping(scores)
    # The network knows lateral views from phantoms only, so it can neither confirm nor refuse
    # one that a file declares to be of the chest.
    is_declared = radiograph.view is View.LATERAL and is_declared_chest(radiograph)
    is_lateral = is_declared or _is_surely_lateral(radiograph, scores, limit)
    if not is_lateral and not _is_readable(scores, limit):
        detail = f"probability {scores.chest:.2f}, novelty {scores.novelty:.2f}"
        return radiograph, Quality(False, (issue("not_a_chest", detail),), tuple(warnings), found)
    radiograph = _resolve_view(radiograph, scores, limit)
    warnings += [*_warn(radiograph, scores, limit), *check_exposure(radiograph)]
    return radiograph, Quality(True, (), tuple(warnings), found)
