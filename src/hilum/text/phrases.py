"""The small grammar in which one lexicon row writes many phrasings, and its tokens.

``(a|b)`` is a choice, ``[a]`` may be left out; everything else is words. ``(widened|broad)
[superior] mediastinum`` is four phrases in one row. A hyphen or apostrophe separates words
like a blank ("air-space", "d'épanchement").
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from hilum.errors import InvalidValueError

__all__ = ["expand_row", "tokenize", "tokenize_spans"]

MAX_PHRASES = 2000
"""More than this from one row is a mistake in the row."""

_JOINERS = "\\s\\-'\u00ad\u2010\u2011\u2019"
_MARKS = "\u0300-\u036f"
_TOKEN = re.compile(rf"[^\W_](?:[^\W_]|[{_MARKS}])*|[^\w{_JOINERS}{_MARKS}]|_")
_TOKEN_ASCII = re.compile(r"[a-z0-9]+|[^a-z0-9\s\-'\x1c-\x1f]", re.ASCII)
_PIECE = re.compile(r"[()\[\]|]|[^()\[\]|\s]+")
_CLOSING = {"(": ")", "[": "]"}

Phrase = tuple[str, ...]


class _PlainLetters(dict[int, str | None]):
    """A translation table that works out each letter's form without accents once."""

    LIGATURES = {"ß": "ss", "œ": "oe", "æ": "ae", "ø": "o", "ł": "l"}  # noqa: RUF012

    def __missing__(self, code: int) -> str | None:
        letter = chr(code)
        plain: str | None = self.LIGATURES.get(letter)
        if plain is None and not "\u0300" <= letter <= "\u036f":
            plain = unicodedata.normalize("NFD", letter)[0]
        self[code] = plain
        return plain


_STRIP = _PlainLetters()


def tokenize(text: str) -> list[str]:
    """Tokens of folded (lower-case) text: words and numbers without accents, single signs.

    White space, hyphens and apostrophes separate and vanish; every other sign is a token of
    its own, so no term matches across a comma.

    >>> tokenize("air-space disease, rll")
    ['air', 'space', 'disease', ',', 'rll']
    """
    if text.isascii():
        return _TOKEN_ASCII.findall(text)
    return [token.translate(_STRIP) for token in _TOKEN.findall(text)]


def tokenize_spans(text: str) -> tuple[list[str], list[tuple[int, int]]]:
    """Tokens as ``tokenize`` gives them, and the characters that each one covers."""
    if text.isascii():
        matches = list(_TOKEN_ASCII.finditer(text))
        return [match.group() for match in matches], [match.span() for match in matches]
    matches = list(_TOKEN.finditer(text))
    return [m.group().translate(_STRIP) for m in matches], [m.span() for m in matches]


def expand_row(row: str) -> tuple[Phrase, ...]:
    """Every phrase that a row stands for, as tokens, in the order written.

    >>> expand_row("(pleural|lung) mass[es]")
    (('pleural', 'mass', 'es'), ('pleural', 'mass'), ('lung', 'mass', 'es'), ('lung', 'mass'))

    Raises:
        InvalidValueError: If brackets do not pair, a phrase is empty or there are too many.
    """
    pieces = _PIECE.findall(row)
    phrases, used = _read_choice(row, pieces, 0)
    if used != len(pieces) or () in phrases:
        raise InvalidValueError(f"lexicon row {row!r}: brackets do not pair, or a phrase is empty")
    return tuple(dict.fromkeys(phrases))


def _read_choice(row: str, pieces: Sequence[str], at: int) -> tuple[list[Phrase], int]:
    """Phrases of ``a|b|c`` up to its closing bracket, and where that bracket is."""
    finished: list[Phrase] = []
    current: list[Phrase] = [()]
    while at < len(pieces) and pieces[at] not in (")", "]"):
        piece = pieces[at]
        if piece == "|":
            finished += current
            current = [()]
        elif piece in _CLOSING:
            inner, at = _read_choice(row, pieces, at + 1)
            if at >= len(pieces) or pieces[at] != _CLOSING[piece]:
                raise InvalidValueError(f"lexicon row {row!r}: brackets do not pair")
            if piece == "[":
                inner.append(())
            current = [left + right for left in current for right in inner]
        else:
            words = tuple(tokenize(piece))
            current = [phrase + words for phrase in current]
        if len(current) > MAX_PHRASES:
            raise InvalidValueError(
                f"lexicon row {row!r} has more than {MAX_PHRASES} phrases; write it narrower"
            )
        at += 1
    return finished + current, at
