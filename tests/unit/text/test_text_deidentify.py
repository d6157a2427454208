"""De-identification of text: what is found, what is left, and what takes its place."""

import datetime as dt
import json
import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from hilum.errors import InvalidValueError
from hilum.text.deidentify import clean_text, deidentify, report_to_dict
from hilum.text.identifiers import MASK, mask_blanks
from hilum.text.rows import read_rows
from hilum.text.surrogates import PatientKey

HERE = Path(__file__).parent
MARK = re.compile(r"\{(\w+)\|([^}]*)\}")
SECRET = b"a secret only for tests"
KEY = PatientKey(SECRET, "4711")


class Case(NamedTuple):
    text: str
    marks: tuple[tuple[str, int, int], ...]


def read_lines(name: str) -> list[str]:
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def read_case(line: str) -> Case:
    text, last, marks = "", 0, []
    for match in MARK.finditer(line):
        text += line[last : match.start()]
        marks.append((match[1], len(text), len(text) + len(match[2])))
        text += match[2]
        last = match.end()
    return Case(text + line[last:], tuple(marks))


CASES = [read_case(line) for line in read_lines("deidentify_identifiers.txt")]
CLINICAL = read_lines("deidentify_clinical.txt")


def letters(text: str, start: int, end: int) -> set[int]:
    return {i for i in range(start, end) if text[i].isalnum()}


def measure() -> tuple[Counter[str], Counter[str], Counter[str], Counter[str]]:
    """Marked and found identifiers by kind: marked, wholly covered, found, rightly found."""
    marked, covered, found, right = Counter(), Counter(), Counter(), Counter()
    for text, marks in CASES:
        spans = deidentify(text).spans
        hidden = set().union(*(letters(text, *span.source) for span in spans))
        wanted = set().union(*(letters(text, start, end) for _, start, end in marks))
        for kind, start, end in marks:
            marked[kind] += 1
            covered[kind] += letters(text, start, end) <= hidden
        for span in spans:
            found[span.kind] += 1
            right[span.kind] += letters(text, *span.source) <= wanted
    return marked, covered, found, right


def test_there_is_enough_to_judge_by() -> None:
    assert len(CASES) >= 150
    assert len(CLINICAL) >= 60
    kinds = {kind for case in CASES for kind, _, _ in case.marks}
    assert kinds == {
        "name", "date", "time", "id", "uid", "phone", "email", "url", "age", "address",
        "institution",
    }  # fmt: skip


def test_recall_and_precision_on_marked_sentences() -> None:
    marked, covered, found, right = measure()
    assert covered.total() / marked.total() >= 0.97
    assert right.total() / found.total() >= 0.97
    for kind in marked:
        assert covered[kind] / marked[kind] >= 0.95, kind
        assert right[kind] / found[kind] >= 0.95, kind


@pytest.mark.parametrize("sentence", CLINICAL)
def test_clinical_content_is_not_touched(sentence: str) -> None:
    assert deidentify(sentence).spans == ()


def test_spans_slice_source_and_output() -> None:
    for text, _ in CASES:
        result = deidentify(text, mode="surrogates", patient=KEY)
        for span in result.spans:
            assert result.text[slice(*span.output)] == span.text
        kept = "".join(
            text[start:end]
            for start, end in zip(
                [0, *(span.source.end for span in result.spans)],
                [*(span.source.start for span in result.spans), len(text)],
                strict=True,
            )
        )
        out = "".join(
            result.text[start:end]
            for start, end in zip(
                [0, *(span.output.end for span in result.spans)],
                [*(span.output.start for span in result.spans), len(result.text)],
                strict=True,
            )
        )
        assert kept == out


def test_what_is_found_once_goes_everywhere() -> None:
    text = "Dr. Quimby was paged. QUIMBY agreed, quimby's note. MRN: 884-7712. See 884-7712."
    result = deidentify(text).text
    assert "quimby" not in result.lower()
    assert "7712" not in result


def test_a_name_that_is_a_word_goes_only_in_its_spelling() -> None:
    result = deidentify("Dr. Small saw a small effusion. Small agrees.").text
    assert result == "Dr. [NAME] saw a small effusion. [NAME] agrees."


