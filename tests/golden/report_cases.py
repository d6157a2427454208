"""Constructed readings whose reports are kept in ``tests/golden/report``."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from hilum.report import draft
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
    Reading,
    Report,
    Status,
    Study,
    View,
)

NAMES = (
    "lung_opacity",
    "pneumonia",
    "consolidation",
    "infiltration",
    "atelectasis",
    "edema",
    "nodule_or_mass",
    "pleural_effusion",
    "pneumothorax",
    "pleural_thickening",
    "cardiomegaly",
)
PRIOR_DATE = dt.datetime(2020, 3, 1)


def found(name, status, probability=None, *zones, prefix="r1"):
    """One finding; a probability is only for an assessed one."""
    status = Status(status)
    if status is Status.NOT_ASSESSED:
        return Finding(name, status, problem="Too few positives.", id=f"{prefix}.{name}")
    interval = (max(0.0, probability - 0.05), min(1.0, probability + 0.05))
    return Finding(name, status, probability, interval, 0.4, zones=zones, id=f"{prefix}.{name}")


def ratio(value, uncertainty=0.02, problem=None, prefix="r1"):
    return Measurement(
        "cardiothoracic_ratio",
        value,
        "1",
        uncertainty if value is not None else None,
        problem,
        id=f"{prefix}.cardiothoracic_ratio",
    )


def seen(*told, measured=None, view=View.PA, prefix="r1", rest="absent", **options):
    """An accepted radiograph: the findings told, and the others with status ``rest``."""
    named = {finding.name: finding for finding in told}
    overall = named.pop("no_finding", None)
    findings = [named.pop(n, None) or found(n, rest, 0.05, prefix=prefix) for n in NAMES]
    findings = ([overall] if overall else []) + findings + list(named.values())
    quality = Quality(True, warnings=options.pop("warnings", ()), scores=options.pop("scores", {}))
    anatomy = Anatomy(measurements=() if measured is None else (measured,))
    return RadiographReading(image(view, **options), quality, anatomy, tuple(findings))


def image(view=View.PA, view_origin="ViewPosition"):
    pixels = np.zeros((4, 4), dtype=np.float32)
    return Radiograph(pixels, "image.png", Orientation(4, 4), view=view, view_origin=view_origin)


def refused(*reasons):
    return RadiographReading(image(View.UNKNOWN, "none"), Quality(False, reasons))


def prior(date=PRIOR_DATE):
    return Study((image(),), date=date)


@dataclass(frozen=True)
class Case:
    """What goes into a draft."""

    radiographs: tuple[RadiographReading, ...]
    changes: tuple[Change, ...] = ()
    context: Context = Context()  # noqa: RUF009
    priors: tuple[Study, ...] = ()

    def report(self) -> Report:
        """Draft it, and prove that every statement is bound to this very reading."""
        study = Study(
            tuple(r.radiograph for r in self.radiographs),
            context=self.context,
            priors=self.priors,
        )
        report = draft(study, self.radiographs, self.changes)
        Reading(study, self.radiographs, report, self.changes)
        return report


def change(name, kind, date=PRIOR_DATE):
    return Change(name, ChangeKind(kind), (f"r1.{name}", f"p1.{name}"), date, f"change.{name}")


def render(report: Report) -> str:
    """The report as text, with the evidence ids of each statement."""
    lines = []
    for title in ("indication", "technique", "comparison"):
        if getattr(report, title):
            lines += [title.upper(), getattr(report, title), ""]
    for title in ("findings", "impression"):
        lines.append(title.upper())
        for statement in getattr(report, title):
            lines.append(statement.text)
            lines.append("    " + ", ".join(item.id for item in statement.evidence))
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


RIGHT_LOWER, LEFT_LOWER = "right_lower_zone", "left_lower_zone"
RIGHT_MIDDLE, LEFT_MIDDLE = "right_middle_zone", "left_middle_zone"

CASES = {
    "normal": Case(
        (seen(found("no_finding", "present", 0.95), measured=ratio(0.45)),),
        context=Context(indication="Cough for two weeks", age_years=41, sex="F"),
    ),
    "limited_labels": Case(
        (
            seen(
                found("no_finding", "present", 0.9),
                found("pneumothorax", "not_assessed"),
                found("nodule_or_mass", "not_assessed"),
                measured=ratio(0.50, 0.015),
            ),
        )
    ),
    "lobar_pneumonia": Case(
        (
            seen(
                found("no_finding", "present", 0.6),
                found("lung_opacity", "present", 0.97, RIGHT_LOWER),
                found("consolidation", "present", 0.93, RIGHT_LOWER),
                found("pneumonia", "present", 0.82, RIGHT_LOWER),
                found("pleural_effusion", "present", 0.6, RIGHT_LOWER),
                measured=ratio(0.47),
            ),
        )
    ),
    "opacity_beyond_consolidation": Case(
        (
            seen(
                found("lung_opacity", "present", 0.75, RIGHT_LOWER, LEFT_MIDDLE),
                found("consolidation", "present", 0.55, RIGHT_LOWER),
                found("pneumonia", "uncertain", 0.35),
            ),
        )
    ),
    "pneumonia_alone": Case(
        (
            seen(
                found("pneumonia", "present", 0.5, LEFT_LOWER), found("lung_opacity", "absent", 0.3)
            ),
        )
    ),
    "heart_failure_ap": Case(
        (
            seen(
                found("lung_opacity", "present", 0.95, RIGHT_LOWER, LEFT_LOWER),
                found(
                    "edema",
                    "present",
                    0.92,
                    RIGHT_LOWER,
                    LEFT_LOWER,
                    RIGHT_MIDDLE,
                    LEFT_MIDDLE,
                ),
                found("pleural_effusion", "present", 0.88, RIGHT_LOWER, LEFT_LOWER),
                found("atelectasis", "uncertain", 0.35, LEFT_LOWER),
                found("cardiomegaly", "present", 0.95),
                measured=ratio(0.62, 0.024),
                view=View.AP,
                view_origin="image",
                scores={"prob_ap": 0.93},
                warnings=(
                    Issue("patient_rotated", "The patient is rotated to the left", "r1.rotated"),
                ),
            ),
        )
    ),
    "heart_disagreement": Case(
        (seen(found("cardiomegaly", "present", 0.75), measured=ratio(0.44, 0.013)),)
    ),
    "heart_not_measured": Case(
        (
            seen(
                found("cardiomegaly", "absent", 0.1),
                measured=ratio(None, problem="The left costophrenic angle is outside the image."),
            ),
        )
    ),
    "doubts": Case(
        (
            seen(
                found("pneumothorax", "uncertain", 0.35),
                found("pleural_thickening", "uncertain", 0.35),
                found("atelectasis", "uncertain", 0.35),
                found("nodule_or_mass", "uncertain", 0.3, "right_upper_zone"),
                found("cardiomegaly", "uncertain", 0.4),
                measured=ratio(0.49),
            ),
        )
    ),
    "unexplained": Case((seen(found("no_finding", "absent", 0.1)),)),
    "abstained": Case(
        (seen(found("no_finding", "not_assessed"), rest="not_assessed", measured=ratio(0.45)),)
    ),
    "follow_up": Case(
        (
            seen(
                found("lung_opacity", "present", 0.95, RIGHT_LOWER),
                found("pneumonia", "present", 0.95, RIGHT_LOWER),
                found("atelectasis", "present", 0.8, LEFT_LOWER),
                found("pleural_effusion", "absent", 0.1),
                found("cardiomegaly", "present", 0.9),
                measured=ratio(0.56),
            ),
        ),
        (
            change("lung_opacity", "new"),
            change("pneumonia", "new"),
            change("atelectasis", "unchanged"),
            change("pleural_effusion", "gone"),
            change("cardiomegaly", "larger"),
        ),
        Context(indication="Fever.", history="Asthma"),
        (prior(), prior(dt.datetime(2019, 5, 2)), prior(None)),
    ),
    "everything": Case(
        (seen(*(found(n, "present", 0.95, RIGHT_LOWER, LEFT_LOWER) for n in NAMES)),)
    ),
    "frontal_lateral_refused": Case(
        (
            seen(found("pneumothorax", "present", 0.91, "left_upper_zone"), measured=ratio(0.45)),
            RadiographReading(
                image(View.LATERAL),
                Quality(
                    True,
                    warnings=(Issue("lateral_not_read", "No model.", "r2.lateral_not_read"),),
                ),
            ),
            refused(Issue("not_chest", "The image does not show a chest.", "r3.not_chest")),
        )
    ),
    "lateral_only": Case(
        (
            RadiographReading(
                image(View.LATERAL),
                Quality(
                    True,
                    warnings=(Issue("lateral_not_read", "No model.", "r1.lateral_not_read"),),
                ),
            ),
        )
    ),
    "two_frontals": Case(
        (
            seen(
                found("pneumothorax", "present", 0.75, "left_upper_zone"),
                found("lung_opacity", "present", 0.95, RIGHT_LOWER),
                measured=ratio(0.53),
                view=View.AP,
            ),
            seen(
                found("lung_opacity", "present", 0.8, RIGHT_LOWER, RIGHT_MIDDLE, prefix="r2"),
                measured=ratio(0.48, prefix="r2"),
                prefix="r2",
            ),
        )
    ),
    "refused": Case(
        (
            refused(
                Issue("not_radiograph", "The image is a colour photograph.", "r1.not_radiograph"),
                Issue("not_chest", "It does not show a chest", "r1.not_chest"),
            ),
        ),
        context=Context(indication="Pain"),
    ),
    "own_model": Case(
        (
            seen(
                found("rib_fracture", "present", 0.8),
                found("hernia", "absent", 0.1),
                found("endotracheal_tube", "present", 0.95),
            ),
        )
    ),
}
