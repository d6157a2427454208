"""The compiled form of a lexicon: a trie over tokens, and the words of text that lead into it.

A trie nests one dict a token; the empty token holds what a complete phrase means. A word is
what stands between two blanks of a sentence, such as ``effusion,``: a token with the signs
that cling to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hilum.text.phrases import tokenize_spans

__all__ = ["Meaning", "Trie", "Word", "WordTable", "build_trie"]

Trie = dict[str, Any]

Meaning = tuple[bool, tuple[tuple[str, str], ...]]
"""What a phrase means, as pairs of kind and name, and whether one of them may compose."""

Word = tuple[Trie | None, str, bool, int, int]
"""Where a phrase that starts with the word goes on, None if none does; the token by which a
phrase goes on into it; whether a sign behind the token ends every phrase; the number of
characters before and behind the token."""

MAX_WORDS = 100_000
"""Words remembered at most; noise must not fill the memory of a long run."""

_MAX_LENGTH = 40
_BARRIER = "\n"


def build_trie(table: Mapping[tuple[str, ...], Meaning]) -> Trie:
    """A trie of the phrases in a table."""
    root: Trie = {}
    for phrase, meaning in table.items():
        node = root
        for token in phrase:
            node = node.setdefault(token, {})
        node[""] = meaning
    return root


class WordTable(dict[str, Word | None]):
    """Words by their characters, each worked out when it is first asked for.

    None stands for a word that is no single token with signs around it, or whose signs are
    part of a term ("s/p"): a sentence with such a word has to be matched token by token.
    """

    def __init__(self, trie: Trie) -> None:
        super().__init__()
        self.trie = trie
        self.signs = {token for token in _tokens(trie) if not token[0].isalnum()}

    def __missing__(self, characters: str) -> Word | None:
        word = self._read(characters)
        if len(characters) <= _MAX_LENGTH:
            if len(self) >= MAX_WORDS:
                self.clear()
            self[characters] = word
        return word

    def _read(self, characters: str) -> Word | None:
        tokens, spans = tokenize_spans(characters)
        if len(tokens) == 1 and spans[0] == (0, len(characters)):
            return self.trie.get(tokens[0]), tokens[0], False, 0, 0
        words = [at for at, token in enumerate(tokens) if token[0].isalnum()]
        if len(words) != 1 or not self.signs.isdisjoint(tokens):
            return None
        token, (start, end) = tokens[words[0]], spans[words[0]]
        trail = len(characters) - end
        return self.trie.get(token), _BARRIER if start else token, trail > 0, start, trail


def _tokens(trie: Trie) -> Iterable[str]:
    for token, node in trie.items():
        if token:
            yield token
            yield from _tokens(node)
