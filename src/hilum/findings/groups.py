"""Adult or small child: whose heads judge a radiograph, and how sure that is.

Where the age is not told, both groups judge and their probabilities are weighted by that of
the group (the law of total probability), so that a schoolchild taken for a small one is not
judged by the wrong heads alone.
"""

from __future__ import annotations

from hilum.findings.second_opinion import SecondOpinion
from hilum.types import Quality

__all__ = ["ADULT", "CHILD", "group_shares"]

ADULT, CHILD = "adult", "child"
CHILD_BELOW_YEARS = 6.0
"""The children's heads were learned from children of one to five years, the others from patients
of four to 85."""
CHILD_FROM = 0.95
"""The gate's ``prob_child`` from which a child is a small one, where no context says more."""
NEGLIGIBLE = 0.02
"""A group that is less probable is left out."""


def group_shares(
    quality: Quality, age_years: float | None, whole: SecondOpinion | None
) -> dict[str, float]:
    """Probability of each group, those that are negligible left out.

    Args:
        quality: The gate's verdict; ``prob_child`` says whether the patient is under 18.
        age_years: The patient's age where it is known; decides alone.
        whole: Its ``small_child`` says whether it is a child of one to five years.

    Returns:
        ``adult`` and ``child`` to probabilities that sum to one, the likelier first.
    """
    if age_years is not None:
        child = float(age_years < CHILD_BELOW_YEARS)
    else:
        child = quality.scores.get("prob_child", 0.0)
        if whole is not None and whole.small_child is not None:
            # the gate was not learned from acquisition alone: it must agree
            child *= whole.small_child
        else:
            child = float(child >= CHILD_FROM)
    if child < NEGLIGIBLE:
        return {ADULT: 1.0}
    if child > 1.0 - NEGLIGIBLE:
        return {CHILD: 1.0}
    shares = {ADULT: 1.0 - child, CHILD: child}
    return dict(sorted(shares.items(), key=lambda item: -item[1]))
