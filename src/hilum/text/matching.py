"""Find the terms of a lexicon in a sentence: whole tokens, leftmost, longest.

Every structure that ``hilum.text`` gives is built from these hits, once a sentence, so this
is where speed is decided. Words are looked up together with the signs that cling to them
("effusion,"), because a report's vocabulary is small and each has to be understood
only once; character offsets are worked out for hits alone. An Aho-Corasick automaton over
encoded tokens was measured too and was slower: encoding costs more than the walk.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from hilum.text.compositions import compose
from hilum.text.lexicon import Lexicon
from hilum.text.phrases import tokenize, tokenize_spans
from hilum.text.trie import Word
from hilum.text.types import Hit

__all__ = ["match_terms", "match_tokens", "tokenize"]

_make = tuple.__new__  # a third of the cost of calling the named tuple


def match_terms(sentence: str, lexicon: Lexicon) -> list[Hit]:
    """The terms of the lexicon in a folded sentence, left to right.

    Where several terms start at one token the longest wins, and the search goes on behind
    it. A phrase may mean several things at once ("resolved" is a change and a cue); these are
    hits with equal offsets. A state word becomes the finding that it makes with the nearest
    place of its clause ("the heart is enlarged"), or no hit; the place stays a hit too.

    Args:
        sentence: One sentence, lower case, as ``fold`` gives it.
        lexicon: From ``load_lexicon``.

    Returns:
        Hits with character offsets in ``sentence``, ordered by start. The characters of two
        hits are the same or disjoint.
    """
    blanked = sentence.replace("-", " ").replace("'", " ").replace("\n", " ")
    texts = blanked.replace("’", " ").split(" ")
    found = _scan(texts, list(map(lexicon.words.__getitem__, texts)))
    if found is None:
        return match_tokens(sentence, lexicon)
    hits, is_composable = found
    return compose(sentence, hits, lexicon.compositions) if is_composable else hits


def match_tokens(sentence: str, lexicon: Lexicon) -> list[Hit]:
    """What ``match_terms`` gives, token by token: slower, and right for every text."""
    tokens, spans = tokenize_spans(sentence)
    trie = lexicon.words.trie
    found = _scan(tokens, [(trie.get(token), token, False, 0, 0) for token in tokens])
    assert found is not None
    hits, is_composable = found
    ends = list(accumulate(len(token) + 1 for token in tokens))
    start_of = {
        end - len(token) - 1: span[0] for token, span, end in zip(tokens, spans, ends, strict=True)
    }
    end_of = {end - 1: span[1] for span, end in zip(spans, ends, strict=True)}
    hits = [Hit(start_of[hit.start], end_of[hit.end], hit.kind, hit.name) for hit in hits]
    return compose(sentence, hits, lexicon.compositions) if is_composable else hits


def _scan(texts: Sequence[str], words: Sequence[Word | None]) -> tuple[list[Hit], bool] | None:
    """Hits with offsets in the blank-joined texts, and whether one of them may compose.

    None if a word is None. One long loop on purpose: a call a hit would cost a third more.
    """
    hits: list[Hit] = []
    ends: list[int] = []
    is_composable = False
    at, count = 0, len(words)
    while at < count:
        word = words[at]
        if word is None:
            return None
        node = word[0]
        if node is None:
            at += 1
            continue
        _, _, stops, lead, trail = word
        meaning = node.get("")
        last, ahead = at, at + 1
        while not stops and ahead < count:
            word = words[ahead]
            if word is None:
                return None
            _, token, stops, _, signs = word
            node = node.get(token)
            if node is None:
                break
            longer = node.get("")
            if longer is not None:
                meaning, last, trail = longer, ahead, signs
            ahead += 1
        if meaning is not None:
            ends = ends or list(accumulate(map(len, texts)))
            start = ends[at] - len(texts[at]) + at + lead
            end = ends[last] + last - trail
            is_composable = is_composable or meaning[0]
            for kind, name in meaning[1]:
                hits.append(_make(Hit, (start, end, kind, name)))
        at = last + 1
    return hits, is_composable
