"""From a network's logits to calibrated probabilities, intervals and statuses.

Calibration is Platt's (2000): ``sigmoid(slope * logit + offset)``, fitted on predictions for
patients that the network never saw. Its interval comes from stored bootstrap draws of slope
and offset, widened by how far networks of one recipe disagree.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from hilum.errors import ModelIntegrityError
from hilum.types import Status

__all__ = ["LabelCalibration", "calibrations_of", "conditional_logit", "sigmoid", "status_of"]

_MAX_LOGIT = 30.0
_NO_DRAWS = np.zeros((0, 3))


def sigmoid(logit: float) -> float:
    """The logistic function, clipped to where float64 keeps it apart from 0 and 1."""
    return 1.0 / (1.0 + math.exp(-max(-_MAX_LOGIT, min(_MAX_LOGIT, logit))))


def conditional_logit(parent: float, child: float) -> float:
    """Logit of ``sigmoid(parent) * sigmoid(child)``: a finding among the abnormal."""
    prob = sigmoid(parent) * sigmoid(child)
    return math.log(prob / (1.0 - prob))


@dataclass(frozen=True, slots=True, eq=False)
class LabelCalibration:
    """Calibration of one label.

    ``draws`` ``(n, 3)`` are bootstrap draws of slope, offset and a normal deviate.
    ``operating_point`` and ``rule_out`` are probabilities: at or above the first the finding is
    present, below the second absent, between them uncertain. ``spread`` is the standard deviation
    of the logit between networks trained alike on other patients.
    """

    slope: float
    offset: float
    operating_point: float
    rule_out: float
    draws: npt.NDArray[np.float64] = field(default_factory=lambda: _NO_DRAWS)
    spread: float = 0.0

    def probability(self, logit: float) -> float:
        """Calibrated probability of a logit."""
        return sigmoid(self.slope * logit + self.offset)

    def interval(self, logit: float, disagreement: float = 0.0) -> tuple[float, float] | None:
        """95 % interval; ``disagreement`` is the standard deviation of this film's members."""
        if not len(self.draws):
            return None
        spread = math.hypot(self.spread, disagreement)
        slope, offset, deviate = self.draws.T
        z = np.sort(slope * (logit + spread * deviate) + offset)
        # the logistic function keeps order, so quantiles may be taken before it
        low, high = np.interp(np.array([0.025, 0.975]) * (len(z) - 1), np.arange(len(z)), z)
        prob = self.probability(logit)
        return min(sigmoid(low), prob), max(sigmoid(high), prob)


def status_of(prob: float, *, operating_point: float, rule_out: float) -> Status:
    """Present, uncertain or absent."""
    if prob >= operating_point:
        return Status.PRESENT
    return Status.ABSENT if prob < rule_out else Status.UNCERTAIN


def calibrations_of(table: Mapping[str, Any]) -> dict[str, LabelCalibration]:
    """Read the calibrations of a manifest: label to its numbers.

    Raises:
        ModelIntegrityError: The table lacks a number or holds something else.
    """
    try:
        return {
            label: LabelCalibration(
                slope=float(entry["slope"]),
                offset=float(entry["offset"]),
                operating_point=float(entry["operating_point"]),
                rule_out=float(entry["rule_out"]),
                draws=np.asarray(entry.get("draws") or _NO_DRAWS, np.float64).reshape(-1, 3),
                spread=float(entry.get("spread", 0.0)),
            )
            for label, entry in table.items()
        }
    except (KeyError, TypeError, ValueError) as error:
        raise ModelIntegrityError(
            f"the manifest's calibration is incomplete or malformed ({error!r}); "
            "install or add the model again"
        ) from error
