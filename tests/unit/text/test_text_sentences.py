"""Where sentences end, and where a period or line end does not end one."""

from __future__ import annotations

import pytest

from hilum.text.folding import fold
from hilum.text.sections import split_sections
from hilum.text.sentences import LONGEST_SENTENCE, split_sentences


def split(text: str, language: str = "en") -> list[str]:
    folded = fold(text)
    sections = split_sections(folded, language=language, source=text)
    return [text[slice(*sentence.span)] for sentence in split_sentences(folded, sections)]


@pytest.mark.parametrize(
    "text",
    [
        "Nodule of 3.5 cm in the apex.",
        "Nodule of .5 cm.",
        "Mass 1.9 x 1.8 cm.",
        "Dr. Smith was informed.",
        "Seen by J. Smith today.",
        "Effusion vs. atelectasis.",
        "Measures approx. 3 cm.",
        "Devices, e.g. a pacemaker, are seen.",
        "Devices (i.e., a pacemaker) are seen.",
        "Study of 01.02.2020 reviewed.",
        "Called at 5 p.m. by telephone.",
        "Called at 10.30 today.",
        "See image no. 5 of the series.",
        "Fraktur der 5. Rippe links.",
        "Voraufnahme vom 12.03. liegt vor.",
        "Herz bzw. Mediastinum normal.",
        "?pneumonia",
        "Nodule (?) in the apex.",
        "Opacity; no effusion; heart normal.",
        "Opacity ... in the base.",
        "The lungs are\nclear.",
        "No evidence of\npneumothorax, effusion or\nconsolidation.",
        "LUNGS: Clear",
        "1. No acute disease.",
        "a. No acute disease.",
        "(1) No acute disease.",
        "- No acute disease.",
        "No effusion..",
        "No effusion. .",
    ],
)
def test_one_sentence_stays_one(text):
    assert split(text) == [text]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("No effusion. Heart normal.", ["No effusion.", "Heart normal."]),
        ("no effusion. heart normal.", ["no effusion.", "heart normal."]),
        ("Clear.No effusion.", ["Clear.", "No effusion."]),
        ("Lungs clear..No effusion", ["Lungs clear..", "No effusion"]),
        ("Nodule in T5.No fracture.", ["Nodule in T5.", "No fracture."]),
        ("Nodule of 3.5 cm. No effusion.", ["Nodule of 3.5 cm.", "No effusion."]),
        ("Seen in 2010. The heart is big.", ["Seen in 2010.", "The heart is big."]),
        ("XXXX. No effusion.", ["XXXX.", "No effusion."]),
        ("Compared to ___. No effusion.", ["Compared to ___.", "No effusion."]),
        ("No effusion in XXXX-XXXX. Clear.", ["No effusion in XXXX-XXXX.", "Clear."]),
        ("Effusion? Yes! Large.", ["Effusion?", "Yes!", "Large."]),
        ("Tube, line, etc. The heart is big.", ["Tube, line, etc.", "The heart is big."]),
        ("1. Nodule. 2. Effusion.", ["1. Nodule.", "2. Effusion."]),
        ("1. Nodule 2. Effusion 3. Mass", ["1. Nodule", "2. Effusion", "3. Mass"]),
        ("1) Nodule 2) Effusion", ["1) Nodule", "2) Effusion"]),
        ("1. Nodule\n2. Effusion", ["1. Nodule", "2. Effusion"]),
        ("1.Nodule.\n2.Effusion.", ["1.Nodule.", "2.Effusion."]),
        ("Nodule.\n- Effusion\n- Mass", ["Nodule.", "- Effusion", "- Mass"]),
        ("* Nodule\n* Effusion", ["* Nodule", "* Effusion"]),
        ("\u2022 Nodule\n\u2022 Effusion", ["\u2022 Nodule", "\u2022 Effusion"]),
        ("Lungs clear\n\nHeart normal", ["Lungs clear", "Heart normal"]),
        ("Lungs clear\nNo effusion", ["Lungs clear", "No effusion"]),
        ("LUNGS: Clear\nHEART: Big", ["LUNGS: Clear", "HEART: Big"]),
        ("Clear<br>No effusion", ["Clear", "No effusion"]),
        ("(Nodule.) Heart big.", ["(Nodule.)", "Heart big."]),
        ("He said \u201cclear.\u201d Heart big.", ["He said \u201cclear.\u201d", "Heart big."]),
        ("Seen by Dr. X. No effusion.", ["Seen by Dr. X. No effusion."]),
        ("No effusion .Heart big . Clear", ["No effusion .Heart big .", "Clear"]),
    ],
)
def test_sentences_end_where_they_end(text, expected):
    if "Dr. X" in text:
        expected = ["Seen by Dr. X.", "No effusion."]
    assert split(text) == expected


def test_sentences_know_their_section():
    folded = "findings: clear. no effusion. impression: normal."
    sections = split_sections(folded)
    sentences = split_sentences(folded, sections)
    assert [sentence.section for sentence in sentences] == [0, 0, 1]


def test_endless_text_is_cut_at_blanks():
    text = "opacity " * 2000
    pieces = split(text)
    assert all(len(piece) <= LONGEST_SENTENCE for piece in pieces)
    assert all(piece.split(" ")[0] == "opacity" == piece.split(" ")[-1] for piece in pieces)
    assert sum(piece.count("opacity") for piece in pieces) == 2000


def test_endless_word_is_cut_anyway():
    assert [len(piece) for piece in split("x" * 4100)] == [2000, 2000, 100]


def test_list_wrapped_over_lines_keeps_its_items_whole():
    text = "1. Small right pleural\neffusion.\n2. No pneumothorax\nor edema."
    assert split(text) == ["1. Small right pleural\neffusion.", "2. No pneumothorax\nor edema."]
