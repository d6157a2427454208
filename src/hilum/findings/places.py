"""Places of the chest as weights on the grid of the context network's evidence maps.

``hilum-context`` gives, for each head and each place, a map of evidence. The mean of a
map over its place is that place's part of the head's logit, so the sum of all parts is exact:
what a region shows is what the score was made of. Places are the thirds of the lungs, their
bases with the costophrenic recess, and the heart; both sides count alike.
"""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np

from hilum.types import Anatomy, FloatImage, Orientation

__all__ = [
    "GRID",
    "PLACES",
    "evidence_heat",
    "evidence_logits",
    "place_weights",
    "side_weights",
]

PLACES = ("upper", "middle", "lower", "base", "heart")
GRID = 36
"""Rows and columns of the evidence maps: 288 pixels at stride 8."""
FINE = 4 * GRID
"""Side of the grid on which the places are cut, before they are averaged to ``GRID``."""
BASE_ABOVE, BASE_BELOW = 0.22, 0.08
"""The base reaches from above to below the lowest row, as shares of the lung's height."""
LEAST_CELLS = 0.5
"""Cells of the coarse grid from which a side of a place is there."""
WIDEN = 11
"""Fine cells by which a lung is widened to hold the pleura, in its base."""


def side_weights(anatomy: Anatomy, orientation: Orientation) -> FloatImage:
    """Weights of the places by side; both sides of a place together sum to one.

    A place that a side lacks is taken from the other side; one that both lack is spread over the
    whole film, so that a missing mask says nothing of its own. The heart counts half to each.

    Args:
        anatomy: Its masks are in source pixels; implausible ones are taken as they are.
        orientation: How the upright image came from the source.

    Returns:
        float32 ``(2, places, 36, 36)`` over the whole upright image, the patient's right first.
    """
    lungs = [_small(anatomy, name, orientation) for name in ("right_lung", "left_lung")]
    heart = _small(anatomy, "cardiomediastinum", orientation)
    sides = [_cut(lung) for lung in lungs]
    visible = np.asarray(heart * (1.0 - 0.5 * np.maximum(lungs[0], lungs[1])), np.float32)
    places = [*zip(*sides, strict=True), (visible, visible)]
    return np.stack([_balanced(*pair) for pair in places], 1)


def place_weights(anatomy: Anatomy, orientation: Orientation) -> FloatImage:
    """Both sides of ``side_weights`` together, ``(places, 36, 36)``; each place sums to one."""
    return np.asarray(side_weights(anatomy, orientation).sum(0), np.float32)


def _small(anatomy: Anatomy, name: str, orientation: Orientation) -> FloatImage:
    """A structure on the fine grid, float32 in [0, 1]; zeros where it was not outlined."""
    structure = anatomy.structures.get(name)
    if structure is None:
        return np.zeros((FINE, FINE), np.float32)
    mask = np.ascontiguousarray(structure.mask).view(np.uint8)
    # shrunk before it is turned: turning a full-size mask costs more
    rows, columns = mask.shape
    step = max(1, min(rows, columns) // (2 * FINE))
    thinned = np.ascontiguousarray(orientation.apply(mask[::step, ::step]))
    small = cv2.resize(thinned * np.uint8(255), (FINE, FINE), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32) / np.float32(255)


def _cut(lung: FloatImage) -> list[FloatImage]:
    """Upper, middle and lower third of a lung's height, and its base."""
    rows = np.flatnonzero((lung > 0.5).any(1))
    if rows.size == 0:
        return [np.zeros_like(lung)] * (len(PLACES) - 1)
    top, end = int(rows[0]), int(rows[-1]) + 1
    at = np.arange(FINE)[:, None]
    edges = np.linspace(top, end, 4)
    parts = [lung * ((at >= a) & (at < b)) for a, b in pairwise(edges)]
    height = end - top
    is_base = (at >= end - BASE_ABOVE * height) & (at < end + BASE_BELOW * height)
    wide = cv2.dilate(lung, np.ones((WIDEN, WIDEN), np.uint8))
    return [*parts, np.asarray(wide * is_base, np.float32)]


def _balanced(right: FloatImage, left: FloatImage) -> FloatImage:
    """Weights ``(2, 36, 36)`` of one place, half for each side; uniform where both are empty."""
    small = [s.reshape(GRID, FINE // GRID, GRID, FINE // GRID).mean((1, 3)) for s in (right, left)]
    totals = np.array([float(s.sum()) for s in small])
    is_there = totals > LEAST_CELLS
    if not is_there.any():
        return np.full((2, GRID, GRID), 0.5 / GRID**2, np.float32)
    shares = np.where(is_there, 1.0 / np.maximum(totals, LEAST_CELLS), 0.0) / is_there.sum()
    return np.asarray(np.stack(small) * shares[:, None, None], np.float32)


def evidence_logits(evidence: FloatImage, weights: FloatImage) -> FloatImage:
    """Part of each head's logit that the places give, ``(heads,)``.

    Args:
        evidence: Maps ``(heads, places, 36, 36)``.
        weights: As ``place_weights`` gives them.
    """
    heads, places = evidence.shape[:2]
    flat = evidence.reshape(heads, places * GRID * GRID)
    return np.asarray(flat @ weights.ravel(), np.float32)


def evidence_heat(maps: FloatImage, weights: FloatImage, usual: FloatImage) -> FloatImage:
    """What each cell adds to a head's logit beyond what a normal film would, ``(36, 36)``.

    Args:
        maps: Evidence of one head, ``(places, 36, 36)``.
        weights: As ``side_weights`` gives them, of the same places.
        usual: Mean evidence of normal films by side and place, ``(2, places)``; the left base is
            brighter than the right one in health, for the heart.
    """
    return np.asarray(((maps[None] - usual[..., None, None]) * weights).sum((0, 1)), np.float32)
