"""The parts of a draft: sections, the heart, ranking, refusals, and what it rests on."""

import datetime as dt

import numpy as np
import pytest

from hilum.errors import InvalidValueError
from hilum.report import draft
from hilum.report.heart import heart_line, pick_ratio, ratio_class
from hilum.types import (
    Anatomy,
    Change,
    ChangeKind,
    Context,
    Finding,
    Issue,
    Measurement,
    Orientation,
    Quality,
    Radiograph,
    RadiographReading,
    Status,
    Study,
    View,
)


def image(view=View.PA, origin="ViewPosition"):
    pixels = np.zeros((2, 2), dtype=np.float32)
    return Radiograph(pixels, "a.png", Orientation(2, 2), view=view, view_origin=origin)


def reading(*findings, view=View.PA, origin="ViewPosition", measured=(), **quality):
    return RadiographReading(
        image(view, origin),
        Quality(True, **quality),
        Anatomy(measurements=tuple(measured)),
        findings,
    )


def finding(name, status=Status.PRESENT, probability=0.95, zones=(), prefix="r1"):
    return Finding(name, status, probability, zones=tuple(zones), id=f"{prefix}.{name}")


def ratio(value=0.45, uncertainty=0.02, key="r1.ratio"):
    problem = "Cut off." if value is None else None
    return Measurement("cardiothoracic_ratio", value, "1", uncertainty, problem, id=key)


def drafted(*readings, changes=(), context=None, priors=()):
    study = Study(
        tuple(r.radiograph for r in readings), context=context or Context(), priors=priors
    )
    return draft(study, readings, changes)


def texts(statements):
    return [statement.text for statement in statements]


def test_statements_hold_the_very_objects():
    first, second = finding("pneumothorax"), finding("edema")
    report = drafted(reading(first, second))
    held = [item for s in report.findings for item in s.evidence]
    assert any(item is first for item in held)
    assert any(item is second for item in held)


def test_evidence_without_an_id_is_refused():
    nameless = Finding("edema", Status.PRESENT, 0.9)
    with pytest.raises(InvalidValueError, match="id"):
        drafted(reading(nameless))


@pytest.mark.parametrize(
    ("view", "origin", "scores", "expected"),
    [
        (View.PA, "ViewPosition", {}, "PA view as declared by the file."),
        (
            View.PA,
            "image",
            {"prob_ap": 0.07},
            "PA view as estimated from the image (probability 0.93).",
        ),
        (View.AP, "image", {}, "AP view as estimated from the image."),
        (View.FRONTAL, "none", {}, "projection not known."),
        (View.LATERAL, "ViewPosition", {}, "Lateral chest radiograph."),
        (View.UNKNOWN, "none", {}, "Chest radiograph, view not known."),
    ],
)
def test_technique(view, origin, scores, expected):
    assert drafted(reading(view=view, origin=origin, scores=scores)).technique.endswith(expected)


def test_sections_from_context_and_priors():
    context = Context(indication="Cough,\n fever", history="Smoker.")
    dated = Study((image(),), date=dt.datetime(2020, 3, 1, 10))
    empty = drafted(reading(finding("edema")))
    assert (empty.indication, empty.comparison) == ("", "None.")
    report = drafted(reading(finding("edema")), context=context, priors=(dated,))
    assert report.indication == "Cough, fever. Smoker."
    assert report.comparison == "Radiograph of 2020-03-01."
    undated = drafted(reading(finding("edema")), priors=(Study((image(),)),))
    assert undated.comparison == "Undated prior radiograph."


def test_no_finding_never_outvotes_a_finding():
    report = drafted(reading(finding("no_finding"), finding("pneumonia", probability=0.5)))
    assert texts(report.impression) == ["Possible pneumonia."]


def test_wider_finding_is_told_once():
    zones = ("right_lower_zone",)
    report = drafted(reading(finding("lung_opacity", zones=zones), finding("edema", zones=zones)))
    assert texts(report.findings) == ["Pulmonary edema in the right lower zone."]
    assert {item.id for item in report.findings[0].evidence} == {"r1.edema", "r1.lung_opacity"}


def test_opacity_beyond_what_explains_it_is_told():
    report = drafted(
        reading(
            finding("lung_opacity", zones=("right_lower_zone", "left_upper_zone")),
            finding("atelectasis", zones=("right_lower_zone",)),
        )
    )
    assert texts(report.findings) == [
        "Atelectasis in the right lower zone.",
        "Further opacity in the left upper zone.",
    ]


def test_further_zones_of_a_narrower_finding():
    report = drafted(
        reading(
            finding("consolidation", zones=("right_lower_zone",)),
            finding("pneumonia", zones=("right_lower_zone", "left_lower_zone"), probability=0.8),
        )
    )
    assert texts(report.impression) == [
        "Consolidation in the right lower zone, with probable further changes in the left "
        "lower zone, most likely pneumonia."
    ]


