"""The context's head that tells small children from older patients: truth, weights, figures.

Small children come from one source (Kermany et al. 2018, one to five years), older patients
from another, so what the head learns is in part how that source's films look. Reading
believes it only where the gate, too, sees a child.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hilum.findings.groups import CHILD_BELOW_YEARS
from hilum.train.findings_data import Example

__all__ = ["age_weights", "is_small_child", "small_child_figures"]

ADULT_FROM_YEARS = 18.0
SHARES = {"small_children": 0.5, "schoolchildren": 0.25, "adults": 0.25}
"""Of the weight that the head is learned with."""


def is_small_child(examples: list[Example]) -> npt.NDArray[np.float64]:
    """1 for children below six years, 0 for older patients, NaN where the age is not known."""
    return np.array(
        [
            1.0 if e.source == "kermany" else np.nan if e.age is None else e.age < CHILD_BELOW_YEARS
            for e in examples
        ],
        np.float64,
    )


def age_groups(examples: list[Example]) -> dict[str, npt.NDArray[np.bool_]]:
    """Who is a small child, a schoolchild, an adult; in none of them where the age is not known."""
    small = is_small_child(examples)
    is_adult = np.array([e.age is not None and e.age >= ADULT_FROM_YEARS for e in examples])
    return {
        "small_children": small == 1,
        "schoolchildren": (small == 0) & ~is_adult,
        "adults": is_adult,
    }


def age_weights(examples: list[Example], chosen: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Weights under which small children are half of all, schoolchildren and adults a quarter.

    Their mean over the ``chosen`` films is one; others weigh nothing.
    """
    weights = np.zeros(len(examples))
    for name, group in age_groups(examples).items():
        weights[group & chosen] = SHARES[name] / max(int((group & chosen).sum()), 1)
    return weights * max(int((weights > 0).sum()), 1)


def small_child_figures(
    logits: npt.NDArray[np.float32], examples: list[Example]
) -> dict[str, float]:
    """Shares of small children, schoolchildren and adults taken for small children.

    Training films by heads that did not see the patient, and validation films by the final heads.
    """
    is_train = np.array([e.split == "train" for e in examples])
    figures: dict[str, float] = {}
    for split, mine in (("", is_train), ("_validation", ~is_train)):
        for name, group in age_groups(examples).items():
            taken = logits[group & mine] > 0
            figures[name + split] = round(float(taken.mean()), 4) if taken.size else 0.0
            figures[f"{name}{split}_n"] = int(taken.size)
    return figures
