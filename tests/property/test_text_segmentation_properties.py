"""Folding, sections, sentences and comparisons over arbitrary and report-like text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.text.comparison import find_comparisons, remove_comparisons
from hilum.text.folding import fold
from hilum.text.language import LANGUAGES, detect_language
from hilum.text.layout import split_report
from hilum.text.sections import split_sections
from hilum.text.sentences import LONGEST_SENTENCE, split_sentences

FRAGMENTS = st.sampled_from(
    [
        *("FINDINGS:", "Impression", "IMPRESSION 1.", "comparison:", "LUNGS:", "(s)", "CHEST PA:"),
        *("stable", "new", "unchanged", "no longer", "interval", "increase in", "has resolved"),
        *("compared to the prior study", "since XXXX", "again seen is", "previously", "worse"),
        *("the", "no", "effusion", "cardiomegaly", "heart size", "is", "are", "and", "but", "with"),
        *(
            ".",
            "..",
            ",",
            ";",
            ":",
            "?",
            "\n",
            "\n\n",
            " ",
            "  ",
            "- ",
            "1. ",
            "2) ",
            "___",
            "XXXX",
        ),
        *("3.5", "cm", "Dr.", "vs.", "e.g.", "01.02.2020", "<br>", "&eacute;", "\\par ", "{\\rtf1"),
        *(
            "Ã©",
            "â€™",
            "\u0130",
            "\u00df",
            "\u2028",
            "\x00",
            "\ufeff",
            "e\u0301",
            "\ud800",
            "<",
            "&",
        ),
    ]
)
TEXTS = st.one_of(
    st.text(st.characters(), max_size=200),
    st.lists(st.one_of(FRAGMENTS, st.text(max_size=3)), max_size=40).map("".join),
    st.lists(FRAGMENTS, max_size=40).map(" ".join),
)


@given(TEXTS)
def test_folding_keeps_the_length_and_is_settled_at_once(text):
    folded = fold(text)
    assert len(folded) == len(text)
    assert folded == folded.lower()
    assert detect_language(folded) in LANGUAGES


@given(
    st.text(
        st.characters(
            codec="ascii", exclude_characters="<&\\{", min_codepoint=32, max_codepoint=126
        )
    )
)
def test_folding_plain_text_is_lower_casing(text):
    assert fold(text) == text.lower()


LINES = st.lists(
    st.tuples(
        st.sampled_from(["FINDINGS: ", "Impression: ", "History: ", "lungs: ", "CHEST ", "x: "]),
        st.lists(
            st.sampled_from(
                ["The lungs are clear", "No effusion", "Seen by Dr", "IMPRESSION stable", "Chest",
                 "1", "3.5 cm", "impression - none", "HISTORY", "a (b)", "why? no", "Lungs", ""]
            ),
            max_size=5,
        ).map(". ".join),
        st.sampled_from(["", ".", "..", " ", ".  "]),
    ).map("".join),
    min_size=1,
    max_size=4,
).map("\n".join)  # fmt: skip


@given(st.one_of(LINES, TEXTS), st.sampled_from(LANGUAGES))
def test_the_common_layout_is_split_as_the_rules_split_it(text, language):
    folded = fold(text)
    sections = split_sections(folded, language=language, source=text)
    expected = sections, split_sentences(folded, sections)
    assert split_report(folded, language=language, source=text) == expected


@given(TEXTS, st.sampled_from(LANGUAGES), st.booleans())
def test_sections_are_ordered_and_cover_the_text(text, language, has_source):
    folded = fold(text)
    sections = split_sections(folded, language=language, source=text if has_source else None)
    end = 0
    for section in sections:
        assert end <= section.heading.start <= section.heading.end <= section.span.start
        assert section.span.start <= section.span.end <= len(text)
        # what lies between sections is blank, or decoration such as asterisks
        assert not any(map(str.isalnum, folded[end : section.heading.start]))
        assert not folded[section.heading.end : section.span.start].strip()
        end = section.span.end
    assert not any(map(str.isalnum, folded[end:]))


@given(TEXTS)
def test_sentences_are_ordered_disjoint_and_cover_their_section(text):
    folded = fold(text)
    sections = split_sections(folded, source=text)
    sentences = split_sentences(folded, sections)
    ends = [section.span.start for section in sections]
    previous = 0
    for (start, end), section in sentences:
        assert ends[section] <= start < end <= sections[section].span.end
        assert start >= previous
        assert not folded[ends[section] : start].strip()
        assert end - start <= LONGEST_SENTENCE
        assert not folded[start].isspace()
        assert not folded[end - 1].isspace()
        ends[section] = previous = end
    for section, end in zip(sections, ends, strict=True):
        assert not folded[end : section.span.end].strip()


@given(TEXTS)
@settings(deadline=None)
def test_removing_comparisons_removes_them_all_at_once(text):
    mentions = find_comparisons(text)
    spans = [mention.span for mention in mentions]
    assert spans == sorted(spans)
    assert all(0 <= start < end <= len(text) for start, end in spans)
    rewrite = remove_comparisons(text)
    assert find_comparisons(rewrite.text) == ()
    assert remove_comparisons(rewrite.text).text == rewrite.text
    if not mentions:
        assert rewrite.text == text


STATEMENTS = st.sampled_from(
    ["Cardiomegaly.", "No effusion.", "The lungs are clear.", "Nodule of 3.5 cm.", "XXXX."]
)


@given(st.lists(STATEMENTS, min_size=1, max_size=8), st.sampled_from([" ", "  ", "\n", "\n\n"]))
def test_statements_come_apart_however_they_are_joined(statements, blank):
    text = blank.join(statements)
    folded = fold(text)
    sentences = split_sentences(folded, split_sections(folded, source=text))
    assert [text[slice(*sentence.span)] for sentence in sentences] == statements


@pytest.mark.parametrize(
    "unit",
    [
        *(
            "<",
            "<style ",
            "<!--",
            "&amp;",
            "&#",
            "\\",
            "{\\rtf1 ",
            "{\\fonttbl ",
            "Ã",
            "Ã©",
            "\x00",
        ),
        *("a:", ":", ".", "\n", " ", "1. ", "a.b.", "(", "findings ", "FINDINGS: ", "- ", "?", "x"),
        *("e\u0301", "no change ", "the the ", "prior ", "XXXX ", "stable ", "and ", ", ", "is "),
    ],
)
def test_long_repeats_go_through(unit):
    """No timing: a pattern that blew up on a repeat would not end within the suite's patience."""
    text = unit * (20_000 // len(unit))
    folded = fold(text)
    assert len(folded) == len(text)
    sections = split_sections(folded, source=text)
    assert len(split_sentences(folded, sections)) <= len(text)
    assert find_comparisons(remove_comparisons(text).text) == ()
