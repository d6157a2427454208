"""Branching trees inside the lungs: pulmonary vessels and bronchi.

Segments grow from the hilum towards the pleura; at each fork the radii follow Murray's law
(the cube of the parent is the sum of the cubes), the larger child keeps the direction better.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hilum.synth.thorax.space import Array

__all__ = ["Tube", "grow_tree"]

Inside = Callable[[Array], bool]
MURRAY = 3.0
MOST = 110
"""Pieces of one main branch."""


@dataclass(frozen=True, slots=True, eq=False)
class Tube:
    """A tube along patient points ``(n, 3)`` with a radius in millimetres a point."""

    axis: Array
    radius: Array


def grow_tree(
    roots: Array,
    targets: Array,
    is_inside: Inside,
    rng: np.random.Generator,
    *,
    radius: float,
    least: float,
) -> list[Tube]:
    """Grow a branch from each of ``roots`` ``(n, 3)`` towards its target ``(n, 3)``.

    Args:
        roots: Patient points where the main branches begin.
        targets: Where they head.
        is_inside: Whether a patient point may hold a branch.
        rng: Of every turn.
        radius: Of a main branch at its start, millimetres.
        least: Below this radius nothing grows.
    """
    tubes: list[Tube] = []
    for root, target in zip(roots, targets, strict=True):
        way = target - root
        first = radius * float(rng.uniform(0.75, 1.1))
        branch: list[Tube] = []
        _grow(root, way / np.linalg.norm(way), first, is_inside, rng, (least, branch))
        tubes += branch
    return tubes


def _grow(
    start: Array,
    direction: Array,
    radius: float,
    is_inside: Inside,
    rng: np.random.Generator,
    state: tuple[float, list[Tube]],
) -> None:
    least, tubes = state
    if radius < least or len(tubes) >= MOST:
        return
    length = float(radius * rng.uniform(5.0, 9.0) + 4.0)
    bend = rng.normal(0.0, 0.12, 3).astype(np.float32)
    middle = (start + direction * length / 2).astype(np.float32)
    later = direction + bend
    later = (later / np.linalg.norm(later)).astype(np.float32)
    end = (middle + later * length / 2).astype(np.float32)
    if not is_inside(end):
        end = middle
        if not is_inside(end):
            return
    share = float(rng.uniform(0.5, 0.8))
    big, small = radius * share ** (1 / MURRAY), radius * (1 - share) ** (1 / MURRAY)
    axis = np.stack([start, end]).astype(np.float32)
    tubes.append(Tube(axis, np.array([radius, max(big, 0.9 * radius)], np.float32)))
    side = _cross(later, rng.normal(0.0, 1.0, 3))
    side = side / max(float(np.linalg.norm(side)), 1e-3)
    spread = float(rng.uniform(0.5, 0.9))
    for child, turn in ((big, -0.35 * spread * (1 - share)), (small, spread)):
        way = later + side * turn
        way = (way / np.linalg.norm(way)).astype(np.float32)
        _grow(end, way, child, is_inside, rng, state)


def _cross(first: Array, second: npt.NDArray[np.float64]) -> Array:
    """The cross product of two vectors; numpy's own takes ten times as long for a single pair."""
    (a, b, c), (d, e, f) = first.tolist(), second.tolist()
    return np.array([b * f - c * e, c * d - a * f, a * e - b * d], np.float32)
