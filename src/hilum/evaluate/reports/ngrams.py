"""BLEU, ROUGE-N, CIDEr and chrF: counts of shared n-grams.

N-grams of a whole corpus are numbered and counted at once (``count_ngrams``), which is many
times quicker than counting pair by pair. A report becomes one row of counts; scores of a corpus
are computed from the sums of rows, so that resampling a corpus only sums again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hilum.evaluate.reports.encoding import EncodedPairs, encode_pairs

__all__ = [
    "NgramCounts",
    "bleu",
    "bleu_counts",
    "chrf",
    "chrf_counts",
    "cider",
    "count_ngrams",
    "rouge_n",
]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
BLEU_ORDER = 4
MOST_KINDS = 2**62
CHRF_ORDER = 6


@dataclass(frozen=True, slots=True, eq=False)
class NgramCounts:
    """The n-grams of one order in all candidates and all references.

    Each entry is one n-gram of one text: ``pair`` the text's number, ``gram`` the n-gram's,
    ``count`` how often it stands there. ``shared`` holds the places of the entries that both
    texts of a pair have, ``(entries, 2)``: in the candidates' and in the references'.
    """

    pairs: int
    candidate: tuple[Ints, Ints, Ints]
    reference: tuple[Ints, Ints, Ints]
    shared: Ints

    def total(self, side: tuple[Ints, Ints, Ints]) -> Array:
        """N-grams of each text, ``(pairs,)``."""
        return _sums(side[0], side[2], self.pairs)

    def matches(self) -> Array:
        """Shared n-grams of each pair, each as often as the text that has it less often."""
        mine, theirs = self.shared.T
        least = np.minimum(self.candidate[2][mine], self.reference[2][theirs])
        return _sums(self.candidate[0][mine], least, self.pairs)


def _sums(pair: Ints, weights: npt.NDArray[np.generic], pairs: int) -> Array:
    return np.bincount(pair, weights=weights, minlength=pairs).astype(np.float64)


def count_ngrams(texts: EncodedPairs, *, orders: int) -> list[NgramCounts]:
    """Counts of the orders 1 to ``orders`` in pairs of texts."""
    vocabulary = len(texts.vocabulary)
    return list(_by_order(texts.tokens, texts.owner, texts.pairs, vocabulary, orders))


def _by_order(
    tokens: Ints, owner: Ints, pairs: int, vocabulary: int, orders: int
) -> Iterator[NgramCounts]:
    gram, kinds = tokens, max(vocabulary, 1)
    for order in range(1, orders + 1):
        if order > 1:
            if kinds > MOST_KINDS // (vocabulary * 2 * pairs):
                # too many to number by position in the vocabulary: number those that occur
                _, gram = np.unique(gram, return_inverse=True)
                kinds = int(gram.max(initial=0)) + 1
            gram, kinds = gram[:-1] * vocabulary + tokens[order - 1 :], kinds * vocabulary
        own = owner[: len(gram)]
        whole = own == owner[order - 1 :]  # the others run over the end of a text
        yield _counted(gram[whole], own[whole], pairs, kinds)


def _counted(gram: Ints, owner: Ints, pairs: int, kinds: int) -> NgramCounts:
    keys, count = np.unique(owner * kinds + gram, return_counts=True)
    text, number = np.divmod(keys, kinds)
    first = int(np.searchsorted(text, pairs))
    mine = (text[:first], number[:first], count[:first])
    theirs = (text[first:] - pairs, number[first:], count[first:])
    wanted = keys[first:] - pairs * kinds
    there = np.searchsorted(wanted, keys[:first])
    is_shared = there < len(wanted)
    is_shared[is_shared] = wanted[there[is_shared]] == keys[:first][is_shared]
    here = np.flatnonzero(is_shared)
    return NgramCounts(pairs, mine, theirs, np.stack([here, there[here]], axis=1))


def bleu_counts(counted: Sequence[NgramCounts]) -> Array:
    """Ten counts of each pair: matches of orders 1 to 4, candidates' n-grams, both lengths."""
    matches = [order.matches() for order in counted[:BLEU_ORDER]]
    totals = [order.total(order.candidate) for order in counted[:BLEU_ORDER]]
    reference = counted[0].total(counted[0].reference)
    return np.stack([*matches, *totals, totals[0], reference], axis=1)


