"""Texts as numbers: every score of shared words counts on the same array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

from hilum.errors import require

__all__ = ["EncodedPairs", "encode_pairs"]

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class EncodedPairs:
    """All candidates, then all references, as one run of numbers.

    ``tokens`` are places in ``vocabulary``, ``lengths`` those of the texts ``(2 * pairs,)``.
    """

    tokens: Ints
    lengths: Ints
    vocabulary: tuple[str, ...]

    @property
    def pairs(self) -> int:
        """How many pairs of texts."""
        return len(self.lengths) // 2

    @property
    def owner(self) -> Ints:
        """The text of each token; references come after the candidates."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)


def encode_pairs(
    candidates: Sequence[Sequence[str]], references: Sequence[Sequence[str]]
) -> EncodedPairs:
    """Number the tokens (or characters) of candidates and their one reference each.

    Raises:
        InvalidValueError: Numbers differ, or there is no pair.
    """
    require(
        len(candidates) == len(references) > 0,
        f"{len(candidates)} candidates for {len(references)} references",
    )
    texts = [*candidates, *references]
    flat = list(chain.from_iterable(texts))
    number = {token: place for place, token in enumerate(dict.fromkeys(flat))}
    tokens = np.array(list(map(number.__getitem__, flat)), dtype=np.int64)
    lengths = np.array([len(text) for text in texts], dtype=np.int64)
    return EncodedPairs(tokens, lengths, tuple(number))
