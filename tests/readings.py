"""Constructed readings for tests: a phantom radiograph with masks, findings and a report.

Nothing here was read by a model. ``make_reading`` gives one frontal radiograph with every
kind of content, the others vary it: refused, two views, with a prior, wrongly stored.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import cv2
import numpy as np

from hilum.types import (
    Anatomy,
    Box,
    Change,
    ChangeKind,
    Context,
    Finding,
    FloatImage,
    Issue,
    Mask,
    Measurement,
    Orientation,
    Quality,
    Radiograph,
    RadiographReading,
    Reading,
    Region,
    Report,
    Spacing,
    SpacingOrigin,
    Statement,
    Status,
    Structure,
    Study,
    Unreadable,
    View,
)

ROWS, COLUMNS = 600, 520
SHA = "3f" * 32
ELLIPSES = {  # structure: centre (x, y) and half axes, in upright pixels
    "right_lung": ((155, 290), (88, 205)),
    "left_lung": ((365, 290), (88, 205)),
    "cardiomediastinum": ((285, 350), (95, 110)),
    "airways": ((260, 150), (14, 90)),
}
LANDMARKS = {
    "carina": (260.0, 236.0),
    "right_apex": (160.0, 88.0),
    "left_apex": (360.0, 88.0),
    "right_costophrenic_angle": (90.0, 470.0),
    "left_costophrenic_angle": (432.0, 470.0),
    "heart_right": (190.0, 352.0),
    "heart_left": (380.0, 372.0),
    "chest_right": (67.0, 420.0),
    "chest_left": (453.0, 420.0),
}


def _ellipse(name: str) -> Mask:
    canvas = np.zeros((ROWS, COLUMNS), np.uint8)
    centre, axes = ELLIPSES[name]
    cv2.ellipse(canvas, centre, axes, 0, 0, 360, 1, -1)
    return canvas.astype(bool)


def make_pixels(opacity: bool = True) -> FloatImage:
    """A blurred drawing of a chest, upright, air dark."""
    image = np.full((ROWS, COLUMNS), 0.06, np.float32)
    cv2.ellipse(image, (260, 360), (235, 330), 0, 0, 360, 0.62, -1)
    for name, level in (("right_lung", 0.22), ("left_lung", 0.22), ("cardiomediastinum", 0.78)):
        centre, axes = ELLIPSES[name]
        cv2.ellipse(image, centre, axes, 0, 0, 360, level, -1)
    cv2.rectangle(image, (242, 40), (278, 600), 0.8, -1)
    for step in range(8):
        for x in (155, 365):
            cv2.ellipse(image, (x, 180 + 46 * step), (105, 34), 0, 190, 350, 0.42, 5)
    if opacity:
        cv2.ellipse(image, (150, 410), (52, 44), 0, 0, 360, 0.56, -1)
    image = cv2.GaussianBlur(image, (0, 0), 5)
    noise = np.random.default_rng(7).normal(0, 0.012, image.shape)
    return np.clip(image + noise, 0, 1).astype(np.float32)


def _heatmap() -> FloatImage:
    y, x = np.mgrid[0:48, 0:42].astype(np.float32)
    heat = np.exp(-(((x - 12) / 5) ** 2 + ((y - 33) / 5) ** 2))
    return heat.astype(np.float32)


def make_anatomy(orientation: Orientation, key: str) -> Anatomy:
    """Masks and landmarks drawn upright and brought back to source pixels."""
    masks = {name: _ellipse(name) for name in ELLIPSES}
    rows = np.arange(ROWS)[:, None]
    zones = {}
    for side in ("right", "left"):
        for index, level in enumerate(("upper", "middle", "lower")):
            band = (rows >= 85 + 137 * index) & (rows < 85 + 137 * (index + 1))
            zones[f"{side}_{level}_zone"] = masks[f"{side}_lung"] & band
    structures = {
        name: Structure(name, np.ascontiguousarray(orientation.undo(mask)), 0.95)
        for name, mask in masks.items()
    }
    structures["airways"] = replace(
        structures["airways"], quality=0.41, problem="the airways are broken into pieces"
    )
    return Anatomy(
        structures=structures,
        landmarks={k: orientation.point_to_source(*p) for k, p in LANDMARKS.items()},
        zones={k: np.ascontiguousarray(orientation.undo(v)) for k, v in zones.items()},
        measurements=(
            Measurement(
                "cardiothoracic_ratio", 0.4922, "1", 0.018, id=f"{key}.cardiothoracic_ratio"
            ),
            Measurement("heart_width", 133.04, "mm", 4.1, id=f"{key}.heart_width"),
            Measurement("chest_width", 270.3, "mm", 3.0, id=f"{key}.chest_width"),
            Measurement("right_lung_area", 27_711.0, "mm2", 410.0, id=f"{key}.right_lung_area"),
            Measurement(
                "carina_angle",
                None,
                "deg",
                problem="the airways are not plausible",
                id=f"{key}.carina_angle",
            ),
            Measurement(
                "opacity_right_lower_zone", 0.412, "1", id=f"{key}.opacity_right_lower_zone"
            ),
        ),
    )


def make_findings(orientation: Orientation, key: str) -> tuple[Finding, ...]:
    """Present with a region, uncertain, absent, and not assessed."""
    box = orientation.box_to_source(Box(96.0, 362.0, 112.0, 92.0))
    heat = np.ascontiguousarray(orientation.undo(_heatmap()))
    return (
        Finding("no_finding", Status.ABSENT, 0.061, (0.02, 0.13), 0.5, id=f"{key}.no_finding"),
        Finding(
            "pneumonia",
            Status.PRESENT,
            0.873,
            (0.79, 0.93),
            0.42,
            (Region(box, 0.91),),
            ("right_lower_zone",),
            heat,
            id=f"{key}.pneumonia",
        ),
        Finding(
            "atelectasis",
            Status.UNCERTAIN,
            0.38,
            (0.21, 0.58),
            0.44,
            zones=("left_lower_zone",),
            id=f"{key}.atelectasis",
        ),
        Finding(
            "pleural_effusion",
            Status.ABSENT,
            0.052,
            (0.02, 0.11),
            0.3,
            id=f"{key}.pleural_effusion",
        ),
        Finding("cardiomegaly", Status.ABSENT, 0.12, (0.06, 0.2), 0.5, id=f"{key}.cardiomegaly"),
        Finding(
            "pneumothorax",
            Status.NOT_ASSESSED,
            problem="too few examples to train on",
            id=f"{key}.pneumothorax",
        ),
    )


def make_radiograph(
    source: str = "chest_pa.dcm", orientation: Orientation | None = None, opacity: bool = True
) -> Radiograph:
    """A radiograph whose upright pixels are ``make_pixels``."""
    return Radiograph(
        pixels=make_pixels(opacity),
        source=source,
        orientation=orientation or Orientation(ROWS, COLUMNS),
        view=View.PA,
        view_origin="ViewPosition",
        spacing=Spacing(0.7, 0.7, SpacingOrigin.DETECTOR),
        study_uid="1.2.826.0.1.3680043.8.498.1",
        sop_instance_uid="1.2.826.0.1.3680043.8.498.2",
        acquired=dt.datetime(2021, 3, 4, 10, 30),
        modality="DX",
        body_part="CHEST",
    )


def read_one(key: str = "r1", *, radiograph: Radiograph | None = None) -> RadiographReading:
    """An accepted radiograph with a warning; ``key`` starts its evidence ids."""
    radiograph = radiograph or make_radiograph()
    warning = Issue(
        "lung_cut_off", "The left costophrenic angle is cut off.", f"{key}.lung_cut_off"
    )
    return RadiographReading(
        radiograph,
        Quality(True, warnings=(warning,), scores={"prob_chest": 0.998, "prob_ap": 0.07}),
        make_anatomy(radiograph.orientation, key),
        make_findings(radiograph.orientation, key),
    )


def refuse_one(key: str = "r1", *, source: str = "knee.png") -> RadiographReading:
    """A refused radiograph: only its quality is known."""
    radiograph = replace(make_radiograph(source), view=View.UNKNOWN, spacing=None)
    reason = Issue("not_a_chest", "This is not a chest radiograph.", f"{key}.not_a_chest")
    return RadiographReading(radiograph, Quality(False, (reason,), scores={"prob_chest": 0.02}))


def make_report(image: RadiographReading, *changes: Change) -> Report:
    """Sentences bound to the evidence of ``image`` and to ``changes``."""

    def item(name: str) -> Finding:
        return next(f for f in image.findings if f.name == name)

    ratio = image.anatomy.measurement("cardiothoracic_ratio")
    assert ratio is not None
    compared = tuple(Statement("The right lower zone opacity is larger.", (c,)) for c in changes)
    return Report(
        findings=(
            Statement(
                "There is an opacity in the right lower zone, likely pneumonia.",
                (item("pneumonia"),),
            ),
            Statement("Atelectasis in the left lower zone is possible.", (item("atelectasis"),)),
            Statement("No pleural effusion is seen.", (item("pleural_effusion"),)),
            Statement(
                "The heart is not enlarged (cardiothoracic ratio 0.49).",
                (item("cardiomegaly"), ratio),
            ),
            Statement("The left costophrenic angle is cut off.", (image.quality.warnings[0],)),
        ),
        impression=(
            Statement("Likely right lower zone pneumonia.", (item("pneumonia"),)),
            *compared,
        ),
        indication="Cough and fever.",
        technique="One PA chest radiograph.",
        comparison="Chest radiograph of 2021-02-01." if changes else "",
    )


def make_reading(
    *,
    context: Context | None = None,
    orientation: Orientation | None = None,
    source: str = "chest_pa.dcm",
) -> Reading:
    """One accepted frontal radiograph and its report."""
    image = read_one(radiograph=make_radiograph(source, orientation))
    study = Study(
        (image.radiograph,),
        uid=image.radiograph.study_uid,
        date=image.radiograph.acquired,
        context=context or Context(indication="Cough and fever.", age_years=57, sex="F"),
    )
    return Reading(
        study, (image,), make_report(image), models={"hilum-gate": SHA}, settings={"threads": 1}
    )


def make_refused_reading() -> Reading:
    """Nothing readable: one refused radiograph and one file that is no image."""
    image = refuse_one()
    unreadable = (Unreadable("notes.txt", "This file holds no image."),)
    return Reading(Study((image.radiograph,), unreadable=unreadable), (image,), Report())


def make_two_view_reading() -> Reading:
    """A frontal and a lateral radiograph, and a refused third image."""
    base = make_reading()
    lateral = replace(make_radiograph("chest_lateral.dcm", opacity=False), view=View.LATERAL)
    second = RadiographReading(
        lateral,
        Quality(True, warnings=(Issue("lateral", "Lateral views are not read.", "r2.lateral"),)),
    )
    third = refuse_one("r3")
    images = (base.radiographs[0], second, third)
    study = replace(base.study, radiographs=tuple(i.radiograph for i in images))
    return replace(base, study=study, radiographs=images)


def make_prior_reading() -> Reading:
    """A reading with an earlier study and a change since then."""
    base = make_reading()
    earlier = dt.datetime(2021, 2, 1, 8, 0)
    old = replace(make_radiograph("old/chest.dcm", opacity=False), acquired=earlier)
    prior = Study((old,), uid="1.2.826.0.1.3680043.8.498.9", date=earlier)
    change = Change(
        "pneumonia",
        ChangeKind.LARGER,
        ("r1.pneumonia", "p1.r1.pneumonia"),
        earlier,
        "change.pneumonia",
    )
    return replace(
        base,
        study=replace(base.study, priors=(prior,)),
        report=make_report(base.radiographs[0], change),
        changes=(change,),
    )
