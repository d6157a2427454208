"""Sides, places, sizes, counts and changes reach the finding that they are said of."""

from __future__ import annotations

import pytest

from hilum.text.chunks import find_extras, split_chunks
from hilum.text.devices import has_tip, is_tip_place, position_at
from hilum.text.folding import fold
from hilum.text.grammar import classify_gaps
from hilum.text.lexicon import load_lexicon
from hilum.text.matching import match_terms
from hilum.text.reading import read_sentence
from hilum.text.sides import organ_group
from hilum.text.sizes import find_count, find_sizes, millimetres_of
from hilum.text.types import Observation


def rows_of(sentence: str) -> list[Observation]:
    return list(read_sentence(fold(sentence), "en").observations)


def sides_of(sentence: str) -> list[tuple[str, str]]:
    return [(row.name, row.side) for row in rows_of(sentence)]


@pytest.mark.parametrize(
    ("text", "millimetres"),
    [
        ("1.2 cm", (12.0,)),
        ("12 x 9 mm", (12.0, 9.0)),
        ("5 mm to 8 mm", (5.0, 8.0)),
        ("5-8 mm", (5.0, 8.0)),
        ("5 x 4 x 3 cm", (50.0, 40.0, 30.0)),
        ("1,2 cm", (12.0,)),
        (".5 cm", (5.0,)),
        ("3-mm", (3.0,)),
        ("8 millimeters", (8.0,)),
        ("2 centimètres", (20.0,)),
        ("4 zentimeter", (40.0,)),
        ("2 centímetros", (20.0,)),
    ],
)
def test_sizes_are_read_in_millimetres(text, millimetres):
    (hit,) = find_sizes(f"nodule of {text} here")
    assert millimetres_of(hit.name) == millimetres
    assert f"nodule of {text} here"[hit.start : hit.end] == text


@pytest.mark.parametrize(
    "text", ["t12", "2 inches", "5th rib", "exam of 2010", "3 cmh", "x", "99999 cm"]
)
def test_other_numbers_are_no_sizes(text):
    assert find_sizes(text) == []


def test_a_bare_number_before_a_finding_is_a_count():
    assert find_count("there are 4 ") == (10, 11, "4")
    assert find_count("t12 ") is None
    assert find_count("4 of the ") is None
    assert rows_of("There are 4 nodules.")[0].count == "4"


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        (
            "Right greater than left pleural effusions.",
            [("pleural_effusion", "bilateral")],
        ),
        (
            "Bilateral effusions, right greater than left.",
            [("pleural_effusion", "bilateral")],
        ),
        (
            "Left effusion and cardiomegaly.",
            [("pleural_effusion", "left"), ("cardiomegaly", "")],
        ),
        (
            "Left effusion and atelectasis.",
            [("pleural_effusion", "left"), ("atelectasis", "left")],
        ),
        (
            "Opacity in the right lung and left effusion.",
            [("lung_opacity", "right"), ("pleural_effusion", "left")],
        ),
        ("ETT in the right main bronchus.", [("endotracheal_tube", "")]),
        ("Middle lobe opacity.", [("lung_opacity", "right")]),
        (
            "Lungs are clear bilaterally, with no effusion.",
            [("pleural_effusion", ""), ("lung_opacity", "bilateral")],
        ),
    ],
)
def test_sides_go_to_what_they_are_said_of(sentence, expected):
    assert sorted(sides_of(sentence)) == sorted(expected)


def test_each_side_keeps_its_own_severity():
    rows = {row.side: row.severity for row in rows_of("Small right and large left effusions.")}
    assert rows == {"right": "mild", "left": "severe"}
    rows = {row.side: row.severity for row in rows_of("Small right and left effusions.")}
    assert rows == {"right": "mild", "left": "mild"}


def test_a_predicate_speaks_of_its_whole_subject_and_of_no_other():
    rows = rows_of("Effusion and atelectasis are unchanged.")
    assert [row.change for row in rows] == ["unchanged", "unchanged"]
    rows = rows_of("Cardiomegaly, stable mediastinal contours.")
    assert [(row.change, row.places) for row in rows] == [("", ())]


@pytest.mark.parametrize(
    ("sentence", "change"),
    [
        ("No new effusion.", ""),
        ("Effusion has resolved.", "resolved"),
        ("Effusion has nearly resolved.", "decreased"),
        ("Persistent effusion, slightly increased.", "increased"),
    ],
)
def test_change_agrees_with_what_is_claimed(sentence, change):
    assert rows_of(sentence)[0].change == change


@pytest.mark.parametrize(
    ("sentence", "changes"),
    [
        ("Consolidation with air bronchograms, unchanged since the prior.", ["unchanged"] * 2),
        ("Consolidation with air bronchograms is larger.", ["increased"] * 2),
        ("Left chest tube with residual pneumothorax, decreased.", ["", "decreased"]),
        ("Low lung volumes and effusions with atelectasis are larger.", ["", *["increased"] * 2]),
        ("Consolidation, a new nodule.", ["", "new"]),
    ],
)
def test_a_change_said_last_is_of_a_finding_and_of_what_it_is_with(sentence, changes):
    assert [row.change for row in rows_of(sentence)] == changes


def test_the_words_that_name_the_prior_are_kept():
    text = fold("Compared to the prior study of 2010, the effusion has increased.")
    (row,) = read_sentence(text, "en").observations
    assert row.compared_with is not None
    assert text[slice(*row.compared_with)].endswith("prior study of 2010")


def test_tips_of_tubes_and_what_their_place_means():
    (row,) = rows_of("Endotracheal tube tip 4 cm above the carina.")
    assert (row.tip, row.places, row.sizes[0].to) == ("carina", (), "carina")
    assert row.sizes[0].millimetres == (40.0,)
    assert has_tip("picc")
    assert not has_tip("surgical_clips")
    assert is_tip_place("carina")
    assert not is_tip_place("lung_base")
    assert position_at("endotracheal_tube", "main_bronchus") == "malpositioned"
    assert position_at("chest_tube", "main_bronchus") == ""


def test_findings_on_the_same_words_each_have_their_own_place():
    rows = {row.name: row.places for row in rows_of("The heart and mediastinum are enlarged.")}
    assert rows == {
        "cardiomegaly": ("cardiac_silhouette",),
        "enlarged_cardiomediastinum": ("mediastinum",),
    }


def test_half_of_a_place_takes_the_noun_of_the_whole():
    text = fold("Nodules in the upper and lower lobes.")
    reading = read_sentence(text, "en")
    words = {
        mention.name: " ".join(text[a:b] for a, b in mention.spans)
        for mention in reading.mentions
        if mention.kind == "anatomy"
    }
    assert words == {"upper_lobe": "upper lobes", "lower_lobe": "lower lobes"}


def test_chunks_split_at_signs_prepositions_and_verbs():
    text = fold("Small effusion in the left base is unchanged.")
    hits = match_terms(text, load_lexicon("en"))
    gaps = classify_gaps(text, hits, "en")
    chunks = split_chunks(hits, gaps)
    assert [[hits[at].kind for at in range(c.start, c.end)] for c in chunks] == [
        ["severity", "finding"],
        ["side", "anatomy"],
        ["change"],
    ]
    assert find_extras(text, hits, gaps, "en") == []


def test_organ_groups_hold_lung_and_pleura_together_and_the_heart_apart():
    assert organ_group("pleural_effusion") == organ_group("atelectasis") != ""
    assert organ_group("heart_failure") == ""
