"""Phantoms for tests that need their truth but not their pixels: drawn in a millisecond.

The masks are ellipses and boxes where the anatomy would be, findings lie in the zone that their
spec names. What language, questions, changes and gaze take from a phantom is all there.
"""

from dataclasses import replace

import numpy as np

from hilum.synth import (
    DeviceSpec,
    DeviceTruth,
    FindingSpec,
    FindingTruth,
    PhantomImage,
    PhantomSpec,
    Truth,
    known_findings,
    sample_spec,
)
from hilum.synth.devices.device_shapes import known_devices
from hilum.synth.disease.grades import base_name, kinds_of
from hilum.synth.disease.pathology import spec_sides
from hilum.synth.evidence import box_of
from hilum.synth.truth import zone_masks
from hilum.types import Orientation, Radiograph, Spacing, SpacingOrigin, View

SIZE = 96
TIPS = {
    "endotracheal_tube": (("trachea", 40.0), ("main_bronchus", -25.0)),
    "tracheostomy_tube": (("trachea", 50.0), ("trachea", 12.0)),
    "nasogastric_tube": (("stomach", None), ("esophagus", None)),
    "chest_tube": (("pleural_space", None), ("chest_wall", None)),
    "pulmonary_artery_catheter": (("pulmonary_artery", None), ("right_ventricle", None)),
    "pacemaker": (("right_ventricle", None), ("right_atrium", None)),
    "icd": (("right_ventricle", None), ("right_atrium", None)),
}
VENOUS = (("superior_vena_cava", -20.0), ("right_atrium", -75.0))
OVERALL = ("edema", "emphysema", "ground_glass_opacity", "fibrosis", "pleural_effusion")


def ellipse(x: float, y: float, a: float, b: float) -> np.ndarray:
    rows, columns = np.mgrid[:SIZE, :SIZE] + 0.5
    return ((columns - x) / a) ** 2 + ((rows - y) / b) ** 2 <= 1


def structures() -> dict[str, np.ndarray]:
    masks = {
        "right_lung": ellipse(28, 46, 15, 34),
        "left_lung": ellipse(68, 46, 15, 34),
        "heart": ellipse(53, 62, 14, 15),
        "trachea": ellipse(48, 22, 3, 14),
        "spine": ellipse(48, 48, 4, 48),
        "aorta": ellipse(53, 34, 5, 6),
        "stomach_bubble": ellipse(66, 86, 6, 4),
        "right_clavicle": ellipse(33, 12, 13, 2),
        "left_clavicle": ellipse(63, 12, 13, 2),
    }
    masks |= {f"right_rib_{n}": ellipse(28, 8 + 6 * n, 18, 2) for n in range(1, 13)}
    masks |= {f"left_rib_{n}": ellipse(68, 8 + 6 * n, 18, 2) for n in range(1, 13)}
    return masks | {
        "cardiomediastinum": masks["heart"] | masks["spine"],
        "airways": masks["trachea"],
    }


def finding_truth(spec: FindingSpec, masks: dict[str, np.ndarray]) -> FindingTruth:
    mask = np.zeros((SIZE, SIZE), bool)
    zones = zone_masks(masks)
    level = next((v for v in ("upper", "middle", "lower") if v in spec.place), "lower")
    if spec.place in ("hilum", "perihilar", "lingula"):
        level = "middle"
    reached = []
    for side in spec_sides(spec):
        is_overall = base_name(spec.name) in OVERALL and not spec.place
        for v in ("upper", "middle", "lower") if is_overall else (level,):
            zone = zones[f"{side}_{v}_zone"]
            radius = 4.0 + 8.0 * spec.extent
            rows, columns = np.nonzero(zone)
            mask |= zone & ellipse(columns.mean(), rows.mean(), radius, radius)
            reached.append(f"{side}_{v}_zone")
    volume = 2000.0 * spec.extent * len(spec_sides(spec))
    return FindingTruth(spec, mask, box_of(mask), tuple(reached), volume, 50.0)


def device_truth(spec: DeviceSpec) -> DeviceTruth:
    right, wrong = TIPS.get(spec.name, VENOUS)
    if spec.name in ("surgical_clips", "prosthetic_valve", "ecg_leads", "spinal_hardware"):
        right = wrong = ("chest_wall", None)
    place, above = right if spec.is_correct else wrong
    y = 38.0 - (above or -20.0) / 5.0
    mask = ellipse(48, y - 8, 2, 8)
    return DeviceTruth(spec, mask, (48.0, y), place, above)


def draw(spec: PhantomSpec, *, ratio: float | None = None) -> PhantomImage:
    """An image of a spec without rendering it; ``ratio`` is the cardiothoracic ratio."""
    masks = structures()
    found = ratio if ratio is not None else spec.build.heart_ratio
    if ratio is None and any(f.name == "cardiomegaly" for f in spec.findings):
        found = 0.63
    truth = Truth(
        view=spec.imaging.view,
        masks=masks,
        landmarks={
            "carina": (48.0, 38.0),
            "right_apex": (28.0, 12.0),
            "left_apex": (68.0, 12.0),
            "right_costophrenic_angle": (15.0, 78.0),
            "left_costophrenic_angle": (81.0, 78.0),
        },
        measurements={"carina_angle": 65.0, "cardiothoracic_ratio": found},
        findings=tuple(finding_truth(f, masks) for f in spec.findings),
        devices=tuple(device_truth(d) for d in spec.devices),
        spacing_mm=(4.0, 4.0),
    )
    radiograph = Radiograph(
        np.full((SIZE, SIZE), 0.5, np.float32),
        "phantom",
        Orientation(SIZE, SIZE, 0),
        view=spec.imaging.view,
        spacing=Spacing(4.0, 4.0, SpacingOrigin.DETECTOR),
    )
    return PhantomImage(spec, radiograph, truth, {})


def varied_spec(rng: np.random.Generator) -> PhantomSpec:
    """Any findings of any kind and any devices, rightly or wrongly placed."""
    spec = sample_spec(rng)
    names = [str(n) for n in rng.choice(known_findings(), int(rng.integers(0, 4)), replace=False)]
    findings = tuple(
        FindingSpec(
            name,
            str(rng.choice(["left", "right", "bilateral"])),
            "",
            float(rng.uniform(0.05, 1.0)),
            kind=str(rng.choice(kinds_of(name))),
            seed=int(rng.integers(2**31)),
        )
        for name in names
    )
    devices = tuple(
        DeviceSpec(str(name), str(rng.choice(["left", "right"])), bool(rng.random() > 0.4))
        for name in rng.choice(known_devices(), int(rng.integers(0, 4)), replace=False)
    )
    if rng.random() < 0.4:  # as they occur
        return spec
    return replace(spec, findings=findings, devices=devices)


def frontal(spec: PhantomSpec) -> bool:
    return spec.imaging.view is not View.LATERAL
