"""What the phantom writes is understood by the text engine: two independent sides, one truth.

The writer knows what each of its sentences claims; the engine reads the text alone. The figures
are in docs/guides/phantom.md.
"""

from collections import Counter
from functools import cache

import numpy as np
import pytest

from hilum.ontology import ancestors, descendants
from hilum.synth import (
    Claim,
    PhantomReport,
    render,
    report_styles,
    sample_context,
    sample_spec,
    write_report,
)
from hilum.text import Document, Observation, parse
from hilum.types import ChangeKind
from phantom_factory import draw, varied_spec

REPORTS = 240
RENDERED = 4
READ_SECTIONS = ("findings", "impression")
CHANGES = {
    "new": ChangeKind.NEW,
    "increased": ChangeKind.LARGER,
    "decreased": ChangeKind.SMALLER,
    "unchanged": ChangeKind.UNCHANGED,
    "resolved": ChangeKind.GONE,
}
# "No acute bony abnormality" is of no finding in particular.
UNSPECIFIC = {"abnormality"}


def family(name: str) -> set[str]:
    return {name, *ancestors(name), *descendants(name)}


@cache
def reports() -> tuple[PhantomReport, ...]:
    written, prior = [], None
    for seed in range(REPORTS + RENDERED):
        rng = np.random.default_rng([seed, 3])
        if seed < REPORTS:
            image = draw(varied_spec(rng))
        else:
            image = render(sample_spec(rng), pixels=(96, 96))
        written.append(
            write_report(
                image,
                rng=rng,
                style=report_styles()[seed % len(report_styles())],
                prior=prior if seed % 3 == 0 else None,
                context=sample_context(image.spec, rng=rng),
            )
        )
        prior = image
    return tuple(written)


def aligned(report: PhantomReport) -> list[tuple[str, tuple[Claim, ...], list[Observation]]]:
    """Each sentence with its claims and what the engine read in its characters."""
    text = report.text
    document = parse(text)
    rows, at = [], 0
    for sentence in report.sentences:
        start = text.index(sentence.text, at)
        at = start + len(sentence.text)
        line = text.rfind("\n", 0, start) + 1
        if text[line:start].endswith(": ") and "." not in text[line:start]:
            start = line  # "Lungs: Clear." is read with its label
        if sentence.section in READ_SECTIONS:
            read = [o for o in document.observations if start <= begin(document, o) < at]
            rows.append((sentence.text, sentence.claims, read))
    return rows


def begin(document: Document, observation: Observation) -> int:
    return document.mentions[observation.mention].spans[0].start


@cache
def agreement() -> tuple[Counter[str], list[str]]:
    """Counts of what agrees and what does not, and a line for each disagreement."""
    counts, lines = Counter[str](), list[str]()
    for report in reports():
        for text, claims, read in aligned(report):
            left = list(read)
            for claim in claims:
                match = next((o for o in left if o.name in family(claim.name)), None)
                if match is None:
                    counts["missed"] += 1
                    lines.append(f"missed {claim.name} in {text!r}")
                    continue
                left.remove(match)
                is_same = match.assertion.value == claim.status.value
                counts["agreed" if is_same else "contradicted"] += 1
                if not is_same:
                    lines.append(f"{claim.name} {claim.status} read {match.assertion}: {text!r}")
                _attributes(claim, match, text, counts, lines)
            extra = [o.name for o in left if o.name not in UNSPECIFIC]
            counts["extra"] += len(extra)
            lines += [f"extra {name} in {text!r}" for name in extra]
    return counts, lines


def _attributes(
    claim: Claim, match: Observation, text: str, counts: Counter[str], lines: list[str]
) -> None:
    pairs = {
        "side": (claim.side, match.side),
        "severity": (claim.severity, match.severity),
        "change": (claim.change, CHANGES.get(match.change)),
    }
    if claim.places:
        pairs["places"] = (set(claim.places), set(claim.places) & set(match.places))
    if claim.tip and match.tip != "carina":  # "4 cm above the carina" is a place of its own
        pairs["tip"] = (claim.tip, match.tip)
    if claim.size_mm:
        said = [round(mm) for size in match.sizes for mm in size.millimetres]
        pairs["size"] = (True, any(abs(mm - claim.size_mm) <= 1 for mm in said))
    if match.position == "malpositioned":
        pairs["position"] = (False, claim.is_correct)
    for name, (mine, read) in pairs.items():
        counts[f"{name} {'agreed' if mine == read else 'differs'}"] += 1
        if mine != read:
            lines.append(f"{name} {mine} read {read}: {text!r}")


def test_there_are_reports_of_every_style_with_and_without_a_prior() -> None:
    assert len(reports()) >= 150
    assert {report.style for report in reports()} == set(report_styles())
    names = {claim.name for report in reports() for claim in report.claims}
    assert len(names) > 45


def test_the_engine_contradicts_no_sentence() -> None:
    counts, lines = agreement()
    assert counts["agreed"] > 1500
    assert counts["contradicted"] == 0, "\n".join(lines)


def test_precision_and_recall() -> None:
    counts, lines = agreement()
    recall = counts["agreed"] / (counts["agreed"] + counts["missed"])
    precision = counts["agreed"] / (counts["agreed"] + counts["extra"])
    assert recall >= 0.995, "\n".join(lines)
    assert precision >= 0.98, "\n".join(lines)


@pytest.mark.parametrize(
    "kind", ["side", "severity", "change", "places", "tip", "size", "position"]
)
def test_attributes_agree(kind: str) -> None:
    counts, lines = agreement()
    agreed, differs = counts[f"{kind} agreed"], counts[f"{kind} differs"]
    assert agreed > 20
    assert differs <= 0.01 * (agreed + differs), "\n".join(x for x in lines if x.startswith(kind))