@pytest.mark.parametrize(
    ("value", "view", "age", "expected"),
    [
        (0.45, View.PA, None, "normal"),
        (0.49, View.PA, 40, "borderline"),
        (0.53, View.PA, 40, "above"),
        (0.53, View.AP, 40, "normal"),
        (0.58, View.AP, 40, "above"),
        (0.57, View.PA, 0.5, "normal"),
        (None, View.PA, 40, "unmeasured"),
    ],
)
def test_ratio_class(value, view, age, expected):
    spread = 0.015 if value is not None else None
    assert ratio_class(ratio(value, spread), view, age) == expected


def test_ratio_is_told_with_its_uncertainty():
    for spread, expected in ((0.02, "0.45 ± 0.02"), (0.004, "0.45 ± 0.01"), (None, "ratio 0.45)")):
        line = heart_line(None, (ratio(0.45, spread), View.PA), None)
        assert line is not None
        assert expected in line.text


def test_measured_pa_ratio_is_picked():
    failed = reading(measured=[ratio(None, None, "r1.ratio")])
    ap = reading(measured=[ratio(0.6, 0.02, "r2.ratio")], view=View.AP)
    pa = reading(measured=[ratio(0.5, 0.02, "r3.ratio")])
    assert pick_ratio([failed, ap, pa])[0].id == "r3.ratio"
    assert pick_ratio([failed, ap])[0].id == "r2.ratio"
    assert pick_ratio([reading()]) is None


def test_large_ap_heart_warns_of_magnification():
    heart = [finding("cardiomegaly")]
    large = drafted(reading(*heart, measured=[ratio(0.62)], view=View.AP))
    assert "AP projection magnifies" in large.findings[0].text
    assert [item.id for item in large.findings[0].evidence] == ["r1.cardiomegaly", "r1.ratio"]
    upright = drafted(reading(*heart, measured=[ratio(0.62)]))
    assert "AP" not in upright.findings[0].text


def test_increased_ratio_alone_is_in_the_impression():
    absent = finding("cardiomegaly", Status.ABSENT, 0.1)
    report = drafted(reading(absent, finding("edema", Status.ABSENT, 0.1), measured=[ratio(0.6)]))
    assert texts(report.impression) == ["Increased cardiothoracic ratio."]


def test_impression_ranks_by_urgency_and_keeps_all():
    names = ("pleural_thickening", "pleural_effusion", "cardiomegaly", "edema", "nodule_or_mass")
    report = drafted(reading(*(finding(n) for n in (*names, "pneumothorax", "atelectasis"))))
    lines = texts(report.impression)
    assert len(lines) == 5
    assert lines[0] == "Pneumothorax."
    assert lines[-1].startswith("Also: ")
    ids = {item.id for s in report.impression for item in s.evidence}
    assert ids == {f"r1.{n}" for n in (*names, "pneumothorax", "atelectasis")}


def test_warnings_come_first_and_once():
    issue = Issue("exposure", "the image is under-exposed", "r1.exposure")
    twin = Issue("exposure", "The image is under-exposed.", "r2.exposure")
    report = drafted(
        reading(finding("edema"), warnings=(issue,)),
        reading(finding("edema", prefix="r2"), warnings=(twin,)),
    )
    assert report.findings[0].text == "The image is under-exposed."
    assert report.findings[0].evidence == (issue, twin)


def test_refused_study_has_one_statement():
    issue = Issue("not_chest", "The image shows a hand", "r1.not_chest")
    report = drafted(RadiographReading(image(), Quality(False, (issue,))))
    assert report.findings == ()
    assert texts(report.impression) == ["The radiograph was not read: The image shows a hand."]
    assert report.impression[0].evidence == (issue,)
    assert (report.technique, report.comparison) == ("", "")


def test_changes_are_told_by_date_and_agree_in_number():
    def change(name, kind, day):
        return Change(name, ChangeKind(kind), ("r1", "p1"), day, f"change.{name}")

    day = dt.datetime(2020, 3, 1)
    report = drafted(
        reading(finding("edema"), finding("atelectasis")),
        changes=(
            change("edema", "new", day),
            change("atelectasis", "new", day),
            change("pneumothorax", "gone", None),
            change("no_finding", "gone", None),
        ),
    )
    assert texts(report.findings)[-2:] == [
        "Since 2020-03-01: atelectasis and pulmonary edema are new.",
        "Since the prior radiograph: pneumothorax has resolved.",
    ]


def test_nothing_to_say_is_an_empty_report():
    report = drafted(reading())
    assert (report.findings, report.impression) == ((), ())


def test_a_normal_heart_alone_makes_no_normal_chest():
    unread = [
        Finding(name, Status.NOT_ASSESSED, problem="unlike those learned from", id=f"r1.{name}")
        for name in ("no_finding", "pneumonia", "pleural_effusion")
    ]
    heart = finding("cardiomegaly", Status.ABSENT, 0.05)
    (line,) = drafted(reading(*unread, heart, measured=[ratio()])).impression
    assert "No acute" not in line.text
    assert "lungs and pleura were not assessed" in line.text
