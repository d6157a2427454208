"""BERTScore with an encoder of the user's: greedy matching of token embeddings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from hilum.errors import require

__all__ = ["Encoder", "bert_score", "inverse_document_frequency"]

Array = npt.NDArray[np.float64]
Encoder = Callable[[str], tuple[Sequence[str], Array]]
"""Text to its tokens and their embeddings ``(tokens, dimensions)``."""


def inverse_document_frequency(references: Sequence[Sequence[str]]) -> Mapping[str, float]:
    """Weight of each token, log((N + 1) / (df + 1)) over references (Zhang 2020)."""
    counts: dict[str, int] = {}
    for tokens in references:
        for token in set(tokens):
            counts[token] = counts.get(token, 0) + 1
    size = len(references) + 1
    return {token: float(np.log(size / (count + 1))) for token, count in counts.items()}


def bert_score(
    candidate: str,
    reference: str,
    encoder: Encoder,
    *,
    weights: Mapping[str, float] | None = None,
    unseen: float = 1.0,
) -> tuple[float, float, float]:
    """Precision, recall and F1 of one pair (Zhang 2020), not rescaled by a baseline.

    Each token takes the most similar token of the other text by cosine; ``weights`` (such as
    ``inverse_document_frequency``) weigh tokens, ``unseen`` those without a weight.

    Returns:
        Three values in [-1, 1]; zeros when either text has no token.
    """
    (own, first), (other, second) = encoder(candidate), encoder(reference)
    require(
        len(own) == len(first) and len(other) == len(second),
        "an encoder gives one embedding a token",
    )
    if not len(own) or not len(other):
        return 0.0, 0.0, 0.0
    similarity = _unit(first) @ _unit(second).T  # (candidate, reference)
    precision = np.average(similarity.max(axis=1), weights=_weigh(own, weights, unseen))
    recall = np.average(similarity.max(axis=0), weights=_weigh(other, weights, unseen))
    total = float(precision + recall)
    f1 = 2 * float(precision) * float(recall) / total if total > 0 else 0.0
    return float(precision), float(recall), f1


def _unit(vectors: Array) -> Array:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-12))


def _weigh(tokens: Sequence[str], weights: Mapping[str, float] | None, unseen: float) -> Array:
    if weights is None:
        return np.ones(len(tokens))
    values = np.array([weights.get(token, unseen) for token in tokens])
    return values if values.sum() > 0 else np.ones(len(tokens))