@pytest.mark.parametrize(
    ("text", "known", "expected"),
    [
        ("films of zdenka show", ["Zdenka Pavlik"], "films of [NAME] show"),
        ("PAVLIK seen", ["Pavlik^Zdenka"], "[NAME] seen"),
        ("Ödegård came", ["Odegard"], "[NAME] came"),
        ("number A77-9 is wrong", ["A77-9"], "number [ID] is wrong"),
        ("a small effusion", ["Small, John"], "a small effusion"),
    ],
)
def test_known_identifiers(text: str, known: list[str], expected: str) -> None:
    assert deidentify(text, known=known).text == expected


@pytest.mark.parametrize(
    "text",
    ["XXXX is XXXX.", "Dr. ___ at ___.", "[**Name (NI)**] on [**2101-3-4**]", "[NAME], [DATE]"],
)
def test_blanks_stay(text: str) -> None:
    assert deidentify(text).text == text


def test_tags_are_stable() -> None:
    for text, _ in CASES:
        once = deidentify(text).text
        assert deidentify(once).text == once


SHIFTS = [
    ("3/5/2012", "3/15/2012", "en"),
    ("03/25/2012", "04/04/2012", "en"),
    ("12/28/99", "1/7/00", "en"),
    ("2012-03-05", "2012-03-15", "en"),
    ("March 25, 2012", "April 4, 2012", "en"),
    ("MAR 25 2012", "APR 4 2012", "en"),
    ("05-MAR-2012", "15-MAR-2012", "en"),
    ("Monday, March 5, 2012", "Thursday, March 15, 2012", "en"),
    ("March 22nd, 2012", "April 1st, 2012", "en"),
    ("March 5th, 2012", "March 15th, 2012", "en"),
    ("January 2010", "January 2010", "en"),
    ("12/2010", "12/2010", "en"),
    ("20120225", "20120306", "en"),
    ("25.02.2012", "06.03.2012", "de"),
    ("25. Februar 2012", "6. März 2012", "de"),
    ("25/02/2012", "06/03/2012", "fr"),
    ("25 de febrero de 2012", "6 de marzo de 2012", "es"),
    ("25 février 2012", "6 mars 2012", "fr"),
    ("25 febbraio 2012", "6 marzo 2012", "it"),
    ("25 de fevereiro de 2012", "6 de março de 2012", "pt"),
]


@pytest.mark.parametrize(("date", "shifted", "language"), SHIFTS)
def test_shifted_dates_keep_their_form(date: str, shifted: str, language: str) -> None:
    result = deidentify(f"Film: {date}.", language=language, shift_days=10)
    assert result.text == f"Film: {shifted}."
    assert [span.kind for span in result.spans] == ["date"]


def test_a_partial_date_takes_the_year_of_the_document() -> None:
    text = "Compared with 2/25 and 3/20/2012."
    assert deidentify(text, shift_days=10).text == "Compared with 3/6 and 3/30/2012."


def test_years_alone_stay_unless_asked() -> None:
    text = "Since 2008 unchanged, film of 3/5/2012."
    assert deidentify(text, shift_days=-800).text.startswith("Since 2008")
    key = PatientKey(SECRET, "1", shifts_years=True)
    moved = deidentify(text, patient=key, shift_days=-800).text
    assert moved.startswith("Since 2006")


def test_intervals_are_kept_within_a_patient() -> None:
    first, second = "Film of 2012-03-05.", "Film of 2013-01-02."
    moved = [
        dt.date.fromisoformat(deidentify(text, mode="surrogates", patient=KEY).text[8:18])
        for text in (first, second)
    ]
    assert moved[1] - moved[0] == dt.date(2013, 1, 2) - dt.date(2012, 3, 5)
    assert moved[0] - dt.date(2012, 3, 5) == dt.timedelta(days=KEY.shift_days)
    assert KEY.shift_days != PatientKey(SECRET, "4712").shift_days
    assert KEY.shift_days != PatientKey(SECRET + b"!", "4711").shift_days
    assert all(-3650 <= PatientKey(SECRET, str(n)).shift_days <= -31 for n in range(200))


