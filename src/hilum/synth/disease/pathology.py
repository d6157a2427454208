"""Insert findings into a thorax: the one entrance, a finding's name to what it does.

Some findings bend the whole chest (a shifted mediastinum, flat domes, a large heart, a
crooked spine): ``prepare_build`` does that before the thorax is made, ``add_finding`` the
rest in the made thorax.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from hilum.errors import InvalidValueError
from hilum.synth.disease.bone_findings import add_fracture
from hilum.synth.disease.grades import base_name, grade, kind_of, known_findings
from hilum.synth.disease.heart_findings import add_aortic_calcification, add_hernia, add_nodes
from hilum.synth.disease.heart_fit import fit_heart
from hilum.synth.disease.insertion import sides_of, volume_ml
from hilum.synth.disease.interstitial import add_edema, add_emphysema, add_fibrosis
from hilum.synth.disease.lung_findings import (
    add_atelectasis,
    add_consolidation,
    add_ground_glass,
    add_patches,
    lobe_of,
)
from hilum.synth.disease.nodules import add_nodules
from hilum.synth.disease.pleural_findings import (
    add_effusion,
    add_pneumoperitoneum,
    add_pneumothorax,
    add_thickening,
)
from hilum.synth.thorax.build import Build
from hilum.synth.thorax.trees import Tube
from hilum.synth.thorax.volume import Part, Thorax
from hilum.synth.types import FindingPart, FindingSpec

__all__ = ["add_finding", "fit_heart", "known_findings", "prepare_build", "spec_sides"]

Solids = Callable[[Thorax, FindingSpec, str], list[Part]]
SIDED: dict[str, Solids] = {
    "pleural_effusion": add_effusion,
    "pneumothorax": add_pneumothorax,
    "pleural_thickening": add_thickening,
    "pneumoperitoneum": add_pneumoperitoneum,
    "consolidation": add_consolidation,
    "ground_glass_opacity": add_ground_glass,
    "lung_opacity": add_patches,
    "pneumonia": add_patches,
    "infiltration": add_patches,
    "atelectasis": add_atelectasis,
    "lymphadenopathy": add_nodes,
    "hilar_enlargement": add_nodes,
}
MIXED = {
    "nodule": add_nodules,
    "mass": add_nodules,
    "nodule_or_mass": add_nodules,
    "edema": add_edema,
    "emphysema": add_emphysema,
    "fibrosis": add_fibrosis,
}
USUALLY_BOTH = ("edema", "emphysema", "fibrosis", "lymphadenopathy", "pneumoperitoneum")


def add_finding(thorax: Thorax, spec: FindingSpec) -> FindingPart:
    """Insert a finding; the thorax is changed in place.

    Args:
        thorax: Made from a build that ``prepare_build`` has seen with the same findings.
        spec: An empty side is drawn (or both, where the disease is of both lungs).

    Raises:
        InvalidValueError: If the finding, its kind or its place cannot be inserted.
    """
    kind_of(spec)
    name, parts, tubes = base_name(spec.name), list[Part](), list[Tube]()
    if name == "aortic_calcification":
        tubes = add_aortic_calcification(thorax, spec)
    elif name == "hiatal_hernia":
        parts = add_hernia(thorax, spec)
    elif name in ("cardiomegaly", "scoliosis"):
        parts = [thorax.parts["heart" if name == "cardiomegaly" else "spine"]]
    for side in spec_sides(spec) if not parts and not tubes else ():
        if name in SIDED:
            parts += SIDED[name](thorax, spec, side)
        elif name in MIXED:
            solids, lines = MIXED[name](thorax, spec, side)
            parts, tubes = parts + solids, tubes + lines
        elif name == "fracture":
            tubes += add_fracture(thorax, spec, side)
        else:
            raise InvalidValueError(f"finding {name!r} has a grade but nothing inserts it")
    return FindingPart(spec, tuple(parts), tuple(tubes), volume_ml(thorax.grid, parts))


def spec_sides(spec: FindingSpec) -> tuple[str, ...]:
    """The sides of a spec, drawn from its seed where it names none."""
    if not spec.side and base_name(spec.name) in USUALLY_BOTH:
        return ("right", "left")
    if not spec.side and spec.place in ("middle_lobe", "lingula"):
        return ("right",) if spec.place == "middle_lobe" else ("left",)
    for word in ("right", "left"):
        if not spec.side and spec.place.startswith(word + "_"):
            return (word,)
    return sides_of(spec.side, np.random.default_rng([spec.seed, 1]))


def prepare_build(build: Build, findings: Sequence[FindingSpec]) -> Build:
    """Bend a build as its findings do: heart, spine, domes, the mediastinum's place.

    Equal arguments give equal builds; findings that bend nothing leave it as it is.
    """
    for spec in findings:
        kind_of(spec)
        name = base_name(spec.name)
        if name == "cardiomegaly":
            ratio = max(build.heart_ratio, grade(spec, "ratio"))
            build = replace(build, heart_ratio=min(ratio, 0.75))
        elif name == "scoliosis":
            sign = {"left": 1.0, "right": -1.0}.get(spec.side, 1.0 if spec.seed % 2 else -1.0)
            build = replace(build, scoliosis=sign * grade(spec, "deviation") * build.scale)
        elif spec.name == "emphysema":
            build = replace(build, flat=max(build.flat, grade(spec, "flat")))
            build = _lift(build, ("right", "left"), -grade(spec, "sink"))
        elif name == "fibrosis":
            build = _lift(build, spec_sides(spec), grade(spec, "lift"))
        elif name in ("pleural_effusion", "pneumothorax", "atelectasis"):
            build = _bend_sided(build, spec, name)
    return build


def _bend_sided(build: Build, spec: FindingSpec, name: str) -> Build:
    """Shift and domes of what fills or empties one side; both sides cancel out."""
    sides, kind = spec_sides(spec), kind_of(spec)
    push = 0.0
    if (name == "pleural_effusion" and kind == "free") or kind == "tension":
        push = grade(spec, "shift")
    if kind == "tension":
        build = _lift(build, sides, -grade(spec, "sink"))
    if name == "atelectasis" and kind == "lobar":
        push = -grade(spec, "shift")
        lobe = lobe_of(spec, sides[0], np.random.default_rng([spec.seed, 37, sides[0] == "left"]))
        share = 1.0 if lobe == "lower_lobe" else 0.35
        build = _lift(build, sides, share * grade(spec, "lift"))
    for side in sides:
        away = -1.0 if side == "left" else 1.0
        build = replace(build, shift=build.shift + away * push * build.scale)
    return build


def _lift(build: Build, sides: Sequence[str], lift: float) -> Build:
    """Raise the domes of some sides by so many millimetres at an adult's scale."""
    for side in sides:
        if side == "left":
            build = replace(build, lift_left=build.lift_left + lift * build.scale)
        else:
            build = replace(build, lift_right=build.lift_right + lift * build.scale)
    return build
