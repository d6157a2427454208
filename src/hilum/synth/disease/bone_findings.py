"""Broken bones: a rib or a clavicle with a step and a gap, or with healed callus."""

from __future__ import annotations

import numpy as np

from hilum.errors import InvalidValueError
from hilum.synth.disease.grades import grade, kind_of
from hilum.synth.thorax.trees import Tube
from hilum.synth.thorax.volume import Thorax
from hilum.synth.types import FindingSpec

__all__ = ["add_fracture", "broken_bone"]

RIBS = (4, 10)
SHARE = (0.38, 0.66)
"""Where along its arc a rib breaks: around its angle and side."""


def add_fracture(thorax: Thorax, spec: FindingSpec, side: str) -> list[Tube]:
    """Break a bone; ``place`` is ``rib``, ``rib_7`` or ``clavicle``, empty means a rib.

    Returns:
        The two ends beside the break, which the truth's box holds.

    Raises:
        InvalidValueError: If the place is no bone that can break here.
    """
    rng = np.random.default_rng([spec.seed, 71, side == "left"])
    name = broken_bone(spec, side)
    bone = thorax.tubes[name][0]
    low, high = (0.4, 0.6) if name.endswith("clavicle") else SHARE
    at = float(rng.uniform(low, high)) * (len(bone.axis) - 1)
    if kind_of(spec) == "healed":
        return _heal(thorax, name, bone, round(at))
    cut = bone.axis[int(at)] + (at % 1) * (bone.axis[int(at) + 1] - bone.axis[int(at)])
    index, k = int(at), thorax.build.scale
    way = bone.axis[index + 1] - bone.axis[index]
    way = way / np.linalg.norm(way)
    gap, step = grade(spec, "gap") * k, grade(spec, "step") * k
    radius = bone.radius[index]
    first = np.concatenate([bone.axis[: index + 1], (cut - way * (gap / 2))[None]])
    moved = bone.axis[index + 1 :].copy()
    # the far end sinks and comes back into line where the muscles hold it
    fade = np.linspace(1.0, 0.15, len(moved))[:, None]
    shift = np.array([0.0, 0.0, step]) - way * (0.2 * step)
    moved = moved + shift * fade
    last = np.concatenate([(cut + way * (gap / 2) + shift)[None], moved])
    pieces = [
        Tube(first.astype(np.float32), np.append(bone.radius[: index + 1], radius)),
        Tube(last.astype(np.float32), np.insert(bone.radius[index + 1 :], 0, radius)),
    ]
    thorax.tubes[name] = pieces
    return [
        Tube(pieces[0].axis[-3:], pieces[0].radius[-3:]),
        Tube(pieces[1].axis[:3], pieces[1].radius[:3]),
    ]


def broken_bone(spec: FindingSpec, side: str) -> str:
    """The bone that a fracture breaks (``left_rib_7``), drawn from its seed where it is left open.

    Raises:
        InvalidValueError: If the place is no bone that can break here.
    """
    rng = np.random.default_rng([spec.seed, 73, side == "left"])
    number = int(rng.integers(*RIBS))
    if spec.place == "clavicle" or spec.name == "clavicle_fracture":
        return f"{side}_clavicle"
    if spec.place in ("", "rib"):
        return f"{side}_rib_{number}"
    word, _, count = spec.place.partition("_")
    if word == "rib" and count.isdigit() and 1 <= int(count) <= 12:
        return f"{side}_{spec.place}"
    raise InvalidValueError(
        f"no fracture of {spec.place!r} can be inserted; use rib, rib_1 to rib_12 or clavicle"
    )


def _heal(thorax: Thorax, name: str, bone: Tube, index: int) -> list[Tube]:
    """A swelling of callus around a break that has joined, slightly bent."""
    away = np.abs(np.arange(len(bone.axis)) - index)
    swell = 1.0 + 0.5 * np.exp(-((away / 1.3) ** 2))
    axis = bone.axis.copy()
    axis[:, 2] += (2.5 * thorax.build.scale * np.exp(-((away / 2.0) ** 2))).astype(np.float32)
    healed = Tube(axis, (bone.radius * swell).astype(np.float32))
    thorax.tubes[name] = [healed]
    low, high = max(0, index - 2), index + 3
    return [Tube(healed.axis[low:high], healed.radius[low:high])]
