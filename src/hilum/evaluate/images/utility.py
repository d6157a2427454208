"""What synthetic images are good for: a classifier trained on them, on real ones, on both.

The learner is fixed (``hilum.evaluate.learner``), the test set is the same for all three, and
their differences are paired.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hilum.errors import require
from hilum.evaluate.images.distributions import Array
from hilum.evaluate.learner import fit_logistic
from hilum.evaluate.scorer import Scorer
from hilum.evaluate.scores import Evaluation

__all__ = ["TRAININGS", "difference_of", "evaluate_asked", "evaluate_utility"]

TRAININGS = ("real", "synthetic", "both")
UNDEFINED = {
    "asked_label_auroc": "no label was both asked for and asked against",
    "asked_label_f1": "nothing is asked for or seen",
    "downstream_auroc": "one class only in the test set",
    "downstream_gain": "one class only in the test set",
}


def difference_of(metric: Callable[..., float]) -> Callable[..., float]:
    """The metric of ``prob`` less that of ``reference_prob``, on the same units."""

    def compute(truth: Array, prob: Array, reference_prob: Array, **parameters: Any) -> float:
        return metric(truth, prob, **parameters) - metric(truth, reference_prob, **parameters)

    return compute


def evaluate_asked(
    units: Sequence[str],
    asked: Array,
    prob: Array,
    *,
    labels: Sequence[str],
    threshold: float = 0.5,
    draws: int = 2000,
    seed: int = 0,
) -> Evaluation:
    """Whether synthetic images show what was asked for, by a classifier's probabilities.

    Args:
        units: Ids of the synthetic images.
        asked: ``(units, labels)`` of 1, 0 or NaN (not specified).
        prob: ``(units, labels)`` in [0, 1] from a classifier that did not guide the generator.
        labels: Names of the columns.
        threshold: From where a label is seen in an image.
        draws: Of the bootstrap.
        seed: What decides.

    Raises:
        InvalidValueError: Shapes differ, or values out of range.
    """
    asked, prob = np.asarray(asked, np.float64), np.asarray(prob, np.float64)
    shape = (len(units), len(labels))
    require(
        asked.shape == prob.shape == shape,
        f"asked {asked.shape} and prob {prob.shape} for {shape[0]} units, {shape[1]} labels",
    )
    arrays = {f"asked.{name}": asked[:, i] for i, name in enumerate(labels)}
    arrays |= {f"prob.{name}": prob[:, i] for i, name in enumerate(labels)}
    scorer = Scorer("images", arrays, draws=draws, seed=seed, undefined=UNDEFINED)
    scores = []
    for name in (*labels, "all labels"):
        wanted = tuple(labels) if name == "all labels" else (name,)
        columns = {
            "truth": tuple(f"asked.{n}" for n in wanted),
            "prob": tuple(f"prob.{n}" for n in wanted),
        }
        for id_, parameters in (
            ("asked_label_auroc/macro", {}),
            ("asked_label_f1/macro", {"threshold": threshold}),
        ):
            scores.append(scorer.score(id_, name, columns, parameters))
    return Evaluation("images", tuple(units), arrays, tuple(scores), settings={"seed": seed})


def evaluate_utility(
    units: Sequence[str],
    test: tuple[Array, Array],
    real: tuple[Array, Array],
    synthetic: tuple[Array, Array],
    *,
    groups: Sequence[str] = (),
    space: str = "the user's features",
    label: str = "label",
    draws: int = 2000,
    seed: int = 0,
) -> Evaluation:
    """AUROC on real test images of the fixed learner trained on real, synthetic, both images.

    Args:
        units: Ids of the test images, which must be in neither training set.
        test: Features ``(units, dimensions)`` and truth ``(units,)`` of 0 and 1.
        real: Features and truth of real training images.
        synthetic: Features and asked label of synthetic ones.
        groups: Patient of each test image, or empty.
        space: What the features are.
        label: The label's name.
        draws: Of the bootstrap over test images; the training sets stay as they are.
        seed: What decides.

    Returns:
        An AUROC of each training, and the paired gains over training on real images.

    Raises:
        InvalidValueError: A training set holds one class only, or shapes differ.
    """
    sets = {
        "real": real,
        "synthetic": synthetic,
        "both": (np.concatenate([real[0], synthetic[0]]), np.concatenate([real[1], synthetic[1]])),
    }
    truth = np.asarray(test[1], np.float64)
    require(truth.shape == (len(units),), f"truth {truth.shape} for {len(units)} test images")
    arrays = {"truth": truth}
    for name in TRAININGS:
        features, known = sets[name]
        arrays[f"prob.{name}"] = fit_logistic(features, known).prob(np.asarray(test[0]))
    scorer = Scorer("images", arrays, groups, draws=draws, seed=seed, undefined=UNDEFINED)
    scores = [
        scorer.score(
            "downstream_auroc/logistic",
            f"train on {name}",
            {"truth": "truth", "prob": f"prob.{name}"},
            {"space": space, "label": label},
        )
        for name in TRAININGS
    ]
    scores += [
        scorer.score(
            "downstream_gain/logistic",
            f"train on {name} less real",
            {"truth": "truth", "prob": f"prob.{name}", "reference_prob": "prob.real"},
            {"space": space, "label": label},
        )
        for name in TRAININGS[1:]
    ]
    settings = {"space": space, "images": {n: len(s[0]) for n, s in sets.items()}, "seed": seed}
    return Evaluation("images", tuple(units), arrays, tuple(scores), tuple(groups), {}, settings)
