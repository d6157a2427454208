"""Scopes of cues: what ends a list, what reaches back, what one cue does within another."""

from __future__ import annotations

import pytest

from hilum.text.folding import fold
from hilum.text.grammar import (
    AND,
    CLAUSE,
    COMMA,
    OR,
    QUESTION_AFTER,
    QUESTION_BEFORE,
    classify_gaps,
)
from hilum.text.reading import read_claims
from hilum.text.types import Assertion, Hit
from hilum.text.verdicts import PLAIN, Verdict, claim_of, nest, revise


def claims_of(sentence: str) -> dict[str, str]:
    return {claim.name: str(claim.assertion) for claim in read_claims(fold(sentence), "en")}


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        (
            "No pneumothorax, effusion, or consolidation.",
            {"pneumothorax": "absent", "pleural_effusion": "absent", "consolidation": "absent"},
        ),
        (
            "No pneumothorax, effusion or mild edema.",
            {"pneumothorax": "absent", "pleural_effusion": "absent", "edema": "absent"},
        ),
        (
            "No pneumothorax, stable cardiomegaly.",
            {"pneumothorax": "absent", "cardiomegaly": "present"},
        ),
        (
            "No effusion and mild cardiomegaly.",
            {"pleural_effusion": "absent", "cardiomegaly": "present"},
        ),
        (
            "No pneumothorax, right chest tube in place.",
            {"pneumothorax": "absent", "chest_tube": "present"},
        ),
        (
            "No effusion, a small pneumothorax.",
            {"pleural_effusion": "absent", "pneumothorax": "present"},
        ),
        (
            "No pneumothorax is seen, heart is enlarged.",
            {"pneumothorax": "absent", "cardiomegaly": "present"},
        ),
        (
            "No focal consolidation, pneumothorax, or definite effusion.",
            {"consolidation": "absent", "pneumothorax": "absent", "pleural_effusion": "absent"},
        ),
        (
            "Possible pneumonia and mild cardiomegaly.",
            {"pneumonia": "uncertain", "cardiomegaly": "present"},
        ),
    ],
)
def test_a_list_goes_on_until_a_new_statement_begins(sentence, expected):
    assert claims_of(sentence) == expected


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        (
            "Pneumothorax and effusion are not seen.",
            {"pneumothorax": "absent", "pleural_effusion": "absent"},
        ),
        (
            "The heart is enlarged and pneumothorax is not seen.",
            {"cardiomegaly": "present", "pneumothorax": "absent"},
        ),
        (
            "Cardiomegaly is stable, effusion has resolved.",
            {"cardiomegaly": "present", "pleural_effusion": "absent"},
        ),
        ("Previously noted effusion is not seen.", {"pleural_effusion": "absent"}),
        ("The tip of the chest tube is not seen.", {"chest_tube": "present"}),
        (
            "Heart size, mediastinum and hila are normal.",
            {"cardiomegaly": "absent", "enlarged_cardiomediastinum": "absent"},
        ),
        (
            "Cardiomegaly with normal pulmonary vasculature.",
            {"cardiomegaly": "present", "vascular_congestion": "absent"},
        ),
    ],
)
def test_a_cue_behind_its_words_reaches_back_over_their_list_only(sentence, expected):
    assert claims_of(sentence) == expected


@pytest.mark.parametrize(
    ("sentence", "assertion"),
    [
        ("The lung is not free of infiltrate.", "present"),
        ("No suspicious infiltrate.", "absent"),
        ("No change in infiltrate.", "present"),
        ("Evaluate for possible infiltrate.", "hypothetical"),
        ("No history of infiltrate.", "absent"),
        ("Infiltrate?", "uncertain"),
        ("? infiltrate", "uncertain"),
        ("Infiltrate, cannot be excluded.", "not_assessed"),
        ("Infiltrate: none.", "absent"),
        ("Compared to the prior film, infiltrate is present.", "present"),
    ],
)
def test_cues_within_cues_and_alone(sentence, assertion):
    assert claims_of(sentence)["infiltration"] == assertion


def test_position_and_expansion_say_nothing_of_disease():
    assert claims_of("The lungs are well expanded.") == {}
    assert claims_of("The lungs are well expanded and clear.") == {"lung_opacity": "absent"}


def test_a_differential_is_doubted_without_a_cue_but_not_a_list():
    assert claims_of("Atelectasis or infiltrate.") == {
        "atelectasis": "uncertain",
        "infiltration": "uncertain",
    }
    assert set(claims_of("Atelectasis and infiltrate.").values()) == {"present"}
    assert claims_of("Opacity, atelectasis or infiltrate.")["lung_opacity"] == "present"


def test_degrees_follow_the_wording():
    def degree(sentence: str) -> float | None:
        return read_claims(fold(sentence), "en")[0].degree

    assert degree("Pneumonia.") == 1.0
    assert degree("No pneumonia.") == 0.0
    assert degree("History of pneumonia.") is None
    unlikely, possible, probable = map(
        degree, ("Pneumonia is unlikely.", "Possible pneumonia.", "Probable pneumonia.")
    )
    assert unlikely is not None
    assert possible is not None
    assert probable is not None
    assert 0 < unlikely < possible < probable < 1


def test_verdicts_nest_revise_and_claim():
    no, maybe, gone = (
        Verdict("absent", 0.5, 0),
        Verdict("uncertain", 0.7, 1),
        Verdict("resolved", 0.5, 2),
    )
    assert nest(no, maybe) == no
    assert nest(no, gone) is None
    assert nest(maybe, Verdict("suggests", 0.5, 3)) == Verdict("suggests", 0.5, 3)
    assert revise(no, maybe) == no
    assert revise(maybe, no) == no
    assert revise(None, maybe) == maybe
    assert claim_of(*PLAIN[:2]) == (Assertion.PRESENT, 1.0)
    assert claim_of("normal", 0.3) == (Assertion.UNCERTAIN, 0.3)
    assert claim_of("suggests", 0.9) == (Assertion.PRESENT, 1.0)


def test_gaps_tell_how_a_sentence_is_built():
    def flags(gap: str) -> int:
        hits = [Hit(0, 1, "finding", "a"), Hit(1 + len(gap), 2 + len(gap), "finding", "b")]
        return classify_gaps(f"a{gap}b", hits, "en")[1]

    assert flags(", and ") == COMMA | AND
    assert flags(" or ") == OR
    assert flags(" is seen, ") & CLAUSE
    assert not flags(", is ") & CLAUSE
    assert flags("\n") == CLAUSE
    assert flags("? ") == QUESTION_AFTER
    assert flags(" ?") == QUESTION_BEFORE
