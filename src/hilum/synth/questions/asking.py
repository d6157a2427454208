"""Ask about a phantom: choose among all questions that have one true answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hilum.errors import require
from hilum.synth.questions.findings import finding_questions
from hilum.synth.questions.geometry import change_questions, device_questions, geometry_questions
from hilum.synth.questions.tables import Group
from hilum.synth.questions.types import PhantomQuestion
from hilum.synth.types import PhantomImage

__all__ = ["ask"]


def ask(
    image: PhantomImage,
    *,
    rng: np.random.Generator,
    count: int = 8,
    prior: PhantomImage | None = None,
) -> tuple[PhantomQuestion, ...]:
    """Questions about a film with their true answers, of as many types as there are.

    Closed questions come with their twin of the opposite answer, so yes and no are equally
    frequent in every film. What is barely visible is neither asked for nor denied. A plain
    film of few findings may have fewer than ``count`` questions.

    Args:
        image: The phantom.
        rng: Chooses; the same state gives the same questions.
        count: At most so many.
        prior: An earlier film of the same patient; without it nothing is asked about change.

    Returns:
        Questions with ids ``q0``, ``q1`` and so on; ``pair`` is the id of the twin.

    Raises:
        InvalidValueError: If ``count`` is negative.
    """
    require(count >= 0, f"count is at least 0, got {count}")
    groups = [*finding_questions(image, rng), *geometry_questions(image, rng)]
    groups += [*device_questions(image, rng)]
    if prior is not None:
        groups += [*change_questions(image, prior, rng)]
    return _numbered(_chosen(_by_turns(groups, rng), count), rng)


def _chosen(groups: list[Group], count: int) -> list[Group]:
    """The first groups that fit; where one place stays empty, a pair instead of a single one."""
    chosen, left, seen = list[Group](), list[Group](), set[str]()
    for group in groups:
        if any(question.question in seen for question in group):
            continue
        if sum(map(len, chosen)) + len(group) <= count:
            chosen.append(group)
            seen |= {question.question for question in group}
        else:
            left.append(group)
    singles = [group for group in chosen if len(group) == 1]
    pairs = [g for g in left if len(g) == 2 and not any(q.question in seen for q in g)]
    if sum(map(len, chosen)) == count - 1 and singles and pairs:
        chosen[chosen.index(singles[-1])] = pairs[0]
    return chosen


def _by_turns(groups: list[Group], rng: np.random.Generator) -> list[Group]:
    """Groups in random order, one of each type and form after the other."""
    piles = dict[tuple[str, str], list[Group]]()
    for index in rng.permutation(len(groups)):
        group = groups[int(index)]
        piles.setdefault((group[0].type, group[0].form), []).append(group)
    turns = list[Group]()
    while piles:
        for key in list(piles):
            turns.append(piles[key].pop())
            if not piles[key]:
                del piles[key]
    return turns


def _numbered(groups: list[Group], rng: np.random.Generator) -> tuple[PhantomQuestion, ...]:
    questions = list[PhantomQuestion]()
    for group in groups:
        order = [group[int(i)] for i in rng.permutation(len(group))]
        first = len(questions)
        for offset, question in enumerate(order):
            pair = f"q{first + 1 - offset}" if len(order) == 2 else ""
            questions.append(replace(question, id=f"q{first + offset}", pair=pair))
    return tuple(questions)
