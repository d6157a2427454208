"""Change since the prior study: claimed only where both readings support it."""

import datetime as dt

import numpy as np
import pytest

from hilum.findings.change import compare
from hilum.types import (
    Anatomy,
    Box,
    ChangeKind,
    Finding,
    Issue,
    Measurement,
    Orientation,
    Quality,
    Radiograph,
    RadiographReading,
    Region,
    Status,
    Structure,
    View,
)

DATE = dt.datetime(2020, 3, 1, 9, 30)
PRESENT, ABSENT, UNCERTAIN = Status.PRESENT, Status.ABSENT, Status.UNCERTAIN


def finding(status, prob, *, width=0.05, name="pneumonia", boxes=(), prefix="r1"):
    regions = tuple(Region(Box(*box), 0.8) for box in boxes)
    interval = (max(0.0, prob - width), min(1.0, prob + width))
    return Finding(name, status, prob, interval, 0.5, regions=regions, id=f"{prefix}.{name}")


def ratio(value, uncertainty, prefix="r1"):
    return Measurement(
        "cardiothoracic_ratio", value, "1", uncertainty, id=f"{prefix}.cardiothoracic_ratio"
    )


def reading(*findings, measured=(), side=100, lungs=None, view=View.PA, accepted=True):
    pixels = np.zeros((side, side), dtype=np.float32)
    radiograph = Radiograph(pixels, "image.png", Orientation(side, side), view=view, acquired=DATE)
    quality = Quality(accepted, () if accepted else (Issue("blank", "Blank."),))
    structures = {}
    if lungs is not None:
        mask = np.zeros((side, side), dtype=bool)
        mask.flat[:lungs] = True
        structures = {n: Structure(n, mask, 0.9) for n in ("left_lung", "right_lung")}
    anatomy = Anatomy(structures=structures, measurements=tuple(measured))
    return RadiographReading(radiograph, quality, anatomy, tuple(findings))


def kinds(current, prior):
    return {change.finding: change.kind for change in compare(current, prior)}


def test_new_and_gone_point_at_both_findings():
    now, before = finding(PRESENT, 0.9), finding(ABSENT, 0.1, prefix="p1")
    (change,) = compare(reading(now), reading(before))
    assert change.kind is ChangeKind.NEW
    assert change.evidence == ("r1.pneumonia", "p1.pneumonia")
    assert change.prior_date == DATE
    assert change.id == ""
    assert kinds(reading(before), reading(now)) == {"pneumonia": ChangeKind.GONE}


def test_sliding_over_the_operating_point_is_no_change():
    assert kinds(reading(finding(PRESENT, 0.52)), reading(finding(ABSENT, 0.48))) == {}


@pytest.mark.parametrize("other", [finding(UNCERTAIN, 0.5), None])
def test_uncertain_or_missing_claims_nothing(other):
    certain = reading(finding(PRESENT, 0.95))
    doubtful = reading(other) if other else reading()
    assert compare(certain, doubtful) == ()
    assert compare(doubtful, certain) == ()


def test_not_assessed_claims_nothing():
    unknown = Finding("pneumonia", Status.NOT_ASSESSED, problem="Too few positives.")
    assert compare(reading(unknown), reading(finding(PRESENT, 0.95))) == ()


def test_absent_twice_and_no_finding_are_not_reported():
    normal = reading(finding(ABSENT, 0.1), finding(PRESENT, 0.9, name="no_finding"))
    assert compare(normal, normal) == ()


def test_present_twice_without_regions_follows_the_intervals():
    low, high = reading(finding(PRESENT, 0.6)), reading(finding(PRESENT, 0.9))
    assert kinds(high, low) == {"pneumonia": ChangeKind.LARGER}
    assert kinds(low, high) == {"pneumonia": ChangeKind.SMALLER}
    assert kinds(low, low) == {"pneumonia": ChangeKind.UNCHANGED}


