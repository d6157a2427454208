"""The words that name the prior a sentence compares with: "since the exam of 2010"."""

from __future__ import annotations

from collections.abc import Sequence

from hilum.text.grammar import BREAK, CLAUSE, COMMA, VERB, WITH
from hilum.text.types import Hit, Span

__all__ = ["find_prior"]

_ENDS = COMMA | BREAK | CLAUSE | WITH | VERB


def find_prior(sentence: str, hits: Sequence[Hit], gaps: Sequence[int]) -> Span | None:
    """The first comparison of a sentence, from its cue to the end of its phrase.

    Args:
        sentence: The folded sentence.
        hits: Its terms.
        gaps: As ``classify_gaps`` gives them.
    """
    for at, (start, end, kind, _) in enumerate(hits):
        if kind != "cue:compares":
            continue
        for later in range(at + 1, len(hits) + 1):
            is_last = later == len(hits)
            until = len(sentence) if is_last else hits[later].start
            if gaps[later] & _ENDS:
                comma = sentence.find(",", end, until)
                end = comma if comma >= 0 else end
                break
            end = max(end, until)
            if is_last or hits[later].kind in ("finding", "device"):
                break
            end = max(end, hits[later].end)
        words = sentence[start:end].rstrip(" .,;:)\n")
        return Span(start, start + len(words))
    return None
