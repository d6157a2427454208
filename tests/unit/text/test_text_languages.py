"""Spanish, French, German, Italian and Portuguese: their tables, and what is read with them."""

from __future__ import annotations

import csv
import json
import unicodedata
from collections import Counter
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from test_text_corpus import differences, read_line

from hilum.text.folding import fold
from hilum.text.language import detect_language
from hilum.text.lexicon import ATTRIBUTE_KINDS, CUE_CATEGORIES, load_lexicon
from hilum.text.parsing import parse
from hilum.text.phrases import expand_row

LANGUAGES = ("es", "fr", "de", "it", "pt")
CORPUS = Path(__file__).resolve().parents[2] / "corpus"
FOLDER = resources.files("hilum.text") / "lexicon"


def corpus(language: str) -> list[dict[str, Any]]:
    with (CORPUS / f"lang_{language}.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def cases(*languages: str) -> list[Any]:
    return [pytest.param(line, id=line["id"]) for code in languages for line in corpus(code)]


def rows(language: str, table: str) -> list[dict[str, str]]:
    text = (FOLDER / language / f"{table}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def names(language: str) -> set[tuple[str, str]]:
    return {(row["kind"], row["name"]) for row in rows(language, "terms") if row["kind"] != "state"}


def summary(text: str, language: str) -> Counter[tuple[str, str, str]]:
    found = parse(text, language=language).observations
    return Counter((item.name, item.assertion.value, item.side) for item in found)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_names_what_english_names(language):
    missing = {
        (kind, name)
        for kind, name in names("en") - names(language)
        if kind in ("finding", "device")
    }
    assert not missing
    assert not names(language) - names("en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_of_attribute_and_cue_is_there(language):
    assert {row["kind"] for row in rows(language, "attributes")} == set(ATTRIBUTE_KINDS)
    assert {row["category"] for row in rows(language, "cues")} == set(CUE_CATEGORIES)
    values = {(row["kind"], row["name"]) for row in rows(language, "attributes")}
    english = {(row["kind"], row["name"]) for row in rows("en", "attributes")}
    assert values <= english
    for kind in ("side", "severity", "change"):
        assert {v for v in values if v[0] == kind} == {v for v in english if v[0] == kind}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("table", ["terms", "attributes", "cues"])
def test_rows_are_in_order_and_open_to_phrases(language, table):
    found = [row["term"] for row in rows(language, table)]
    assert len(found) > 200
    assert all(expand_row(term) for term in found)
    assert load_lexicon(language).size > 5_000


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_corpus_has_lines_of_every_sort(language):
    lines = corpus(language)
    assert len(lines) >= 60
    assert all(line["language"] == language for line in lines)
    said = {item["assertion"] for line in lines for item in line["expect"]}
    assert {"present", "absent", "uncertain"} <= said


@pytest.mark.parametrize("line", cases(*LANGUAGES))
def test_a_line_is_read_as_a_radiologist_means_it(line):
    assert not differences(line, read_line(line))


@pytest.mark.parametrize("line", cases(*LANGUAGES))
def test_capitals_change_nothing(line):
    upper = line["text"].upper()
    if fold(upper) != fold(line["text"]):
        pytest.skip("the capitals of this text have other letters")
    assert summary(upper, line["language"]) == summary(line["text"], line["language"])


@pytest.mark.parametrize("line", cases("es", "fr", "it", "pt"))
def test_accents_may_be_left_out(line):
    plain = "".join(
        letter
        for letter in unicodedata.normalize("NFD", line["text"])
        if not unicodedata.combining(letter)
    )
    assert summary(plain, line["language"]) == summary(line["text"], line["language"])


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Pleuraerguesse beidseits.", "pleural_effusion"),
        ("Herzvergroesserung.", "cardiomegaly"),
        ("Lungenoedem.", "edema"),
    ],
)
def test_german_without_umlauts(text, name):
    assert name in {item.name for item in parse(text, language="de").observations}


@pytest.mark.parametrize(
    ("text", "language", "name", "place"),
    [
        ("Unterlappeninfiltrat rechts.", "de", "infiltration", "lower_lobe"),
        ("Oberlappenatelektase links.", "de", "atelectasis", "upper_lobe"),
    ],
)
def test_a_german_compound_holds_finding_and_place(text, language, name, place):
    (item,) = parse(text, language=language).observations
    assert (item.name, item.places) == (name, (place,))


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Pas d'épanchement pleural.", "fr"),
        ("Pas d’épanchement pleural.", "fr"),
        ("Non evidenza d'opacità.", "it"),
    ],
)
def test_an_elided_article_hides_no_finding(text, language):
    (item,) = parse(text, language=language).observations
    assert item.assertion == "absent"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_whole_report_is_detected(language):
    lines = [one["text"] for one in corpus(language)]
    reports = [" ".join(lines[at : at + 4]) for at in range(0, len(lines) - 3, 4)]
    assert {detect_language(fold(report)) for report in reports} == {language}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_single_line_is_nearly_always_detected(language):
    lines = [one["text"] for one in corpus(language)]
    detected = Counter(detect_language(fold(text)) for text in lines)
    assert detected[language] >= 0.93 * len(lines)