def test_area_and_interval_must_agree():
    small = [(10, 10, 10, 10)]
    big = [(10, 10, 30, 30)]
    low, high = finding(PRESENT, 0.6, boxes=small), finding(PRESENT, 0.9, boxes=big)
    assert kinds(reading(high), reading(low)) == {"pneumonia": ChangeKind.LARGER}
    wide = finding(PRESENT, 0.62, boxes=big)
    assert kinds(reading(wide), reading(low)) == {}
    shrunk = finding(PRESENT, 0.9, boxes=small)
    assert kinds(reading(shrunk), reading(finding(PRESENT, 0.6, boxes=big))) == {}


def test_overlapping_boxes_count_once():
    one = finding(PRESENT, 0.9, boxes=[(10, 10, 20, 20)])
    twice = finding(PRESENT, 0.9, boxes=[(10, 10, 20, 20), (10, 10, 20, 20), (12, 12, 5, 5)])
    assert kinds(reading(twice), reading(one)) == {"pneumonia": ChangeKind.UNCHANGED}


def test_extent_is_relative_to_the_lungs():
    coarse = reading(finding(PRESENT, 0.9, boxes=[(10, 10, 20, 20)]), side=100, lungs=2000)
    fine = reading(finding(PRESENT, 0.9, boxes=[(20, 20, 40, 40)]), side=200, lungs=8000)
    assert kinds(fine, coarse) == {"pneumonia": ChangeKind.UNCHANGED}
    no_lungs = reading(finding(PRESENT, 0.9, boxes=[(20, 20, 40, 40)]), side=200)
    assert kinds(no_lungs, coarse) == {"pneumonia": ChangeKind.UNCHANGED}


def test_heart_follows_the_ratio():
    def heart(status, prob, value, uncertainty=0.01, **options):
        image = finding(status, prob, name="cardiomegaly")
        return reading(image, measured=[ratio(value, uncertainty)], **options)

    small, big = heart(ABSENT, 0.1, 0.45), heart(ABSENT, 0.12, 0.52)
    assert kinds(big, small) == {"cardiomegaly": ChangeKind.LARGER}
    assert kinds(small, big) == {"cardiomegaly": ChangeKind.SMALLER}
    assert kinds(small, small) == {}
    assert kinds(heart(ABSENT, 0.1, 0.52, 0.04), heart(ABSENT, 0.1, 0.45, 0.04)) == {}
    assert kinds(big, heart(ABSENT, 0.1, 0.45, view=View.AP)) == {}
    assert kinds(heart(PRESENT, 0.9, 0.55, view=View.AP), small) == {}
    steady = kinds(heart(PRESENT, 0.9, 0.56), heart(PRESENT, 0.7, 0.555))
    assert steady == {"cardiomegaly": ChangeKind.UNCHANGED}


def test_heart_evidence_has_finding_and_measurement():
    now = reading(finding(PRESENT, 0.9, name="cardiomegaly"), measured=[ratio(0.58, 0.01)])
    before = reading(
        finding(ABSENT, 0.1, name="cardiomegaly", prefix="p1"),
        measured=[ratio(0.47, 0.01, "p1")],
    )
    (change,) = compare(now, before)
    assert change.kind is ChangeKind.NEW
    assert change.evidence == (
        "r1.cardiomegaly",
        "p1.cardiomegaly",
        "r1.cardiothoracic_ratio",
        "p1.cardiothoracic_ratio",
    )


def test_contradicted_heart_claims_nothing():
    now = reading(finding(PRESENT, 0.9, name="cardiomegaly"), measured=[ratio(0.45, 0.01)])
    before = reading(finding(ABSENT, 0.1, name="cardiomegaly"), measured=[ratio(0.55, 0.01)])
    assert compare(now, before) == ()


def test_refused_or_lateral_is_not_compared():
    present = finding(PRESENT, 0.9)
    absent = reading(finding(ABSENT, 0.1))
    assert compare(reading(present, accepted=False), absent) == ()
    assert compare(reading(present, view=View.LATERAL), absent) == ()
