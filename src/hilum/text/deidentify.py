"""De-identification of reports: finds identifiers and replaces them by tags or stand-ins.

Found are names, dates and the times beside them, numbers that identify, phones, e-mail,
URLs, UIDs, addresses, institutions and ages over 89. What is found once is replaced
wherever it stands in the document. Blanks of an earlier de-identification (``XXXX``,
``___``, ``[**...**]``, ``[NAME]``) are left as they are.

No rule finds everything: check a sample before a text leaves the house.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from hilum.errors import require
from hilum.text.date_shifting import shift_date
from hilum.text.dates import DateFound, find_dates, find_times
from hilum.text.folding import fold
from hilum.text.identifiers import (
    Found,
    find_identifiers,
    mask_blanks,
    mask_spans,
    plain_words,
)
from hilum.text.language import detect_language
from hilum.text.names import find_names
from hilum.text.surrogates import AGE_OVER_89, PatientKey, make_surrogate
from hilum.text.types import Span

__all__ = [
    "MODES",
    "Deidentified",
    "Replacement",
    "clean_text",
    "deidentify",
    "find_all",
    "report_to_dict",
]

MODES = ("tags", "surrogates")


class Replacement(NamedTuple):
    """An identifier of ``kind``: its characters in the source and in the output."""

    kind: str
    source: Span
    output: Span
    text: str


@dataclass(frozen=True, slots=True)
class Deidentified:
    """Text without its identifiers, and what stands where one was, in order of position."""

    text: str
    spans: tuple[Replacement, ...]


def deidentify(
    text: str,
    *,
    language: str | None = None,
    mode: str = "tags",
    patient: PatientKey | None = None,
    shift_days: int | None = None,
    known: Iterable[str] = (),
) -> Deidentified:
    """Replace what identifies a person in a report.

    Args:
        text: the report, in any language of the room.
        language: ISO 639-1 code; detected when None. It decides month names and, outside
            English, that 3/4 is the 3rd of April.
        mode: ``tags`` writes ``[NAME]``, ``[DATE]``...; ``surrogates`` writes stand-ins of
            the same form, which needs ``patient``.
        patient: makes stand-ins and the shift of dates the same in every document of the
            patient.
        shift_days: dates move by this many days, in either mode; by the patient's own
            shift when None and ``mode`` is ``surrogates``.
        known: names and identifiers that are known to belong to the patient or the staff.

    Returns:
        The new text and every replacement. Ages over 89 become "over 89". Times beside a
        date stay when dates are shifted. Years alone stay unless ``patient.shifts_years``.

    Raises:
        InvalidValueError: unknown mode, or surrogates without a patient.

    Example:
        >>> deidentify("Seen by Dr. Whitfield on 3/5/2012.").text
        'Seen by Dr. [NAME] on [DATE].'
    """
    require(mode in MODES, f"mode must be one of {', '.join(MODES)}, got {mode!r}")
    require(
        mode == "tags" or patient is not None,
        "surrogates need a patient; pass patient=PatientKey(secret, patient_id)",
    )
    language = language or detect_language(fold(text[:2000]))
    if shift_days is None and mode == "surrogates" and patient is not None:
        shift_days = patient.shift_days
    with_years = shift_days is not None and patient is not None and patient.shifts_years
    found, dates = find_all(text, language, known=known, with_years=with_years)
    writer = _Writer(text, language, patient if mode == "surrogates" else None, shift_days, dates)
    return _assemble(text, found, writer)


def find_all(
    text: str, language: str, *, known: Iterable[str] = (), with_years: bool = False
) -> tuple[list[Found], dict[int, DateFound]]:
    """Every identifier in order of position, without overlap, and the dates by start."""
    masked = mask_blanks(text)
    found, masked = find_identifiers(masked, "strict")
    dates, masked = find_dates(masked, language, with_years=with_years)
    found += [Found("date", date.start, date.end) for date in dates]
    times = list(find_times(masked, dates))
    masked = mask_spans(masked, times)
    plain, masked = find_identifiers(masked, "plain")
    listed = _find_known(masked, known)
    masked = mask_spans(masked, listed)
    names = find_names(masked, language)
    masked = mask_spans(masked, names)
    found += [*times, *plain, *listed, *names]
    found += _find_again(text, masked, found)
    return sorted(found, key=lambda item: item.start), {date.start: date for date in dates}


_RUN = re.compile(r"[^\W\d_]+")
_CODE = re.compile(r"\w+(?:[._/-]\w+)*")
_MIN_CODE = 4
_CODE_KINDS = frozenset({"id", "phone", "uid", "email"})


def _plain(word: str) -> str:
    """Lower case without accents, to compare names."""
    letters = unicodedata.normalize("NFD", word.casefold())
    return "".join(c for c in letters if not unicodedata.combining(c))


def _find_known(masked: str, known: Iterable[str]) -> list[Found]:
    """Where the caller's names and numbers stand; words of reports only with their case."""
    codes, names = set(), []
    for item in known:
        if any(c.isdigit() for c in item):
            codes |= {item.strip(), *_CODE.findall(item)}
        else:
            names.append(item)
    found = [
        Found("id", match.start(), match.end())
        for match in _CODE.finditer(masked)
        if match[0] in codes and any(c.isdigit() for c in match[0]) and len(match[0]) > 2
    ]
    return found + _match_words(mask_spans(masked, found), names)


