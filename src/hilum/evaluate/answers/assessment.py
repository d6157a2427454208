"""Evaluate answers to questions about radiographs: by type, by pair, grounded, calibrated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hilum.errors import require
from hilum.evaluate.answers.matching import FORMS, score_answer, token_f1
from hilum.evaluate.regions.masks import mask_of_boxes
from hilum.evaluate.scorer import Scorer
from hilum.evaluate.scores import Evaluation

__all__ = ["Answer", "AnswerOptions", "box_union_iou", "evaluate_answers"]

Box = tuple[float, float, float, float]
Array = npt.NDArray[Any]
_NEEDS_SETS = ("pair_accuracy", "consistency", "confidence_auroc")


@dataclass(frozen=True, slots=True)
class Answer:
    """A question's truth and what was answered.

    ``kind`` is what it asks for (``presence``, ``place``, ``negation``, ``differential``,
    ``geometry``, or any other word), ``form`` one of ``matching.FORMS``. ``pair`` names the
    adversarial pair, ``rephrasing`` the set of questions that ask the same, ``group`` the
    patient. ``confidence`` is the stated probability of being right. ``boxes`` are those
    that the answer points at, ``true_boxes`` those that show it, ``(x, y, width, height)``.
    """

    unit: str
    truth: str
    answer: str | None
    kind: str = "presence"
    form: str = "closed"
    options: tuple[str, ...] = ()
    pair: str = ""
    rephrasing: str = ""
    group: str = ""
    confidence: float | None = None
    boxes: tuple[Box, ...] = ()
    true_boxes: tuple[Box, ...] = ()

    def __post_init__(self) -> None:
        require(self.form in FORMS, f"unknown form {self.form!r}; one of {', '.join(FORMS)}")
        known = self.confidence is None or 0.0 <= self.confidence <= 1.0
        require(known, f"{self.unit}: confidence lies in [0, 1], got {self.confidence}")


@dataclass(frozen=True, slots=True)
class AnswerOptions:
    """``missing`` is what an unanswered question counts as: ``wrong`` or ``excluded``."""

    missing: str = "wrong"
    draws: int = 1000
    level: float = 0.95
    seed: int = 0


def box_union_iou(found: Sequence[Box], truth: Sequence[Box], *, cells: int = 256) -> float:
    """IoU of the areas that two lists of boxes cover, on a grid of ``cells`` over both."""
    every = np.array([*found, *truth], dtype=float)
    if not len(found) or not len(truth):
        return float(len(found) == len(truth))
    low, high = every[:, :2].min(axis=0), (every[:, :2] + every[:, 2:]).max(axis=0)
    scale = cells / np.maximum(high - low, 1e-9)
    masks = []
    for boxes in (found, truth):
        own = np.array(boxes, dtype=float)
        moved = np.concatenate([(own[:, :2] - low) * scale, own[:, 2:] * scale], axis=1)
        masks.append(mask_of_boxes(moved, shape=(cells, cells)))
    union = np.logical_or(*masks).sum()
    return float(np.logical_and(*masks).sum() / union) if union else 0.0


def evaluate_answers(
    answers: Sequence[Answer], *, options: AnswerOptions | None = None
) -> Evaluation:
    """Accuracy overall, by kind and by form; pairs, consistency, grounding, calibration.

    Raises:
        InvalidValueError: No answer, an id twice, or a truth that does not fit its form.
    """
    options = options or AnswerOptions()
    require(options.missing in ("wrong", "excluded"), "missing is wrong or excluded")
    unanswered = sum(a.answer is None for a in answers)
    rows = [a for a in answers if a.answer is not None or options.missing == "wrong"]
    require(bool(rows), "no answer to evaluate")
    columns = _columns(rows)
    groups = tuple(a.group for a in rows) if any(a.group for a in rows) else ()
    scorer = Scorer(
        "answers",
        columns,
        groups,
        options.draws,
        options.level,
        options.seed,
        "",
        dict.fromkeys(_NEEDS_SETS, "no pair, set or class to compare"),
    )
    scores = [scorer.score(*plan) for plan in _plans(rows, columns)]
    label = f"unanswered_{'counted_wrong' if options.missing == 'wrong' else 'excluded'}"
    return Evaluation(
        "answers",
        tuple(a.unit for a in rows),
        columns,
        tuple(scores),
        groups,
        {label: unanswered} if unanswered else {},
        asdict(options),
    )


def _columns(rows: Sequence[Answer]) -> dict[str, Array]:
    right = np.array(
        [
            0.0
            if a.answer is None
            else score_answer(a.answer, a.truth, form=a.form, options=a.options)
            for a in rows
        ]
    )
    columns: dict[str, Array] = {"right": right}
    columns["token_f1"] = np.array(
        [token_f1(a.answer or "", a.truth) if a.form == "open" else np.nan for a in rows]
    )
    columns["grounding"] = np.array(
        [box_union_iou(a.boxes, a.true_boxes) if a.true_boxes else np.nan for a in rows]
    )
    confidence = [np.nan if a.confidence is None else a.confidence for a in rows]
    columns["confidence"] = np.array(confidence, dtype=float)
    columns["pair"] = np.array([a.pair for a in rows])
    columns["rephrasing"] = np.array([a.rephrasing for a in rows])
    for what in ("kind", "form"):
        values = [getattr(a, what) for a in rows]
        for value in sorted(set(values)):
            mine = np.array([own == value for own in values])
            columns[f"right.{what}.{value}"] = np.where(mine, right, np.nan)
    return columns


def _plans(
    rows: Sequence[Answer], columns: Mapping[str, Array]
) -> list[tuple[str, str, dict[str, str]]]:
    plans: list[tuple[str, str, dict[str, str]]] = [("accuracy/exact", "all", {"value": "right"})]
    for name in columns:
        if name.startswith("right."):
            plans.append(("accuracy/exact", name.removeprefix("right."), {"value": name}))
    if not np.isnan(columns["token_f1"]).all():
        plans.append(("token_f1/squad", "open", {"value": "token_f1"}))
    if not np.isnan(columns["grounding"]).all():
        plans.append(("answer_grounding/union_iou", "all", {"value": "grounding"}))
        plans.append(
            ("grounded_accuracy/iou_50", "all", {"value": "right", "overlap": "grounding"})
        )
    if any(a.pair for a in rows):
        plans.append(("pair_accuracy/all_right", "all", {"value": "right", "pair": "pair"}))
    if any(a.rephrasing for a in rows):
        names = {"value": "right", "group": "rephrasing"}
        plans.append(("consistency/majority", "all", names))
    if not np.isnan(columns["confidence"]).all():
        names = {"truth": "right", "prob": "confidence"}
        plans += [
            ("confidence_calibration_error/equal_width", "all", names),
            ("confidence_brier/binary", "all", names),
            ("confidence_auroc/empirical", "all", names),
        ]
    return plans
