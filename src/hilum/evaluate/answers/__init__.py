"""Answers to questions: accuracy by type, adversarial pairs, grounding, stated confidence."""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from hilum.evaluate.answers.assessment import (
    Answer,
    AnswerOptions,
    box_union_iou,
    evaluate_answers,
)
from hilum.evaluate.answers.inputs import read_answers
from hilum.evaluate.answers.matching import (
    FORMS,
    normalise_answer,
    read_choices,
    score_answer,
    token_f1,
)
from hilum.evaluate.answers.probing import mean_by_set, pair_accuracy
from hilum.evaluate.findings.calibration import brier, calibration_error
from hilum.evaluate.findings.discrimination import auroc
from hilum.evaluate.regions.points import mean_of

__all__ = [
    "FORMS",
    "METRICS",
    "Answer",
    "AnswerOptions",
    "box_union_iou",
    "evaluate_answers",
    "grounded_accuracy",
    "mean_by_set",
    "normalise_answer",
    "pair_accuracy",
    "read_answers",
    "read_choices",
    "score_answer",
    "token_f1",
]

Array = npt.NDArray[np.float64]


def grounded_accuracy(value: Array, overlap: Array) -> float:
    """Share of questions with a true region that are right and point at it with IoU >= 0.5."""
    asked = ~np.isnan(overlap)
    return float(((value == 1) & (overlap >= 0.5))[asked].mean()) if asked.any() else float("nan")


METRICS: Mapping[str, Callable[..., float]] = {
    "accuracy/exact": mean_of,
    "token_f1/squad": mean_of,
    "answer_grounding/union_iou": mean_of,
    "grounded_accuracy/iou_50": grounded_accuracy,
    "pair_accuracy/all_right": pair_accuracy,
    "consistency/majority": mean_by_set,
    "confidence_calibration_error/equal_width": calibration_error,
    "confidence_brier/binary": brier,
    "confidence_auroc/empirical": auroc,
}
"""By record id of ``records/answers.toml``."""
