"""Headings of many spellings, and words that are none."""

from __future__ import annotations

import pytest

from hilum.text.folding import fold
from hilum.text.headings import load_headings
from hilum.text.language import LANGUAGES
from hilum.text.rows import read_rows
from hilum.text.sections import split_sections

NAMES = frozenset(
    {"indication", "history", "technique", "comparison", "findings", "impression"}
    | {"addendum", "other", "body"}
)


def split(text: str, language: str = "en") -> list[tuple[str, str]]:
    sections = split_sections(fold(text), language=language, source=text)
    return [(section.name, text[slice(*section.span)]) for section in sections]


def names(text: str, language: str = "en") -> list[str]:
    return [name for name, _ in split(text, language)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The lungs are clear.", ["body"]),
        ("FINDINGS: Clear. IMPRESSION: Normal.", ["findings", "impression"]),
        ("Findings: Clear.\nImpression: Normal.", ["findings", "impression"]),
        ("findings: clear. impression: normal.", ["findings", "impression"]),
        ("IMPRESSION: Normal. FINDINGS: Clear.", ["impression", "findings"]),
        ("FINDINGS\nClear.\nIMPRESSION\nNormal.", ["findings", "impression"]),
        ("Findings\n\nClear.\n\nImpression\n\nNormal.", ["findings", "impression"]),
        ("FINDINGS Clear. IMPRESSION Normal.", ["findings", "impression"]),
        ("FINDINGS The lungs are clear. IMPRESSION 1. Normal.", ["findings", "impression"]),
        ("findings: clear. impression 1. normal.", ["findings", "impression"]),
        ("FINDINGS AND IMPRESSION: Clear.", ["findings"]),
        ("FINDINGS/IMPRESSION: Clear.", ["findings"]),
        ("Findings & Impression\nClear.", ["findings"]),
        ("Impression - no acute disease", ["impression"]),
        ("**IMPRESSION:** Normal", ["impression"]),
        ("CONCLUSION: Normal.", ["impression"]),
        ("OPINION:\nNormal.", ["impression"]),
        ("REPORT: Clear lungs.", ["findings"]),
        ("CLINICAL HISTORY: Cough. REPORT: Clear.", ["history", "findings"]),
        ("CLINICAL INFORMATION: Cough.", ["history"]),
        ("REASON FOR EXAM: Cough.", ["indication"]),
        ("REASON FOR THIS EXAMINATION:\nCough.", ["indication"]),
        ("INDICATIONS: Cough", ["indication"]),
        ("TECHNIQUE: PA view. COMPARISONS: None.", ["technique", "comparison"]),
        ("COMPARISON(S): None.", ["comparison"]),
        ("Comparison (date): None.", ["comparison"]),
        ("EXAMINATION: CHEST (PA AND LAT)", ["technique"]),
        ("RECOMMENDATION(S): CT.", ["other"]),
        ("IMPRESSION: Normal. ADDENDUM: Nodule.", ["impression", "addendum"]),
        ("CHEST, TWO VIEWS: Clear.", ["findings"]),
        ("Portable AP chest: Clear.", ["findings"]),
        ("WET READ: 2:34 PM clear\nFINAL REPORT\nCHEST\n\nFINDINGS: Clear.", None),
        ("<b>FINDINGS:</b> Clear.<br><b>IMPRESSION:</b> Normal.", ["findings", "impression"]),
        ("TECHNIQUE:  Chest COMPARISON:  ___ FINDINGS: Clear", None),
    ],
)
def test_headings_open_sections(text, expected):
    longer = {
        "WET": ["findings", "body", "findings"],
        "TEC": ["technique", "comparison", "findings"],
    }
    assert names(text) == (expected if expected is not None else longer[text[:3]])


@pytest.mark.parametrize(
    "text",
    [
        "Comparison is made to the prior study.",
        "The findings are consistent with edema.",
        "There are the following findings: nodule and effusion.",
        "Technique limits evaluation.",
        "FINDINGS ARE CONSISTENT WITH EDEMA.",
        "Clear lungs. Findings suggest edema.",
        "Impression of the heart on the esophagus.",
        "History of cough and fever.",
        "The examination is limited. Indication of edema is absent.",
        "LUNGS: Clear. HEART: Normal.",
        "Seen at 10:30. Ratio 2:1.",
        "Consistent with these\nfindings\nof edema.",
    ],
)
def test_false_friends_open_none(text):
    assert names(text) == ["body"]


def test_headless_findings_follow_an_indication_after_an_empty_line():
    text = "REASON FOR EXAM: Cough.\n\nThe lungs are clear.\n\nIMPRESSION: Normal."
    assert split(text) == [
        ("indication", "Cough."),
        ("body", "The lungs are clear."),
        ("impression", "Normal."),
    ]


def test_an_indication_of_two_paragraphs_stays_whole_before_findings():
    assert names("HISTORY: Cough.\n\nFever.\n\nFINDINGS: Clear.") == ["history", "findings"]


def test_a_topic_ends_a_comparison_but_not_findings():
    text = "COMPARISON: None\nLUNGS: Clear\nHEART: Normal"
    assert split(text) == [("comparison", "None"), ("findings", "LUNGS: Clear\nHEART: Normal")]
    assert names("FINDINGS:\nLUNGS: Clear\nHEART: Normal") == ["findings"]


def test_heading_span_covers_heading_and_colon():
    text = "Clear. IMPRESSION :  Normal"
    section = split_sections(fold(text))[-1]
    assert text[slice(*section.heading)] == "IMPRESSION :"
    assert text[slice(*section.span)] == "Normal"


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("es", "INDICACIÓN: tos. HALLAZGOS: sin derrame. IMPRESIÓN: normal.", "ifp"),
        ("fr", "Indication : toux. Résultats : pas d'épanchement. Conclusion : normal.", "ifp"),
        ("de", "Fragestellung: Husten.\nBefund: Kein Erguss.\nBeurteilung: Normal.", "ifp"),
        ("it", "Quesito clinico: tosse.\nReferto: non versamento.\nConclusioni: normale.", "ifp"),
        ("pt", "INDICAÇÃO: tosse. ACHADOS: sem derrame. IMPRESSÃO: normal.", "ifp"),
    ],
)
def test_other_languages_have_headings(language, text, expected):
    initials = {"i": "indication", "f": "findings", "p": "impression"}
    assert names(text, language) == [initials[letter] for letter in expected]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_row_before_a_colon_opens_its_section(language):
    for phrase, (name, style) in load_headings(language).rows.items():
        text = f"{phrase}: nil"
        (section,) = split_sections(text, language=language)
        expected = "body" if style == "topic" else name
        assert section.name == expected, phrase


def test_table_names_known_sections_only():
    for row in read_rows("sections.csv"):
        assert row["name"] in NAMES | {"topic"}
        assert row["style"] in {"strong", "colon", "title", "topic"}
        assert row["headings"] == row["headings"].lower()


@pytest.mark.parametrize("text", ["", "  \n\t ", "\x00\ufeff"])
def test_blank_text_has_no_section(text):
    assert split_sections(fold(text)) == ()
