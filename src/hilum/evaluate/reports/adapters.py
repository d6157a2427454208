"""Other people's clinical scorers, where their packages and weights are at hand locally.

Nothing is downloaded: each adapter takes the path of the weights and refuses without it. A
value that comes from the original carries the original's name, as variant ``original``.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from hilum.errors import InvalidValueError, MissingExtraError, MissingModelError

__all__ = [
    "ADAPTERS",
    "chexbert_f1",
    "green_score",
    "radgraph_f1",
    "ratescore",
    "score_elsewhere",
]

Columns = Mapping[str, npt.NDArray[np.float64]]


class Adapter(Protocol):
    """Candidates and references, one each, and the place of the weights; columns by argument."""

    def __call__(
        self, candidates: Sequence[str], references: Sequence[str], *, weights: Path
    ) -> Columns:
        """Arguments of the record's metric, ``(pairs,)`` or ``(pairs, labels)``."""


def _load(module: str, package: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"this score needs {package}; install it with: pip install {package}"
        ) from error


def _require_weights(weights: Path, of: str) -> Path:
    if not weights.exists():
        raise MissingModelError(
            f"no weights of {of} at {weights.name}; nothing is downloaded, so name a local copy"
        )
    return weights


def radgraph_f1(candidates: Sequence[str], references: Sequence[str], *, weights: Path) -> Columns:
    """RadGraph F1 (partial) of each pair by the package ``radgraph``; ``weights`` is its folder."""
    folder = _require_weights(weights, "RadGraph")
    package = _load("radgraph", "radgraph")
    scorer = package.F1RadGraph(
        reward_level="partial", model_type="radgraph", model_cache_dir=str(folder)
    )
    _, rewards, _, _ = scorer(hyps=list(candidates), refs=list(references))
    return {"value": np.array(rewards, dtype=np.float64)}


def chexbert_f1(candidates: Sequence[str], references: Sequence[str], *, weights: Path) -> Columns:
    """CheXbert's labels of both sides by the package ``f1chexbert``: rows of 14 zeros and ones."""
    folder = _require_weights(weights, "CheXbert")
    package = _load("f1chexbert", "f1chexbert")
    scorer = package.F1CheXbert(custom_model_path=str(folder))
    return {
        "found": np.array([list(scorer.get_label(text)) for text in candidates], dtype=float),
        "truth": np.array([list(scorer.get_label(text)) for text in references], dtype=float),
    }


def ratescore(candidates: Sequence[str], references: Sequence[str], *, weights: Path) -> Columns:
    """RaTEScore of each pair by the package ``RaTEScore``; ``weights`` holds both its models."""
    folder = _require_weights(weights, "RaTEScore")
    package = _load("RaTEScore", "RaTEScore")
    scorer = package.RaTEScore(
        bert_model=str(folder / "RaTE-NER-Deberta"), eval_model=str(folder / "BioLORD-2023-C")
    )
    values = scorer.compute_score(list(candidates), list(references))
    return {"value": np.array(values, dtype=np.float64)}


def green_score(candidates: Sequence[str], references: Sequence[str], *, weights: Path) -> Columns:
    """GREEN of each pair by the package ``green_score``; ``weights`` is the model's folder."""
    folder = _require_weights(weights, "GREEN")
    package = _load("green_score", "green-score")
    scorer = package.GREEN(str(folder), output_dir=".")
    _, _, values, _, _ = scorer(list(references), list(candidates))
    return {"value": np.array(values, dtype=np.float64)}


ADAPTERS: Mapping[str, tuple[str, Adapter]] = {
    "chexbert": ("chexbert_label_f1/original_micro", chexbert_f1),
    "green": ("green/original", green_score),
    "radgraph": ("radgraph_f1/original_partial", radgraph_f1),
    "ratescore": ("ratescore/original", ratescore),
}
"""Record id and adapter, by the name that ``hilum evaluate reports --with NAME=PATH`` takes."""


def score_elsewhere(
    name: str, candidates: Sequence[str], references: Sequence[str], *, weights: Path
) -> tuple[str, Columns]:
    """The record id and the columns of another scorer.

    Raises:
        InvalidValueError: No adapter has the name.
        MissingModelError: Nothing lies at ``weights``.
        MissingExtraError: Its package is not installed.
    """
    if name not in ADAPTERS:
        raise InvalidValueError(f"no adapter {name!r}; one of {', '.join(sorted(ADAPTERS))}")
    id_, adapter = ADAPTERS[name]
    return id_, adapter(candidates, references, weights=weights)
