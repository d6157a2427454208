"""Folding: the first step on text, after which every rule sees one plain spelling.

Folded text has the length of its source, so an offset in one is an offset in the other.
It is lower case; markup (HTML, RTF, HL7 escapes), control characters and zero-width
characters are blanks; quotes and dashes are ASCII; each kind of line end is ``\\n``. Letters
that arrive as several characters (``&eacute;``, mojibake such as ``Ã©``, a letter with a
combining accent) become one letter, and the rest of the word closes up: the word starts
where it started and blanks fill its end.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from hilum.text.markup import blank_markup

__all__ = ["fold", "strip_accents"]

# NUL marks what is to vanish inside a word until ``_close_up`` has run.
_VOID = "\x00"
_MARKUP = ("<", "&", "\\", "{")
_COMBINING = re.compile("[a-zA-Z][\u0300-\u036f]+")
_GAPPED_WORD = re.compile(r"[\w'\x00]+")


def fold(text: str) -> str:
    """The text in lower case without markup, same length; never raises.

    Example:
        >>> fold("FINDINGS:<br>No effusion")
        'findings:\\n   no effusion'
    """
    if text.isascii() and not any(mark in text for mark in _MARKUP):
        if text.isprintable() or text.replace("\n", "").isprintable():
            return text.lower()
        return _close_up(text.replace("\r\n", " \n").translate(_characters()).lower())
    text = text.replace("\r\n", " \n")
    if any(mark in text for mark in _MARKUP):
        text = blank_markup(text)
    if not text.isascii():
        text = _MOJIBAKE.sub(_repair, text)
        text = _COMBINING.sub(_compose, text)
    # U+0130 is the one character whose lower case is longer than itself
    return _close_up(text.translate(_characters()).replace("\u0130", "i").lower())


def strip_accents(folded: str) -> str:
    """Folded text with each accented Latin letter as its base letter, same length."""
    return folded if folded.isascii() else folded.translate(_base_letters())


def _close_up(text: str) -> str:
    if _VOID not in text:
        return text
    return _GAPPED_WORD.sub(_close_word, text)


def _close_word(match: re.Match[str]) -> str:
    word = match[0]
    return word.replace(_VOID, "").ljust(len(word)) if _VOID in word else word


def _compose(match: re.Match[str]) -> str:
    letters = unicodedata.normalize("NFC", match[0])
    return letters[0].ljust(len(match[0]), _VOID)


@cache
def _base_letters() -> dict[int, str]:
    bases = {}
    for code in range(0xC0, 0x250):
        base = unicodedata.normalize("NFD", chr(code))[0]
        if base.isascii():
            bases[code] = base
    return bases


@cache
def _characters() -> dict[int, str]:
    """Single characters and what stands for them; built from Unicode's own categories."""
    table: dict[int, str] = {}
    for code in (*range(0x20), *range(0x7F, 0xA1), *range(0x2000, 0x2070), 0x1680, 0x3000):
        if unicodedata.category(chr(code)) in ("Cc", "Zs"):
            table[code] = " "
        elif unicodedata.category(chr(code)) == "Cf":
            table[code] = _VOID
    table |= dict.fromkeys((0, 0xAD, 0x34F, 0x180E, 0xFEFF, 0xFFFC), _VOID)
    table |= dict.fromkeys(map(ord, "\n\r\x0b\x0c\u2028\u2029"), "\n")
    table |= dict.fromkeys(map(ord, "\u2018\u2019\u201a\u201b\u2032\u00b4\x91\x92`"), "'")
    table |= dict.fromkeys(map(ord, "\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb\x93\x94"), '"')
    table |= dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\x96\x97"), "-")
    table |= {0xD7: "x", 0x2026: ".", 0x85: ".", 0x95: "\u2022", 0xFFFD: " "}
    # full-width ASCII of East Asian keyboards
    table |= {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    return table


def _byte_of(character: str) -> int:
    """The byte that a Windows-1252 (or Latin-1) reader took for this character."""
    try:
        return character.encode("cp1252")[0]
    except UnicodeEncodeError:
        return ord(character) & 0xFF


def _trailing_bytes() -> str:
    """Characters that bytes 80 to BF, the tail of a UTF-8 sequence, are misread as."""
    characters = {chr(byte) for byte in range(0x80, 0xC0)}
    for byte in range(0x80, 0xC0):
        characters.add(bytes([byte]).decode("cp1252", errors="ignore"))
    return re.escape("".join(sorted(characters - {""})))


# UTF-8 read as Windows-1252. Only the leads that Western European letters and punctuation
# need, each impossible in correct text before such a tail.
_MOJIBAKE = re.compile(
    f"[\u00c2\u00c3][{_trailing_bytes()}]|\u00c5[\u2019\u201c]"
    f"|[\u00e2\u00ef][{_trailing_bytes()}][{_trailing_bytes()}]"
)


def _repair(match: re.Match[str]) -> str:
    broken = match[0]
    try:
        letter = bytes(map(_byte_of, broken)).decode("utf-8")
    except UnicodeDecodeError:
        return broken
    return letter.ljust(len(broken), _VOID)
