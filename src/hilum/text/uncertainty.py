"""What to do with an uncertain label before it is used as a target.

The policies are those of CheXpert (Irvin et al. 2019, section 3): keep it as a value of its
own, count it as present (U-Ones), as absent (U-Zeros), leave it out (U-Ignore), or train on
the probability that the wording conveys.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, get_args

from hilum.errors import InvalidValueError

__all__ = ["LabelValue", "UncertainPolicy", "apply_policy", "check_policy", "to_number"]

UncertainPolicy = Literal["keep", "ones", "zeros", "ignore", "probability"]

_POLICIES = get_args(UncertainPolicy)


class LabelValue(StrEnum):
    """What a report says of a label."""

    PRESENT = "present"
    ABSENT = "absent"
    UNCERTAIN = "uncertain"
    NOT_MENTIONED = "not_mentioned"


# -1 is the code of an uncertain label in CheXpert's own tables.
_NUMBERS: dict[LabelValue, float | None] = {
    LabelValue.PRESENT: 1.0,
    LabelValue.ABSENT: 0.0,
    LabelValue.UNCERTAIN: -1.0,
    LabelValue.NOT_MENTIONED: None,
}
_REPLACEMENTS = {
    "ones": LabelValue.PRESENT,
    "zeros": LabelValue.ABSENT,
    "ignore": LabelValue.NOT_MENTIONED,
}


def check_policy(policy: str) -> None:
    """Raise ``InvalidValueError`` unless ``policy`` is one of ``UncertainPolicy``."""
    if policy not in _POLICIES:
        raise InvalidValueError(f"got uncertain={policy!r}; use one of {', '.join(_POLICIES)}")


def apply_policy(value: LabelValue, policy: UncertainPolicy) -> LabelValue:
    """The value under a policy; ``keep`` and ``probability`` leave it.

    >>> apply_policy(LabelValue.UNCERTAIN, "ones")
    <LabelValue.PRESENT: 'present'>
    """
    return _REPLACEMENTS.get(policy, value) if value is LabelValue.UNCERTAIN else value


def to_number(
    value: LabelValue, degree: float | None, policy: UncertainPolicy = "keep"
) -> float | None:
    """The value as a training target: 1 present, 0 absent, None where there is none.

    An uncertain one is -1 (CheXpert's code), or under ``probability`` its ``degree`` in
    [0, 1] (0.5 where the wording conveys none).
    """
    if value is LabelValue.UNCERTAIN and policy == "probability":
        return 0.5 if degree is None else degree
    return _NUMBERS[value]