def test_impossible_shifts_become_tags() -> None:
    assert deidentify("Film of 1/1/2012.", shift_days=-(10**6)).text == "Film of [DATE]."


def test_surrogates_are_consistent_and_of_the_same_form() -> None:
    text = "Patient: DOE, MARIA. Maria Doe, MRN 4471209, phone 317-555-8842. MARIA DOE again."
    result = deidentify(text, mode="surrogates", patient=KEY)
    surname, given = re.match(r"Patient: ([A-Z]+), ([A-Z]+)\.", result.text).groups()
    assert f"{given.capitalize()} {surname.capitalize()}" in result.text
    assert f"{given} {surname} again" in result.text
    assert re.search(r"MRN \d{7}, phone \d{3}-555-01\d\d\.", result.text)
    assert deidentify(text, mode="surrogates", patient=KEY) == result
    other = deidentify(text, mode="surrogates", patient=PatientKey(SECRET, "other")).text
    assert other != result.text
    women = {row["name"].upper() for row in read_rows("surrogate_given_names.csv")
             if row["sex"] == "f"}  # fmt: skip
    assert given in women


def test_surrogates_hold_no_original() -> None:
    for text, marks in CASES:
        result = deidentify(text, mode="surrogates", patient=KEY)
        for span in result.spans:
            if span.kind in ("name", "id", "phone", "uid", "email", "url", "institution"):
                assert text[slice(*span.source)] not in result.text, (text, result.text, marks)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A 93-year-old man", "A over 89 man"),
        ("Paciente de 94 años con tos", "Paciente de más de 89 años con tos"),
        ("An 89-year-old man", "An 89-year-old man"),
    ],
)
def test_ages(text: str, expected: str) -> None:
    assert deidentify(text).text == expected


@pytest.mark.parametrize(
    "text", ["", " \n", "\x00\x01", "日本語の報告", "Dr.", "Name:", "\ud800 Dr."]
)
def test_bad_input_is_left_alone(text: str) -> None:
    assert deidentify(text).text == text


def test_markup_does_not_hide_a_name() -> None:
    assert deidentify("Patient name: <b>Jane</b> <b>Doe</b>").text.count("[NAME]") == 1


def test_masking_keeps_the_length() -> None:
    text = "XXXX <b>x</b> ___ [**a**] &nbsp;"
    assert len(mask_blanks(text)) == len(text)
    assert MASK in mask_blanks(text)


def test_report_counts_and_holds_no_original() -> None:
    result = deidentify("Dr. Whitfield, MRN 4471209, 3/5/2012.")
    report = report_to_dict(result)
    assert report["counts"] == {"date": 1, "id": 1, "name": 1}
    written = json.dumps(report)
    assert "Whitfield" not in written
    assert "4471209" not in written


def test_clean_text_shifts_dates_by_the_patient() -> None:
    cleaned = clean_text("CHEST PA 2012-03-05 for Zdenka", KEY, ("Zdenka",))
    day = dt.date(2012, 3, 5) + dt.timedelta(days=KEY.shift_days)
    assert cleaned == f"CHEST PA {day} for [NAME]"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [({"mode": "hide"}, "mode must be"), ({"mode": "surrogates"}, "pass patient")],
)
def test_wrong_arguments(arguments: dict[str, str], said: str) -> None:
    with pytest.raises(InvalidValueError, match=said):
        deidentify("x", **arguments)


def test_a_short_secret_is_refused_and_never_shown() -> None:
    with pytest.raises(InvalidValueError, match="at least 16 bytes"):
        PatientKey(b"short", "1")
    assert "4711" not in repr(KEY)
    assert "secret only" not in repr(KEY)


def test_uids_are_mapped_for_every_patient_alike() -> None:
    uid = "1.2.840.113619.2.55.3.604688.12"
    assert KEY.uid(uid) == PatientKey(SECRET, "other").uid(uid)
    assert re.fullmatch(r"2\.25\.\d{1,39}", KEY.uid(uid))
    assert deidentify(f"UID {uid}", mode="surrogates", patient=KEY).text == f"UID {KEY.uid(uid)}"
