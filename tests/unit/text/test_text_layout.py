"""The quick way through a report's common layout gives what the rules give."""

import pytest

from hilum.text.folding import fold
from hilum.text.layout import forget_pieces, split_report
from hilum.text.sections import split_sections
from hilum.text.sentences import split_sentences


def by_rules(text, language="en"):
    folded = fold(text)
    sections = split_sections(folded, language=language, source=text)
    return sections, split_sentences(folded, sections)


@pytest.mark.parametrize(
    "text",
    [
        "FINDINGS: The lungs are clear. No effusion.\nIMPRESSION: No acute disease.",
        "FINDINGS: Heart size normal. Seen by Dr. Smith. No nodule",
        "FINDINGS: Nodule of 3.5 cm. IMPRESSION Stable.",
        "FINDINGS: Clear lungs. Impression stable.",
        "FINDINGS: Clear lungs. FINDINGS The heart is large.",
        "FINDINGS: Clear; HISTORY of cough.",
        "FINDINGS: Clear (impression 1) stable.",
        "FINDINGS: Clear lungs. Impression - stable.",
        "FINDINGS: Clear lungs. Lungs: clear.",
        "Lungs: clear lungs.\nHeart: normal.",
        "COMPARISON:\nFINDINGS: clear.",
        "COMPARISON: \nFINDINGS: clear.",
        "FINDINGS:  two blanks. No effusion.",
        "FINDINGS: trailing blanks.   \nIMPRESSION: none   ",
        "IMPRESSION: 1. No effusion. 2. Small nodule.",
        "FINDINGS: Is there a nodule? No. Clear lungs!",
        "FINDINGS: wrapped text goes\non in the next line.\nIMPRESSION: clear.",
        "FINDINGS: clear.\n\nIMPRESSION: clear.",
        "no heading at all. clear lungs.",
        "FINDINGS: abc..  d. \nIMPRESSION: . ",
        "FINDINGS: Clear lungs. No effusion..",
        "findings: Épanchement pleural. No effusion.",
        "",
        "\n",
        ": ",
    ],
)
def test_quick_and_ruled_way_agree(text):
    for _ in range(2):  # pieces new, and remembered
        assert split_report(fold(text), language="en", source=text) == by_rules(text)
    forget_pieces()


def test_headings_of_other_languages_count():
    text = "hallazgos: sin derrame pleural. silueta normal.\nconclusion: normal."
    sections, sentences = split_report(text, language="es", source=text)
    assert (sections, sentences) == by_rules(text, "es")
    assert [section.name for section in sections] == ["findings", "impression"]


def test_capitals_in_the_source_are_looked_at_each_time():
    plain, shouted = "FINDINGS: Clear. Chest is fine.", "FINDINGS: Clear. CHEST is fine."
    for text in (plain, shouted, plain):
        assert split_report(fold(text), language="en", source=text) == by_rules(text)
