"""ROUGE-L: what two texts share in order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

__all__ = ["lcs_length", "rouge_l"]


def lcs_length(first: Sequence[str], second: Sequence[str]) -> int:
    """Length of the longest common subsequence, one machine word operation a row.

    Bit-parallel (Hyyro 2004): each bit of a Python integer is a position of ``second``.
    """
    places: dict[str, int] = defaultdict(int)
    for position, token in enumerate(second):
        places[token] |= 1 << position
    whole = (1 << len(second)) - 1
    state = whole
    for token in first:
        hit = state & places.get(token, 0)
        state = ((state + hit) | (state - hit)) & whole
    return len(second) - state.bit_count()


def rouge_l(candidate: Sequence[str], reference: Sequence[str], *, beta: float = 1.0) -> float:
    """F of the longest common subsequence of one pair (Lin 2004); 0 when either is empty.

    ``beta`` 1 is rouge-score's, 1.2 that of the COCO caption evaluation.
    """
    if not candidate or not reference:
        return 0.0
    shared = lcs_length(candidate, reference)
    if not shared:
        return 0.0
    precision, recall = shared / len(candidate), shared / len(reference)
    return (1 + beta**2) * precision * recall / (recall + beta**2 * precision)
