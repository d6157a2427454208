"""When an answer is right, by the form of its question."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from hilum.errors import InvalidValueError

__all__ = ["FORMS", "normalise_answer", "read_choices", "score_answer", "token_f1"]

FORMS = ("closed", "open", "single_choice", "multiple_choice")

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_GAPS = re.compile(r"[^\w.%/+-]+|(?<!\d)\.|\.(?!\d)")
_LETTER = re.compile(r"^\(?([A-Za-z])\)?(?:[.:)]\s*(.*)|\s*)$", re.DOTALL)
_YES = frozenset({"yes", "true", "present", "y"})
_NO = frozenset({"no", "false", "absent", "n", "none"})


def normalise_answer(text: str) -> str:
    """Lower case, without articles, punctuation and spare white space; decimals stay.

    >>> normalise_answer("The  Right lung, 2.5 cm.")
    'right lung 2.5 cm'
    """
    return " ".join(_GAPS.sub(" ", _ARTICLES.sub(" ", text.lower())).split())


def token_f1(answer: str, truth: str) -> float:
    """F1 of the words of both (Rajpurkar 2016, SQuAD), 1.0 when both are empty."""
    mine, theirs = normalise_answer(answer).split(), normalise_answer(truth).split()
    if not mine or not theirs:
        return float(mine == theirs)
    shared = (Counter(mine) & Counter(theirs)).total()
    return 2 * shared / (len(mine) + len(theirs))


def _as_verdict(text: str) -> bool | None:
    """Yes or no by the first word of an answer, None when it is neither."""
    first = normalise_answer(text).partition(" ")[0]
    return True if first in _YES else False if first in _NO else None


def read_choices(answer: str, options: Sequence[str]) -> frozenset[int] | None:
    """Which options an answer names, by letter (``B``, ``(b)``, ``A, C``) or by their words.

    None when any part of it names no option.
    """
    whole = normalise_answer(answer)
    plain = [normalise_answer(option) for option in options]
    if whole in plain:
        return frozenset({plain.index(whole)})
    chosen = set()
    for part in re.split(r"[;,|]|\band\b", answer):
        if not part.strip():
            continue
        index = _option_of(part.strip(), plain)
        if index is None:
            return None
        chosen.add(index)
    return frozenset(chosen) if chosen else None


def _option_of(part: str, options: Sequence[str]) -> int | None:
    text = normalise_answer(part)
    if text in options:
        return options.index(text)
    found = _LETTER.match(part)
    if found is None:
        return None
    index = ord(found[1].lower()) - ord("a")
    rest = normalise_answer(found[2] or "")
    if index >= len(options) or (rest and rest != options[index]):
        return None
    return index


def score_answer(answer: str, truth: str, *, form: str, options: Sequence[str] = ()) -> float:
    """1.0 for a right answer, 0.0 for a wrong or unreadable one.

    ``closed``: yes or no. ``single_choice`` and ``multiple_choice``: exactly the options of
    the truth. ``open``: equal after ``normalise_answer``; use ``token_f1`` for shares.

    Raises:
        InvalidValueError: The form is unknown, or the truth does not fit it.
    """
    if form not in FORMS:
        raise InvalidValueError(f"unknown form {form!r}; one of {', '.join(FORMS)}")
    if form == "open":
        return float(normalise_answer(answer) == normalise_answer(truth))
    if form == "closed":
        wanted = _as_verdict(truth)
        if wanted is None:
            raise InvalidValueError("the truth of a closed question is yes or no")
        return float(_as_verdict(answer) is wanted)
    right = read_choices(truth, options)
    if right is None:
        raise InvalidValueError("the truth of a choice names none of its options")
    return float(read_choices(answer, options) == right)
