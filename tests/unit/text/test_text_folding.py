"""Folding keeps every offset and loses all that is not report."""

from __future__ import annotations

import sys

import pytest

from hilum.text.folding import fold, strip_accents


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("No Pleural EFFUSION", "no pleural effusion"),
        ("<p>Clear</p><b>lungs</b>", "clear lungs"),
        ("size <5 mm and >2 mm", "size <5 mm and >2 mm"),
        ("either and\\or both", "either and\\or both"),
        ("heart &amp; lungs&nbsp;clear", "heart & lungs clear"),
        ("patient&#39;s &quot;left&quot;", 'patient\'s "left "'),
        ("opacit&eacute; pl&eacute;urale", "opacité pléurale"),
        ("<!-- note --><style>p {}</style>clear", "clear"),
        ("<unknown> clear", "<unknown> clear"),
        ("{\\rtf1\\ansi{\\fonttbl{\\f0 Arial;}}\\f0\\fs20 No effusion\\par}", "no effusion"),
        ("{\\rtf1 \\b Impression\\b0 : \\'e9panchement}", "impression : épanchement"),
        ("clear.\\.br\\no effusion", "clear. no effusion"),
        ("clear.\\nno effusion", "clear. no effusion"),
        ("Clear\\r\\nNo effusion", "clear no effusion"),
        ("left\\right mass\\nodule", "left\\right mass\\nodule"),
        ("it\u2019s \u201cclear\u201d \u2013 3 \u00d7 4 cm\u2026", 'it\'s "clear" - 3 x 4 cm.'),
        ("pÃ©ricarde Â° donâ€™t", "péricarde ° don't"),
        ("\ufeffpneumo\u200bthorax\u00ad", "pneumothorax"),
        ("opacite\u0301", "opacité"),
        ("heart\x07lungs\x1fclear", "heart lungs clear"),
        ("N\x00o\x00 e\x00ffusion", "no effusion"),
        ("\uff26\uff29ndings", "findings"),
        ("gro\u00df \u0130 \u00c4", "gro\u00df i ä"),
        ("no\u00a0effusion\u2003seen", "no effusion seen"),
    ],
)
def test_folded_words_are_plain(text, words):
    folded = fold(text)
    assert " ".join(folded.split()) == words
    assert len(folded) == len(text)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a\r\nb", 2),
        ("a\rb\x0bc\x0cd", 4),
        ("a\u2028b", 2),
        ("findings:<br>clear", 2),
        ("<li>a<li>b", 3),
        ("{\\rtf1 a\\par b}", 2),
        ("a<b>\n</b>c", 2),
        ("a\tb", 1),
    ],
)
def test_every_kind_of_line_end_is_a_newline(text, lines):
    assert len(fold(text).split("\n")) == lines


def test_offsets_of_words_after_markup_are_those_of_the_source():
    source = "<p class='x'>FINDINGS:&nbsp;d&eacute;riv&eacute; <i>Effusion</i> \u0130 Nodule</p>"
    folded = fold(source)
    for word in ("findings", "effusion", "nodule"):
        start = folded.index(word)
        assert source[start : start + len(word)].lower() == word


def test_no_character_changes_the_length():
    for first in range(0, sys.maxunicode + 1, 4096):
        text = "".join(map(chr, range(first, min(first + 4096, sys.maxunicode + 1))))
        assert len(fold(text)) == len(text)


def test_accents_are_stripped_one_for_one():
    assert strip_accents("opacité é ñ ç ü õ œ ß") == "opacite e n c u o œ ß"
