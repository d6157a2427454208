"""The lexicons are well formed, name only what the ontology has, and name all of it."""

import csv
from functools import cache
from importlib import resources

import pytest

from hilum import ontology
from hilum.errors import InvalidValueError
from hilum.text.lexicon import (
    ATTRIBUTE_KINDS,
    CUE_CATEGORIES,
    LANGUAGES,
    TERM_KINDS,
    load_lexicon,
)
from hilum.text.phrases import expand_row, tokenize, tokenize_spans

FOLDER = resources.files("hilum.text") / "lexicon"
PARTS = {part for concept in ontology.findings() for part in concept.parts}


def rows(path):
    return list(csv.DictReader((FOLDER / path).read_text(encoding="utf-8").splitlines()))


def findings():
    return {concept.name for concept in ontology.findings() if concept.kind != "device"}


def available():
    return [code for code in LANGUAGES if (FOLDER / code / "terms.csv").is_file()]


@cache
def names_of(kind):
    if kind in ATTRIBUTE_KINDS:
        return set(ontology.attribute_values(kind))
    return {
        "finding": findings(),
        "device": set(ontology.device_names()),
        "anatomy": set(ontology.place_names()),
        "part": PARTS,
        "state": {row["state"] for row in rows("compositions.csv")}
        | {row["place"] for row in rows("compositions.csv")},
    }[kind]


def test_english_is_there():
    assert "en" in available()


@pytest.mark.parametrize("language", available())
def test_a_lexicon_names_only_what_the_ontology_has(language):
    for table, kinds in (("terms", TERM_KINDS), ("attributes", ATTRIBUTE_KINDS)):
        for row in rows(f"{language}/{table}.csv"):
            assert row["kind"] in kinds, row
            assert row["name"] in names_of(row["kind"]), row


@pytest.mark.parametrize("language", available())
def test_a_lexicon_is_written_in_lower_case_and_without_repetition(language):
    for table in ("terms", "attributes", "cues"):
        seen = [tuple(row.values()) for row in rows(f"{language}/{table}.csv")]
        assert len(seen) == len(set(seen))
        assert all(row[0] == row[0].lower() for row in seen)


@pytest.mark.parametrize("language", available())
def test_cues_have_a_degree_where_one_is_needed(language):
    lexicon = load_lexicon(language)
    assert {cue.category for cue in lexicon.cues.values()} <= set(CUE_CATEGORIES)
    for cue in lexicon.cues.values():
        assert cue.direction in ("before", "after", "both", "-")
        if cue.category in ("uncertain", "suggests"):
            assert cue.degree is not None, cue
            assert 0 < cue.degree < 1, cue


@pytest.mark.parametrize("kind", ["finding", "device", "anatomy", "part"])
def test_english_has_words_for_every_concept(kind):
    said = {row["name"] for row in rows("en/terms.csv") if row["kind"] == kind}
    assert said >= names_of(kind)


@pytest.mark.parametrize("kind", ATTRIBUTE_KINDS)
def test_english_has_words_for_every_value(kind):
    said = {row["name"] for row in rows("en/attributes.csv") if row["kind"] == kind}
    assert said == names_of(kind)


def test_english_has_every_category_of_cue():
    assert {row["category"] for row in rows("en/cues.csv")} == set(CUE_CATEGORIES)


def test_compositions_make_findings_of_states_and_places():
    states = {row["name"] for row in rows("en/terms.csv") if row["kind"] == "state"}
    words = states | findings() | set(ontology.place_names()) | {"old", ""}
    for row in rows("compositions.csv"):
        assert row["state"] in states | findings(), row
        assert row["place"] in words, row
        assert row["name"] in findings() | {""}, row
    assert states <= {r["state"] for r in rows("compositions.csv")} | {
        r["place"] for r in rows("compositions.csv")
    }


def test_lexicon_is_loaded_once():
    assert load_lexicon("en") is load_lexicon("en")
    assert load_lexicon("en").size > 10_000


def test_unknown_languages_and_cues_say_what_is_known():
    with pytest.raises(InvalidValueError, match="en, es, fr"):
        load_lexicon("xx")
    with pytest.raises(InvalidValueError, match="no cue is named 'absent:perhaps not'"):
        load_lexicon("en").cue("absent:perhaps not")


def test_a_cue_is_found_by_the_name_that_a_hit_carries():
    cue = load_lexicon("en").cue("uncertain:possible")
    assert cue == ("possible", "uncertain", "both", 0.5)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("plate-like", ["plate like"]),
        ("[left] lung", ["left lung", "lung"]),
        ("(wide|broad) [upper] x", ["wide upper x", "wide x", "broad upper x", "broad x"]),
        ("a|b c", ["a", "b c"]),
        ("a ([b] c|d)", ["a b c", "a c", "a d"]),
        ("r/o", ["r / o"]),
        ("(a|a) b", ["a b"]),
    ],
)
def test_rows_are_expanded(row, expected):
    assert [" ".join(phrase) for phrase in expand_row(row)] == expected


@pytest.mark.parametrize("row", ["(a", "a)", "[a", "(a]", "[a]", "", "a||b"])
def test_broken_rows_are_refused(row):
    with pytest.raises(InvalidValueError, match=r"brackets|empty"):
        expand_row(row)


def test_rows_that_explode_are_refused():
    with pytest.raises(InvalidValueError, match="narrower"):
        expand_row("(a|b|c|d|e|f) (a|b|c|d|e|f) (a|b|c|d|e|f) (a|b|c|d|e|f) (a|b|c|d|e|f)")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("air-space\ndisease, rll.", ["air", "space", "disease", ",", "rll", "."]),
        ("patient's 1.5 cm", ["patient", "s", "1", ".", "5", "cm"]),
        ("opacité pulmonaire", ["opacite", "pulmonaire"]),
        ("opacite\u0301 l’œdème", ["opacite", "l", "oedeme"]),
        ("größe ___ xxxx", ["grosse", "_", "_", "_", "xxxx"]),
        ("\u0301 ...", [".", ".", "."]),
        ("", []),
    ],
)
def test_tokens(text, expected):
    assert tokenize(text) == expected
    tokens, spans = tokenize_spans(text)
    assert tokens == expected
    assert all(text[start:end] for start, end in spans)
