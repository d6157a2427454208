"""Whatever was seen, the report is bound to it and says no more than it."""

import datetime as dt
import re

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.ontology import anatomy, finding_concept, finding_names
from hilum.report import draft
from hilum.types import (
    Anatomy,
    Change,
    ChangeKind,
    Finding,
    Issue,
    Measurement,
    Orientation,
    Quality,
    Radiograph,
    RadiographReading,
    Reading,
    Status,
    Study,
    View,
)

# No deadline: a busy machine is not a defect of a report.
ZONES = tuple(concept.name for concept in anatomy() if concept.kind == "zone")
HEART = "cardiomegaly"
NORMAL = "No acute cardiopulmonary abnormality among the findings assessed."
UNEXPLAINED = "Not classified as normal"


@st.composite
def findings(draw, prefix):
    """Any subset of the findings, each with any status, probability and zones."""
    found = []
    for name in draw(st.lists(st.sampled_from(finding_names()), unique=True)):
        status = draw(st.sampled_from(Status))
        if status is Status.NOT_ASSESSED:
            found.append(Finding(name, status, problem="Not trained.", id=f"{prefix}.{name}"))
            continue
        probability = draw(st.floats(0.0, 1.0))
        zones = draw(st.lists(st.sampled_from(ZONES), unique=True)) if name != HEART else []
        found.append(Finding(name, status, probability, zones=tuple(zones), id=f"{prefix}.{name}"))
    return tuple(found)


@st.composite
def ratios(draw, prefix):
    name, key = "cardiothoracic_ratio", f"{prefix}.cardiothoracic_ratio"
    if draw(st.booleans()):
        return (Measurement(name, None, "1", None, "The heart is cut off.", id=key),)
    spread = draw(st.one_of(st.none(), st.floats(0.0, 0.2)))
    value = draw(st.floats(0.2, 0.9))
    return draw(st.sampled_from([(), (Measurement(name, value, "1", spread, id=key),)]))


@st.composite
def readings(draw, index):
    prefix = f"r{index}"
    view = draw(st.sampled_from(View))
    radiograph = Radiograph(
        np.zeros((2, 2), dtype=np.float32), "image.png", Orientation(2, 2), view=view
    )
    issue = Issue("exposure", "The image is under-exposed", f"{prefix}.exposure")
    if draw(st.integers(0, 5)) == 0:
        return RadiographReading(radiograph, Quality(False, (issue,)))
    warnings = draw(st.sampled_from([(), (issue,)]))
    measured = Anatomy(measurements=draw(ratios(prefix)))
    quality = Quality(True, warnings=warnings)
    return RadiographReading(radiograph, quality, measured, draw(findings(prefix)))


@st.composite
def changes(draw):
    names = draw(st.lists(st.sampled_from(finding_names()), unique=True, max_size=4))
    date = draw(st.sampled_from([None, dt.datetime(2020, 3, 1)]))
    return tuple(
        Change(name, draw(st.sampled_from(ChangeKind)), ("r1", "p1"), date, f"change.{name}")
        for name in names
    )


@st.composite
def whole_readings(draw):
    images = tuple(draw(readings(i + 1)) for i in range(draw(st.integers(1, 2))))
    changed = draw(changes())
    study = Study(tuple(reading.radiograph for reading in images))
    return Reading(study, images, draft(study, images, changed), changed)


@st.composite
def single_readings(draw):
    image = draw(readings(1).filter(lambda reading: reading.quality.accepted))
    study = Study((image.radiograph,))
    return Reading(study, (image,), draft(study, (image,)))


def has_word(text, word):
    return re.search(rf"\b{word}\b", text, re.IGNORECASE) is not None


def told(reading, section="findings"):
    return {item.id for s in getattr(reading.report, section) for item in s.evidence}


@settings(deadline=None)
@given(whole_readings())
def test_text_is_clean_and_bound(reading):
    # Constructing the Reading has already proved that all evidence is its own.
    for statement in (*reading.report.findings, *reading.report.impression):
        text = statement.text
        assert not re.search(r"[{}]|  | [.,;]|None|\.\.|\(\)", text), text
        assert not re.search(r"\b(\w+) \1\b", text, re.IGNORECASE), text
        assert text[0].isupper(), text
        assert text.endswith("."), text
        ids = [item.id for item in statement.evidence]
        assert len(ids) == len(set(ids)), text


@settings(deadline=None)
@given(whole_readings())
def test_impression_is_short(reading):
    assert len(reading.report.impression) <= 5


@settings(deadline=None)
@given(whole_readings())
def test_drafting_is_deterministic(reading):
    assert draft(reading.study, reading.radiographs, reading.changes) == reading.report


@settings(deadline=None)
@given(single_readings())
def test_present_and_not_assessed_are_always_told(reading):
    for finding in reading.radiographs[0].findings:
        if finding.name == "no_finding":
            continue
        if finding.status is Status.PRESENT:
            assert finding.id in told(reading)
            assert finding.id in told(reading, "impression")
        if finding.status is Status.NOT_ASSESSED:
            assert finding.id in told(reading)


@settings(deadline=None)
@given(single_readings())
def test_absent_is_never_phrased_as_present(reading):
    absent = [
        finding
        for finding in reading.radiographs[0].findings
        if finding.status is Status.ABSENT and finding.name not in ("no_finding", HEART)
    ]
    for statement in (*reading.report.findings, *reading.report.impression):
        if statement.text.startswith(("No ", UNEXPLAINED)):
            continue
        for finding in absent:
            assert finding not in statement.evidence
            for term in finding_concept(finding.name).terms:
                assert not has_word(statement.text, term.removeprefix("lung ")), statement.text


@settings(deadline=None)
@given(single_readings())
def test_only_what_is_absent_is_negated(reading):
    for statement in (*reading.report.findings, *reading.report.impression):
        if statement.text.startswith("No ") and statement.text != NORMAL:
            for item in statement.evidence:
                if "No specific finding" not in statement.text:
                    assert item.status is Status.ABSENT
    for finding in reading.radiographs[0].findings:
        if finding.status is Status.ABSENT or finding.name == "no_finding":
            continue
        for statement in reading.report.findings:
            if statement.text.startswith("No "):
                for term in finding_concept(finding.name).terms:
                    assert not has_word(statement.text, term)


@settings(deadline=None)
@given(single_readings())
def test_unread_hearts_are_not_called_normal(reading):
    found = reading.radiographs[0].finding(HEART)
    if found is not None and found.status is not Status.ABSENT:
        for statement in reading.report.findings:
            assert "Heart size is normal" not in statement.text
            assert "does not appear enlarged" not in statement.text


@settings(deadline=None)
@given(single_readings())
def test_normal_only_when_nothing_is_present_or_in_doubt(reading):
    specific = [f for f in reading.radiographs[0].findings if f.name != "no_finding"]
    texts = [statement.text for statement in reading.report.impression]
    if NORMAL in texts:
        assert all(f.status in (Status.ABSENT, Status.NOT_ASSESSED) for f in specific)
        assert any(f.status is Status.ABSENT for f in specific)
