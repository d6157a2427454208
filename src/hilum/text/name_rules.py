"""Names without a cue before them: before a credential, and frequent names by table."""

from __future__ import annotations

import re

from hilum.text.identifiers import plain_words
from hilum.text.name_words import (
    WordReader,
    is_given,
    is_surname,
    known_names,
    plain,
    table_set,
)

__all__ = ["find_by_credential", "find_by_table"]

_PREDICATES = frozenset(
    {(verb,) for verb in ("presents", "presented", "states", "stated", "denies", "complains")}
    | {("is", "a"), ("is", "an"), ("was", "seen"), ("was", "admitted"), ("was", "notified")}
)
_MAX_PARTS = 4
_GAP = re.compile(r"\.?[ \t]{0,2}|\.?[ \t]?,[ \t]{0,2}|\^{1,2}|\.?-")


def find_by_credential(reader: WordReader, index: int) -> tuple[int, int] | None:
    """A run of name-like words that a credential follows: "Jane Q. Doe, MD"."""
    if not reader.could_start(index) or reader.is_credential(index):
        return None
    stop = index
    while stop < len(reader.words) and stop - index < _MAX_PARTS:
        word = reader.words[stop]
        if stop > index:
            gap = reader.gap(stop - 1, stop)
            if reader.is_credential(stop) and re.fullmatch(r"\.?,?[ ]{1,2}", gap):
                return None if reader.is_eponym(index, stop) else (index, stop)
            is_joined = bool(_GAP.fullmatch(gap)) and (
                "." not in gap or len(reader.words[stop - 1].text) == 1
            )
            if not is_joined:
                return None
        if not (word.is_title_case or word.is_capitals) or word.lower in plain_words():
            return None
        stop += 1
    if stop < len(reader.words) and reader.is_credential(stop):
        gap = reader.gap(stop - 1, stop)
        return (index, stop) if re.fullmatch(r"\.?,?[ ]{1,2}", gap) else None
    return None


def find_by_table(reader: WordReader, index: int) -> tuple[int, int] | None:
    """A run that a frequent name, initials or a predicate make a name; word indices."""
    word = reader.words[index]
    if not reader.could_start(index) or len(word.text) == 1:
        return _with_initials(reader, index)
    if _is_introduced(reader, index):
        return index, index + 2
    given, surname = is_given(word.lower), is_surname(word.lower)
    if not (given or surname):
        return None
    stop = _extend(reader, index)
    if reader.is_eponym(index, stop):
        return None
    if stop - index >= 2:
        return index, stop
    is_sure = (given and not known_names("given_names.csv")[plain(word.lower)]) or (
        surname and known_names("surnames.csv").get(plain(word.lower)) is False
    )
    if is_sure and word.is_title_case and word.lower not in table_set("eponyms.csv", "name"):
        return index, stop
    return None


def _is_introduced(reader: WordReader, index: int) -> bool:
    """Two unknown words in title case that "presents", or "Unknown, Mary"."""
    if index + 1 >= len(reader.words):
        return False
    word, following = reader.words[index], reader.words[index + 1]
    if not (word.is_title_case and following.is_title_case):
        return False
    if following.lower in plain_words() or reader.is_eponym(index, index + 2):
        return False
    gap = reader.gap(index, index + 1)
    if gap == ", ":
        return known_names("given_names.csv").get(plain(following.lower)) is False
    behind = tuple(w.lower for w in reader.words[index + 2 : index + 4])
    return gap == " " and (behind[:1] in _PREDICATES or behind in _PREDICATES)


def _extend(reader: WordReader, index: int) -> int:
    """Further parts of a name that a table word starts."""
    first = reader.words[index]
    stop = index + 1
    is_given_first = is_given(first.lower)
    while stop < len(reader.words) and stop - index < _MAX_PARTS:
        gap, word = reader.gap(stop - 1, stop), reader.words[stop]
        is_reversed = bool(re.fullmatch(r",[ ]?|\^", gap)) and stop - index == 1
        if is_reversed and not (is_surname(first.lower) and is_given(word.lower)):
            break
        if not is_reversed and not re.fullmatch(r"[ ]{1,2}|\.[ ]{1,2}|-", gap):
            break
        if "." in gap and len(reader.words[stop - 1].text) > 1:
            break
        if word.lower in plain_words() or word.lower in reader.tables.credentials:
            break
        if len(word.text) == 1:
            follows = stop + 1 < len(reader.words) and reader.could_start(stop + 1)
            if not (word.is_capitals and follows and is_given_first):
                break
        elif word.is_title_case:
            if not (is_given_first or is_reversed or reader.is_known(word)):
                break
        elif not (word.is_capitals and first.is_capitals and reader.is_known(word)):
            break
        stop += 1
    while stop > index + 1 and len(reader.words[stop - 1].text) == 1:
        stop -= 1
    return stop


def _with_initials(reader: WordReader, index: int) -> tuple[int, int] | None:
    """Initials before a frequent surname: "J. Smith", "J. R. Smith"."""
    stop = index
    while (
        stop + 1 < len(reader.words)
        and stop - index < 2
        and len(reader.words[stop].text) == 1
        and reader.words[stop].is_capitals
        and re.fullmatch(r"\.[ ]?", reader.gap(stop, stop + 1))
    ):
        stop += 1
    if stop == index or not is_surname(reader.words[stop].lower):
        return None
    if not reader.words[stop].text[0].isupper() or reader.is_eponym(stop, stop + 1):
        return None
    return index, stop + 1
