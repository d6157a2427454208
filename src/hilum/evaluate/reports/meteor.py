"""METEOR by equal words and equal stems, for a whole corpus at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hilum.evaluate.reports.encoding import EncodedPairs
from hilum.evaluate.reports.stemming import stem

__all__ = ["meteor"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class _Words:
    """Words of one side: the pair each belongs to, its place in the text, its number."""

    pair: Ints
    place: Ints
    word: Ints

    def take(self, rows: npt.NDArray[np.bool_]) -> _Words:
        return _Words(self.pair[rows], self.place[rows], self.word[rows])


def meteor(
    texts: EncodedPairs, *, alpha: float = 0.9, beta: float = 3.0, gamma: float = 0.5
) -> Array:
    """METEOR of each pair without synonyms, ``(pairs,)``.

    Banerjee and Lavie 2005 with the weights of Lavie and Agarwal 2007: the weighted harmonic
    mean of precision and recall, lowered by how broken the alignment is. Equal words are
    aligned from the end, the last with the last; then equal stems of what is left.

    Args:
        texts: Candidates and references.
        alpha: Weight of recall against precision.
        beta: Power of the fragmentation.
        gamma: Its most.
    """
    count, owner = texts.pairs, texts.owner
    starts = np.repeat(np.cumsum(texts.lengths) - texts.lengths, texts.lengths)
    everyone = _Words(owner % count, np.arange(len(owner)) - starts, texts.tokens)
    mine, theirs = everyone.take(owner < count), everyone.take(owner >= count)
    first = _align(mine, theirs)
    left, rest = mine.take(~first[0]), theirs.take(~first[1])
    stems: dict[str, int] = {}
    of_word = np.array([stems.setdefault(stem(w), len(stems)) for w in texts.vocabulary] or [0])
    second = _align(
        _Words(left.pair, left.place, of_word[left.word]),
        _Words(rest.pair, rest.place, of_word[rest.word]),
    )
    matches = np.concatenate([first[2], second[2]])  # pair, place in candidate, in reference
    matches = matches[np.lexsort((matches[:, 1], matches[:, 0]))]
    matched = np.bincount(matches[:, 0], minlength=count).astype(np.float64)
    is_joined = (np.diff(matches, axis=0) == [0, 1, 1]).all(axis=1)
    joined = np.bincount(matches[1:, 0][is_joined], minlength=count)
    precision, recall = matched / np.maximum(texts.lengths.reshape(2, count), 1.0)
    whole = alpha * precision + (1 - alpha) * recall
    mean = np.divide(precision * recall, whole, out=np.zeros(count), where=whole > 0)
    broken = (matched - joined) / np.maximum(matched, 1.0)
    score: Array = mean * (1 - gamma * broken**beta)
    return score


def _align(
    mine: _Words, theirs: _Words
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], Ints]:
    """Which words of both sides are matched, and the matches ``(matches, 3)``.

    The n-th last of a word in one text goes with its n-th last in the other.
    """
    kinds = 1 + max(int(side.word.max(initial=0)) for side in (mine, theirs))
    most = 1 + max(len(mine.pair), len(theirs.pair))
    own, other = (_from_the_end(s.pair * kinds + s.word, most) for s in (mine, theirs))
    _, here, there = np.intersect1d(own, other, assume_unique=True, return_indices=True)
    used = np.zeros(len(mine.pair), dtype=bool), np.zeros(len(theirs.pair), dtype=bool)
    used[0][here], used[1][there] = True, True
    return *used, np.stack([mine.pair[here], mine.place[here], theirs.place[there]], axis=1)


def _from_the_end(key: Ints, most: int) -> Ints:
    """Each key with how many equal ones follow it, as one number."""
    order = np.argsort(key, kind="stable")
    ranked = key[order]
    is_last = np.append(ranked[1:] != ranked[:-1], True)[: len(ranked)]
    ends = np.flatnonzero(is_last)
    after = ends[np.searchsorted(ends, np.arange(len(ranked)))] - np.arange(len(ranked))
    following = np.empty(len(key), dtype=np.int64)
    following[order] = after
    return key * most + following