def _match_words(masked: str, names: Collection[str]) -> list[Found]:
    """Every word of the names, in any case and without regard to accents.

    A word that reports use ("Small") counts only in the spelling of the name.
    """
    anyhow, exact = set(), set()
    for run in {run for name in names for run in _RUN.findall(name)}:
        if len(run) >= 3 and run.lower() not in plain_words():
            anyhow.add(_plain(run))
        elif len(run) >= 2 and not run.islower():
            exact.add(run)
    if not (anyhow or exact):
        return []
    return [
        Found("name", match.start(), match.end())
        for match in _RUN.finditer(masked)
        if match[0] in exact or _plain(match[0]) in anyhow
    ]


def _find_again(text: str, masked: str, found: list[Found]) -> list[Found]:
    """Other places of what was found: names word by word, numbers as a whole."""
    codes = {text[item.start : item.end] for item in found if item.kind in _CODE_KINDS}
    codes = {code for code in codes if len(code) >= _MIN_CODE}
    again = [
        Found("id", match.start(), match.end())
        for match in (_CODE.finditer(masked) if codes else ())
        if match[0] in codes
    ]
    names = {text[item.start : item.end] for item in found if item.kind == "name"}
    return again + _match_words(mask_spans(masked, again), names)


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes what stands in place of an identifier; "" keeps the original."""

    text: str
    language: str
    patient: PatientKey | None
    shift_days: int | None
    dates: dict[int, DateFound]

    def write(self, item: Found) -> str:
        original = self.text[item.start : item.end]
        if item.kind in ("date", "time") and self.shift_days is not None:
            if item.kind == "time":
                return ""
            date, year = self.dates[item.start], self._reference_year()
            shifted = shift_date(
                self.text, date, self.shift_days, language=self.language, year=year
            )
            return shifted or "[DATE]"
        if item.kind == "age":
            return AGE_OVER_89.get(self.language, AGE_OVER_89["en"])
        if self.patient is None:
            return f"[{item.kind.upper()}]"
        return make_surrogate(item.kind, original, self.patient, self.language)

    def _reference_year(self) -> int:
        """The year of the first date that has one in four digits."""
        for date in self.dates.values():
            if date.year[1] - date.year[0] == 4:
                return int(self.text[slice(*date.year)])
        return 0


def _assemble(text: str, found: list[Found], writer: _Writer) -> Deidentified:
    parts: list[str] = []
    spans: list[Replacement] = []
    last = length = 0
    for item in found:
        new = writer.write(item)
        if not new:
            continue
        parts += [text[last : item.start], new]
        start = length + item.start - last
        length = start + len(new)
        last = item.end
        spans.append(Replacement(item.kind, item.span, Span(start, length), new))
    return Deidentified("".join([*parts, text[last:]]), tuple(spans))


def clean_text(text: str, patient: PatientKey, known: Iterable[str]) -> str:
    """Text of a DICOM element without identifiers, dates moved by the patient's shift.

    The function that ``hilum.io.deidentify`` takes as ``clean_text``.
    """
    return deidentify(text, patient=patient, shift_days=patient.shift_days, known=known).text


def report_to_dict(result: Deidentified) -> dict[str, Any]:
    """What was found, for JSON: counts by kind, and spans; no original text."""
    return {
        "counts": dict(sorted(Counter(item.kind for item in result.spans).items())),
        "spans": [
            {
                "kind": item.kind,
                "source": list(item.source),
                "output": list(item.output),
                "replacement": item.text,
            }
            for item in result.spans
        ],
    }
