"""From text to document: offsets, contexts, the claims path, bad input."""

from __future__ import annotations

import pytest

from hilum.errors import InvalidValueError
from hilum.text.parsing import claims, parse
from hilum.text.reading import read_sentence
from hilum.text.types import Assertion

REPORT = """INDICATION: Chest pain, history of COPD, rule out pneumothorax.
COMPARISON: Film of last year with a left effusion.
FINDINGS: The heart is mildly enlarged. No pneumothorax or effusion. A 7 mm nodule in the
right upper lobe, possibly a granuloma, is unchanged since the prior exam.
IMPRESSION: 1. Cardiomegaly. 2. Right PICC with its tip in the SVC."""


def test_every_span_points_at_its_words():
    document = parse(REPORT)
    words = {
        mention.name: [document.slice(span) for span in mention.spans]
        for mention in document.mentions
        if document.sections[document.sentences[mention.sentence].section].name == "findings"
    }
    assert words["nodule"] == ["nodule"]
    assert words["pneumothorax"] == ["pneumothorax"]
    assert words["upper_lobe"] == ["upper lobe"]
    nodule = next(row for row in document.observations if row.name == "nodule")
    assert [document.slice(size.span) for size in nodule.sizes] == ["7 mm"]
    assert nodule.compared_with is not None
    assert "prior exam" in document.slice(nodule.compared_with)
    assert {document.slice(a.span) for a in document.attributes if a.kind == "severity"} == {
        "mildly"
    }


def test_indexes_agree_with_each_other():
    document = parse(REPORT)
    for row in document.observations:
        mention = document.mentions[row.mention]
        assert (mention.kind, mention.assertion) == (row.kind, row.assertion)
        assert mention.sentence == row.sentence
    for attribute in document.attributes:
        sentence = document.sentences[document.mentions[attribute.mention].sentence]
        assert sentence.span.start <= attribute.span.start < sentence.span.end
    for relation in document.relations:
        source, target = document.mentions[relation.source], document.mentions[relation.target]
        assert source.sentence == target.sentence


def test_a_request_and_a_prior_claim_nothing_present():
    found = {
        (o.name, str(o.assertion))
        for o in parse(REPORT).observations
        if o.assertion in (Assertion.HISTORICAL, Assertion.HYPOTHETICAL)
    }
    assert found == {
        ("copd", "historical"),
        ("pneumothorax", "hypothetical"),
        ("pleural_effusion", "historical"),
    }
    (row,) = read_sentence("possible pneumonia", "en", "request").observations
    assert (row.assertion, row.degree) == (Assertion.HYPOTHETICAL, None)
    (row,) = read_sentence("known sarcoidosis", "en", "request").observations
    assert row.assertion is Assertion.HISTORICAL
    (row,) = read_sentence("known sarcoidosis", "en").observations
    assert row.assertion is Assertion.PRESENT


def test_claims_are_those_of_the_observations_that_report():
    document = parse(REPORT)
    silent = {"indication", "comparison"}
    expected = {
        (o.name, o.assertion, o.degree)
        for o in document.observations
        if document.sections[document.sentences[o.sentence].section].name not in silent
    }
    assert {tuple(claim) for claim in claims(REPORT)} == expected
    assert ("cardiomegaly", Assertion.PRESENT, 1.0) in expected


@pytest.mark.parametrize("text", ["", "   \n", "\x00\x01", "漢字の報告", "{}<>&;", "???", ",,,;;;"])
def test_what_is_no_report_language_claims_nothing(text):
    document = parse(text)
    assert document.text == text
    assert document.observations == ()
    assert claims(text) == []


def test_an_unknown_language_is_refused_with_the_known_ones():
    with pytest.raises(InvalidValueError, match="use one of en"):
        parse("No effusion.", language="xx")


def test_the_language_may_be_given_or_found():
    assert parse("No pleural effusion is seen.").language == "en"
    assert parse("No pleural effusion is seen.", language="en").language == "en"


def test_repeated_sentences_are_equal_but_for_their_place():
    first, second = parse("Left effusion. Left effusion.").observations
    assert (first.name, first.side, first.degree) == (second.name, second.side, second.degree)
    assert (first.sentence, second.sentence) == (0, 1)
    document = parse("Left effusion. Left effusion.")
    spans = [m.spans[0] for m in document.mentions]
    assert [document.slice(span) for span in spans] == ["effusion", "effusion"]
    assert spans[0] != spans[1]
