"""Every line of the corpus of expected structure, one case a line."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import hilum.text
from hilum.text.labels import label_names, label_report
from hilum.text.parsing import parse
from hilum.text.types import Assertion, Document, MentionKind, Observation, Size, Span

CORPUS = Path(__file__).resolve().parents[2] / "corpus"
LEXICON = Path(hilum.text.__path__[0]) / "lexicon"
AS_WORD = ("severity", "change", "count", "temporal", "tip", "position")
AS_SET = ("places", "shape", "margin", "texture", "distribution", "suggests")
ATTRIBUTES = (
    "side",
    "severity",
    "change",
    "shape",
    "margin",
    "texture",
    "distribution",
    "temporal",
)
FAMILIES = {
    "sections",
    "sentences",
    "mentions-lung",
    "mentions-pleura-heart",
    "mentions-bones-other",
    "places",
    "devices",
    "discontinuous",
    "assert-absent",
    "assert-uncertain",
    "assert-other",
    "attributes",
    "change",
    "fresh",
    "fresh-later",
    "links",
    "normal",
    "style",
    "reports",
}

Line = dict[str, Any]
Key = tuple[str, str, str]


def read_family(name: str) -> list[Line]:
    with (CORPUS / f"{name}.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def cases(families: set[str]) -> list[Any]:
    return [
        pytest.param(line, id=line["id"]) for name in sorted(families) for line in read_family(name)
    ]


def read_line(line: Line) -> Document:
    heading = f"{line['section'].upper()}: " if "section" in line else ""
    return parse(heading + line["text"], language=line["language"])


def key_of(expected: Line) -> Key:
    return expected["name"], expected["assertion"], expected.get("side", "")


def key_got(got: Observation) -> Key:
    return got.name, got.assertion.value, got.side


def wrong_fields(expected: Line, got: Observation, document: Document) -> list[str]:
    """What the observation says otherwise than the fields that the line gives."""
    pairs: list[tuple[str, Any, Any]] = [
        (field, expected[field], getattr(got, field)) for field in AS_WORD if field in expected
    ]
    pairs += [
        (field, sorted(expected[field]), sorted(getattr(got, field)))
        for field in AS_SET
        if field in expected
    ]
    if "sizes_mm" in expected:
        said = [[round(value, 3) for value in size.millimetres] for size in got.sizes]
        pairs.append(("sizes_mm", sorted(expected["sizes_mm"]), sorted(said)))
    wrong = [
        f"{field}: expected {want!r}, got {have!r}" for field, want, have in pairs if want != have
    ]
    if "degree" in expected:
        low, high = expected["degree"]
        if got.degree is None or not low <= got.degree <= high:
            wrong.append(f"degree: expected {low} to {high}, got {got.degree}")
    if "compared_with" in expected:
        said_words = document.slice(got.compared_with) if got.compared_with else ""
        if expected["compared_with"] not in said_words.lower():
            wrong.append(f"compared_with: expected {expected['compared_with']!r} in {said_words!r}")
    return wrong


def differences(line: Line, document: Document) -> list[str]:
    """Where the parsed document departs from the line; empty when it agrees."""
    wanted, got = list(line["expect"]), list(document.observations)
    said = Counter(map(key_got, got))
    asked = Counter(map(key_of, wanted))
    found = [f"missing {' '.join(key)}" for key in (asked - said).elements()]
    found += [f"unexpected {' '.join(key)}" for key in (said - asked).elements()]
    for expected in wanted:
        rivals = [one for one in got if key_got(one) == key_of(expected)]
        if rivals:
            best = min(rivals, key=lambda one: len(wrong_fields(expected, one, document)))
            got.remove(best)
            found += [f"{best.name} {text}" for text in wrong_fields(expected, best, document)]
    present = {one.name for one in document.observations if one.assertion is Assertion.PRESENT}
    return found + [f"present {name}" for name in line.get("absent_names", []) if name in present]


@pytest.mark.parametrize("line", cases(FAMILIES - {"reports"}))
def test_a_line_of_the_corpus_is_read_as_a_radiologist_means_it(line):
    found = differences(line, read_line(line))
    assert not found, "\n  ".join([f"{line['rule']}: {line['text']!r}", *found])


@pytest.mark.parametrize("line", cases(FAMILIES - {"reports"}))
def test_what_is_observed_points_into_its_sentence(line):
    document = read_line(line)
    for observation in document.observations:
        sentence = document.sentences[observation.sentence].span
        for span in document.mentions[observation.mention].spans:
            assert sentence.start <= span.start < span.end <= sentence.end
            assert document.slice(span).strip()


@pytest.mark.parametrize("from_text", [True, False], ids=["text", "document"])
@pytest.mark.parametrize("line", cases({"reports"}))
def test_a_report_gets_its_labels_from_text_and_from_the_document(line, from_text):
    report = line["text"] if from_text else read_line(line)
    got = {name: str(value) for name, value in label_report(report, language="en").items()}
    is_normal = got.pop("no_finding") == "present"
    expected = dict.fromkeys(got, "not_mentioned") | line["labels"]
    assert is_normal == ("no_finding" in line["labels"])
    expected.pop("no_finding", None)
    wrong = {name: (expected[name], got[name]) for name in got if got[name] != expected[name]}
    assert not wrong, f"{line['rule']} (expected, got): {wrong}"


EXPECTED = {
    "name": "pleural_effusion",
    "assertion": "present",
    "side": "left",
    "severity": "mild",
    "sizes_mm": [[12, 9]],
    "degree": [0.9, 1],
    "compared_with": "prior",
}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, ""),
        ({"side": "right"}, "missing pleural_effusion present right"),
        ({"severity": "severe"}, "severity: expected 'severe', got 'mild'"),
        ({"shape": ["linear"]}, "shape: expected ['linear'], got []"),
        ({"sizes_mm": [[12]]}, "sizes_mm: expected [[12]]"),
        ({"degree": [0, 0.5]}, "degree: expected 0 to 0.5, got 1.0"),
        ({"compared_with": "ct"}, "compared_with: expected 'ct' in 'since prior'"),
    ],
)
def test_the_runner_tells_what_differs(change, said):
    text = "Small left effusion since prior."
    one = Observation(
        name="pleural_effusion",
        kind=MentionKind.FINDING,
        assertion=Assertion.PRESENT,
        degree=1.0,
        mention=0,
        sentence=0,
        side="left",
        severity="mild",
        sizes=(Size((12.0, 9.0), Span(0, 5), ""),),
        compared_with=Span(20, 31),
    )
    document = Document(text, "en", (), (), (), (), (), (one,))
    found = differences({"expect": [EXPECTED | change]}, document)
    assert bool(found) == bool(change)
    assert said in "; ".join(found)


def test_every_family_has_its_file_and_its_lines():
    stems = {path.stem for path in CORPUS.glob("*.jsonl")}
    # the other languages' lines are those of test_text_languages
    assert {stem for stem in stems if not stem.startswith("lang_")} == FAMILIES
    counts = {name: len(read_family(name)) for name in FAMILIES}
    assert min(counts.values()) >= 30
    assert max(counts.values()) <= 120
    assert sum(counts.values()) >= 600


def test_identifiers_and_texts_are_unique():
    lines = [line for name in FAMILIES for line in read_family(name)]
    assert [one for one, count in Counter(line["id"] for line in lines).items() if count > 1] == []
    texts = Counter((line["text"], line.get("section")) for line in lines)
    assert [one for one, count in texts.items() if count > 1] == []


def known_names() -> dict[str, set[str]]:
    names: dict[str, set[str]] = {}
    for table in ("en/terms.csv", "en/attributes.csv"):
        with (LEXICON / table).open(encoding="utf-8", newline="") as rows:
            for row in csv.DictReader(rows):
                names.setdefault(row["kind"], set()).add(row["name"])
    with (LEXICON / "compositions.csv").open(encoding="utf-8", newline="") as rows:
        names["finding"] |= {row["name"] for row in csv.DictReader(rows)}
    return names


def values_of(expected: Line, field: str) -> set[str]:
    value = expected.get(field, [])
    return {value} if isinstance(value, str) else set(value)


def test_expectations_use_names_and_values_that_the_lexicon_knows():
    names = known_names()
    tables = {"places": "anatomy", "tip": "anatomy"} | {one: one for one in ATTRIBUTES}
    unknown = set()
    for line in (one for name in FAMILIES - {"reports"} for one in read_family(name)):
        for expected in line["expect"]:
            assert Assertion(expected["assertion"])
            said = {expected["name"]} | values_of(expected, "suggests")
            unknown |= said - names["finding"] - names["device"]
            for field, table in tables.items():
                unknown |= values_of(expected, field) - names[table]
    assert unknown == set()


def test_reports_use_labels_and_values_that_exist():
    allowed = {"present", "absent", "uncertain"}
    for line in read_family("reports"):
        assert set(line["labels"]) <= set(label_names("chexpert"))
        assert set(line["labels"].values()) <= allowed
