"""The table of the questions' wordings, and how a question is put together."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any

import numpy as np

from hilum.synth.evidence import Evidence
from hilum.synth.questions.types import PhantomQuestion

__all__ = ["Group", "choose", "multiple", "open_question", "question_table", "twins"]

Group = tuple[PhantomQuestion, ...]
"""One question, or a closed one and its twin; their ids are given when they are asked."""


@cache
def question_table() -> dict[str, Any]:
    """The table ``questions.toml``."""
    text = resources.files(__package__).joinpath("questions.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def twins(
    kind: str,
    yes: str,
    no: str,
    *,
    evidence: Sequence[Evidence] = (),
    no_evidence: Sequence[Evidence] | None = None,
) -> Group:
    """A closed question whose answer is yes, and its twin whose answer is no."""
    other = tuple(evidence if no_evidence is None else no_evidence)
    return (
        PhantomQuestion("", yes, "yes", kind, "closed", evidence=tuple(evidence)),
        PhantomQuestion("", no, "no", kind, "closed", evidence=other),
    )


def open_question(kind: str, text: str, answer: str, evidence: Sequence[Evidence] = ()) -> Group:
    """A question answered in words."""
    return (PhantomQuestion("", text, answer, kind, "open", evidence=tuple(evidence)),)


def choose(
    kind: str,
    text: str,
    right: str,
    wrong: Sequence[str],
    *,
    evidence: Sequence[Evidence] = (),
    rng: np.random.Generator | None = None,
) -> Group:
    """A question with one right option; without a generator the options keep their order."""
    options = [right, *wrong] if rng is not None else list(wrong)
    if rng is not None:
        options = [options[i] for i in rng.permutation(len(options))]
    at = options.index(right)
    return (
        PhantomQuestion(
            "", text, right, kind, "single_choice", tuple(options), (at,), tuple(evidence)
        ),
    )


def multiple(
    kind: str,
    text: str,
    right: Sequence[str],
    wrong: Sequence[str],
    rng: np.random.Generator,
    *,
    evidence: Sequence[Evidence] = (),
) -> Group:
    """A question with several right options, in random order."""
    options = [*right, *wrong]
    options = [options[i] for i in rng.permutation(len(options))]
    at = tuple(i for i, option in enumerate(options) if option in right)
    answer = ", ".join(options[i] for i in at)
    return (
        PhantomQuestion(
            "", text, answer, kind, "multiple_choice", tuple(options), at, tuple(evidence)
        ),
    )
