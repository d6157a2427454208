"""De-identification: any text is survived, tags are stable, found names leave no trace."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from hilum.text.deidentify import deidentify
from hilum.text.surrogates import PatientKey

KEY = PatientKey(b"a secret only for tests", "4711")
PIECES = st.sampled_from(
    ["Dr. ", "MRN: ", "12/", "2012", "-", " ", "\n", "Smith", "SMITH, ", "J. ", "MD", "555-0142",
     "May ", "5", "XXXX", "<b>", "[**", "]", "@", ".", "St. ", "Hospital", "Patient: ",
     "93-year-old", "1.2.3.4.5.6", "ü", "Main Street", ":", ",", "\u200b", "İ"]
)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=200), st.lists(PIECES, max_size=40).map("".join))
SYLLABLES = st.lists(st.sampled_from(["zor", "bek", "vin", "tha", "quo"]), min_size=2, max_size=3)
NAMES = SYLLABLES.map(lambda parts: "".join(parts).capitalize())


@given(TEXTS)
def test_spans_fit_and_the_rest_is_untouched(text: str) -> None:
    for mode in ("tags", "surrogates"):
        result = deidentify(text, mode=mode, patient=KEY)
        rebuilt, last = "", 0
        for span in result.spans:
            assert last <= span.source.start < span.source.end
            rebuilt += text[last : span.source.start] + span.text
            assert rebuilt[slice(*span.output)] == span.text
            last = span.source.end
        assert rebuilt + text[last:] == result.text


@given(NAMES, NAMES, st.sampled_from([str, str.upper, str.lower]))
def test_a_found_name_leaves_no_trace(given_name: str, surname: str, change: object) -> None:
    text = f"Seen by Dr. {given_name} {surname}. Later {change(surname)} called."
    for mode in ("tags", "surrogates"):
        result = deidentify(text, mode=mode, patient=KEY).text.lower()
        assert surname.lower() not in result
        assert given_name.lower() not in result


@given(st.dates(dt.date(1930, 1, 1), dt.date(2035, 1, 1)), st.integers(-4000, 4000))
def test_dates_move_by_exactly_the_shift(day: dt.date, shift: int) -> None:
    moved = day + dt.timedelta(days=shift)
    for form in ("{:%Y-%m-%d}", "{:%m/%d/%Y}", "{:%d-%b-%Y}", "{:%B %d, %Y}"):
        text = f"Film of {form.format(day)} was read."
        result = deidentify(text, language="en", shift_days=shift).text
        written = result.removeprefix("Film of ").removesuffix(" was read.")
        expected = form.format(moved)
        # without a zero to show, the width of a day is not known
        assert written.replace("0", "") == expected.replace("0", "")


@given(st.text(alphabet="0123456789-./ ", max_size=300), st.integers(1, 50))
def test_numbers_of_any_form_are_survived(text: str, times: int) -> None:
    assert isinstance(deidentify(text * times).text, str)