def bleu(counts: Array, *, order: float = 4) -> float:
    """BLEU of a corpus from the rows of ``bleu_counts``, one reference a candidate.

    Geometric mean of the precisions up to ``order`` with the brevity penalty, no smoothing
    (Papineni 2002); 0 when an order has no match.

    Args:
        counts: ``(units, 10)``.
        order: 1 to 4.
    """
    total, top = counts.sum(axis=0), int(order)
    matches, possible = total[:top], total[4 : 4 + top]
    if not matches.all() or not possible.all():
        return 0.0
    mean = float(np.log(matches / possible).mean())
    penalty = min(0.0, 1.0 - float(total[9] / total[8]))
    return math.exp(mean + penalty)


def rouge_n(counted: NgramCounts) -> Array:
    """F1 of shared n-grams of each pair (Lin 2004), ``(pairs,)``; 0 when either has none."""
    whole = counted.total(counted.candidate) + counted.total(counted.reference)
    return 2.0 * counted.matches() / np.maximum(whole, 1.0)


def cider(counted: Sequence[NgramCounts], *, is_d: bool = True, sigma: float = 6.0) -> Array:
    """CIDEr-D, or plain CIDEr, of each pair, times ten, ``(pairs,)``.

    Vedantam, Zitnick and Parikh 2015. N-grams are weighted by how rare they are among these
    references, so a value belongs to its corpus and to no other.

    Args:
        counted: Orders 1 to 4.
        is_d: CIDEr-D clips counts and lowers the score by the difference of lengths, which
            the reference implementation counts in bigrams; so does this.
        sigma: Of the length penalty.
    """
    total = np.zeros(counted[0].pairs)
    for order in counted:
        mine, theirs = _weigh(order)
        norms = _norms(order, mine, theirs)
        here, there = mine[order.shared[:, 0]], theirs[order.shared[:, 1]]
        product = (np.minimum(here, there) if is_d else here) * there
        pair = order.candidate[0][order.shared[:, 0]]
        overlap = _sums(pair, product, order.pairs)
        total += np.divide(overlap, norms, out=np.zeros_like(overlap), where=norms > 0)
    if is_d:
        bigrams = counted[1]
        away = bigrams.total(bigrams.candidate) - bigrams.total(bigrams.reference)
        total *= np.exp(-(away**2) / (2 * sigma**2))
    return 10.0 * total / len(counted)


def _weigh(order: NgramCounts) -> tuple[Array, Array]:
    """Counts of both sides by how rare their n-grams are among the references' texts."""
    known, place, frequency = np.unique(order.reference[1], return_inverse=True, return_counts=True)
    everyone = math.log(order.pairs)
    rarity = everyone - np.log(frequency)
    found = np.searchsorted(known, order.candidate[1])
    is_known = found < len(known)
    is_known[is_known] = known[found[is_known]] == order.candidate[1][is_known]
    weights = np.full(len(found), everyone)
    weights[is_known] = rarity[found[is_known]]
    return order.candidate[2] * weights, order.reference[2] * rarity[place]


def _norms(order: NgramCounts, mine: Array, theirs: Array) -> Array:
    """Product of the lengths of both weighted vectors of each pair."""
    first = _sums(order.candidate[0], mine**2, order.pairs)
    second = _sums(order.reference[0], theirs**2, order.pairs)
    product: Array = np.sqrt(first * second)
    return product


def chrf_counts(candidates: Sequence[str], references: Sequence[str]) -> Array:
    """Eighteen counts of each pair: own, reference's and shared n-grams of orders 1 to 6.

    Of characters, white space left out, case kept.
    """
    own, other = (["".join(text.split()) for text in side] for side in (candidates, references))
    columns: list[Array] = []
    for order in count_ngrams(encode_pairs(own, other), orders=CHRF_ORDER):
        wanted = order.total(order.reference)
        columns += [order.total(order.candidate) * (wanted > 0), wanted, order.matches()]
    return np.stack(columns, axis=1)


def chrf(counts: Array, *, beta: float = 2.0) -> float:
    """chrF of a corpus in [0, 1] from the rows of ``chrf_counts`` (Popovic 2015).

    Precision and recall are averaged over the orders that occur, as sacrebleu does.
    """
    found, wanted, shared = counts.sum(axis=0).reshape(CHRF_ORDER, 3).T
    kept = (found > 0) & (wanted > 0)
    if not kept.any():
        return 0.0
    precision = float((shared[kept] / found[kept]).mean())
    recall = float((shared[kept] / wanted[kept]).mean())
    whole = beta**2 * precision + recall
    return (1 + beta**2) * precision * recall / whole if whole else 0.0
