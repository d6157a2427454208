"""Names of people in reports: after titles and labels, before credentials, and by table.

A name is a run of words that look like names (capital letter, no word of reports), started
by a cue ("Dr.", "signed by") or by a frequent given name or surname. Eponyms ("Swan-Ganz",
"Kerley B") are no names unless a title stands before them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hilum.text.identifiers import MASK, Found, plain_words
from hilum.text.name_rules import find_by_credential, find_by_table
from hilum.text.name_words import WordReader, is_given, is_surname

__all__ = ["find_names"]

_GAP = re.compile(r"\.?[ \t]{0,2}|\.?[ \t]?,[ \t]{0,2}|\^{1,2}|\.?-")
_MAX_PARTS = 4
_OTHER_NAMES = frozenset(
    [
        "procedure",
        "exam",
        "examination",
        "study",
        "file",
        "series",
        "protocol",
        "test",
        "drug",
        "device",
        "brand",
        "generic",
        "trade",
        "hospital",
        "facility",
        "company",
        "station",
        "model",
        "product",
        "software",
        "event",
        "field",
        "column",
    ]
)
_AND = frozenset({"and", "und", "et", "y", "e"})
_BY = frozenset({"by", "von", "par", "por", "da", "signed"})


class NameFinder(WordReader):
    """Finds names in one masked text."""

    def find(self) -> Iterator[Found]:
        """Names in order of position; they do not overlap."""
        index, last = 0, 0
        while index < len(self.words):
            run = (
                self._after_cue(index)
                or find_by_credential(self, index)
                or find_by_table(self, index)
            )
            if run and self.words[run[0]].start >= last:
                while run:
                    first, index = run
                    last = self._end_of(first, index)
                    yield Found("name", self.words[first].start, last)
                    run = self._after_and(index)
            else:
                index += 1

    def _end_of(self, first: int, stop: int) -> int:
        """Where the run ends; the dot of a final initial belongs to it."""
        word = self.words[stop - 1]
        is_initial = len(word.text) == 1 and self.text[word.end : word.end + 1] == "."
        return word.end + (1 if is_initial and stop - first > 1 else 0)

    def _after_and(self, index: int) -> tuple[int, int] | None:
        """A further name behind "and": "Drs. Ashworth and Pell"."""
        if index + 1 >= len(self.words) or self.words[index].lower not in _AND:
            return None
        gaps = self.gap(index - 1, index), self.gap(index, index + 1)
        word = self.words[index + 1]
        if gaps != (" ", " ") or not word.is_title_case:
            return None
        return self._read_run(index + 1, "contact")

    def _after_cue(self, index: int) -> tuple[int, int] | None:
        word = self.words[index]
        for words, kind in self.tables.cues.get(word.lower, ()):
            stop = index + len(words)
            if tuple(w.lower for w in self.words[index:stop]) != words:
                continue
            if stop >= len(self.words):
                continue
            if kind == "title" and not self._is_title(index, stop):
                continue
            if kind == "label" and not self._is_label(index, stop):
                continue
            if not self._is_near(stop - 1, stop, kind):
                continue
            run = self._read_run(stop, kind)
            if run:
                return run
        return None

    def _is_title(self, index: int, stop: int) -> bool:
        """Not "MR chest", "DR image", "MS" the disease: a dot, or the case of a title."""
        word, after = self.words[index], self.text[self.words[stop - 1].end]
        if after == "." or len(word.text) > 3:
            return True
        if word.is_capitals and len(word.text) <= 2:
            return word.lower == "dr" and self.words[stop].lower not in plain_words()
        return word.is_title_case or word.lower == "dr"

    def _is_label(self, index: int, stop: int) -> bool:
        """A field name stands with a colon or ends in "by"; "procedure name" is none."""
        before = self.words[index - 1].lower if index else ""
        if before in _OTHER_NAMES and self.gap(index - 1, index) == " ":
            return False
        last = self.words[stop - 1]
        after = self.text[last.end : last.end + 3].lstrip(". ")
        return after[:1] in (":", "=") or last.lower in _BY

    def _is_near(self, left: int, right: int, kind: str) -> bool:
        gap = self.gap(left, right)
        if len(gap) > 6 or MASK in gap:
            return False
        if "\n" in gap and kind != "label":
            return False
        return (
            not gap.strip(" \t\n\r.:=#-" + ("," if kind == "contact" else ""))
            and gap.count("\n") <= 1
        )

    def _read_run(self, index: int, kind: str) -> tuple[int, int] | None:
        """Words of a name from ``index`` on, as strict as the cue before it is weak."""
        # "discussed with Dr. Smith", "Frau Dr. Smith": the title inside starts its own run
        entries = self.tables.cues.get(self.words[index].lower, ())
        if any(entry == "title" for _, entry in entries):
            return None
        start = index
        while index < len(self.words) and index - start < _MAX_PARTS + 2:
            if index > start and not self._continues(start, index):
                break
            if not self._may_be_part(start, index, kind):
                break
            index += 1
        while index > start + 1 and self.words[index - 1].lower in self.tables.particles:
            index -= 1
        if index == start or not self._is_enough(start, index, kind):
            return None
        return start, index

    def _continues(self, start: int, index: int) -> bool:
        gap, previous = self.gap(index - 1, index), self.words[index - 1]
        if not _GAP.fullmatch(gap):
            return False
        if "." in gap and len(previous.text) > 1 and previous.lower not in ("st", "jr", "wm"):
            return False
        if "," in gap:
            # one comma: "Smith, John"; a credential or a second person ends the name
            has_comma = any("," in self.gap(i - 1, i) for i in range(start + 1, index))
            return not has_comma and index - start <= 2 and self._looks_given(start, index)
        return True

    def _looks_given(self, start: int, index: int) -> bool:
        """Whether the word behind a comma is the given name of "Last, First"."""
        word = self.words[index]
        if self.is_credential(index) or word.lower in plain_words():
            return False
        if word.is_title_case or is_given(word.lower):
            return True
        return word.is_capitals and (len(word.text) == 1 or is_surname(self.words[start].lower))

    def _may_be_part(self, start: int, index: int, kind: str) -> bool:
        word = self.words[index]
        is_first = index == start
        if word.lower in self.tables.suffixes and not is_first:
            return True
        if word.lower in self.tables.particles and not word.is_capitals and len(word.text) > 1:
            following = self.words[index + 1 : index + 3]
            return any(w.is_title_case for w in following) and word.end < following[0].start
        if word.is_capitals and len(word.text) > 1 and word.lower in self.tables.credentials:
            return False
        is_plain = word.lower in plain_words()
        if len(word.text) == 1:
            return word.is_capitals and (not is_first or self._is_initial(index))
        if is_plain:
            return is_first and kind == "title" and word.is_title_case and self.is_known(word)
        if word.is_title_case:
            return True
        if is_first:
            return word.is_capitals or kind == "title" or self.is_known(word)
        # without the help of case, only what is known to be a name goes on
        previous = self.words[index - 1]
        if word.is_capitals and "," in self.text[self.words[start].end : word.start]:
            return is_surname(self.words[start].lower)
        return self.is_known(word) or (
            word.is_capitals and (is_given(previous.lower) or len(previous.text) == 1)
        )

    def _is_initial(self, index: int) -> bool:
        """An initial before a name, not the letter of a list or a vertebra."""
        if index + 1 >= len(self.words):
            return False
        gap, following = self.gap(index, index + 1), self.words[index + 1]
        return bool(re.fullmatch(r"\.?[ ]?", gap)) and (
            following.is_title_case or (following.is_capitals and "." in gap)
        )

    def _is_enough(self, start: int, stop: int, kind: str) -> bool:
        if kind in ("title", "label"):
            return not (stop - start == 1 and len(self.words[start].text) == 1)
        run = [w for w in self.words[start:stop] if len(w.text) > 1]
        if self.is_eponym(start, stop) or not run:
            return False
        known = [w for w in run if self.is_known(w)]
        titles = [w for w in run if w.is_title_case]
        if kind == "contact":
            return bool(known) or bool(titles)
        return (len(titles) >= 2 and stop - start <= 3) or (bool(known) and stop - start >= 2)


def find_names(masked: str, language: str) -> list[Found]:
    """Names of people in masked text, in order of position."""
    return list(NameFinder(masked, language).find())
