"""Smooth curves through knots in patient space."""

from __future__ import annotations

import numpy as np

from hilum.synth.thorax.space import Array

__all__ = ["smooth_curve"]


def smooth_curve(knots: Array, points: int) -> Array:
    """A curve ``(points, 3)`` through knots ``(n, 3)`` (Catmull and Rom 1974)."""
    padded = np.concatenate([[2 * knots[0] - knots[1]], knots, [2 * knots[-1] - knots[-2]]])
    out = []
    at = np.linspace(0, len(knots) - 1, points)
    for value in at:
        i = min(int(value), len(knots) - 2)
        t = value - i
        p0, p1, p2, p3 = padded[i : i + 4]
        out.append(
            0.5
            * (
                2 * p1
                + (p2 - p0) * t
                + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t * t
                + (3 * p1 - p0 - 3 * p2 + p3) * t**3
            )
        )
    return np.asarray(out, np.float32)
