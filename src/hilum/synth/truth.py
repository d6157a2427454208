"""What is true of a rendered phantom: masks, landmarks and measurements by projection.

Structures are projected with the same beam as the image, so they carry its magnification.
The masks follow the readers' conventions: a lung reaches behind the heart but not below the
outline of its dome; the cardiomediastinum is heart, great vessels and what lies between the
lungs; the airways are the trachea and the main bronchi.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hilum.synth.imaging.projection import project_tubes, project_window
from hilum.synth.outlines import find_outlines
from hilum.synth.thorax.mediastinum import airway_axes
from hilum.synth.thorax.space import Array, Beam
from hilum.synth.thorax.volume import Part, Thorax
from hilum.synth.types import DevicePart, DeviceTruth, FindingPart, FindingTruth, Truth
from hilum.types import Box, Mask, Point, View

__all__ = [
    "find_landmarks",
    "find_masks",
    "find_truth",
    "measure",
    "outline_landmarks",
    "project_part",
    "ratio_of",
    "zone_masks",
]

LEAST_MM = 2.0
LUNG_LEAST_MM = 12.0
"""Lung thinner than this on the ray is not seen as lung."""
DOME_MM = 30.0
"""Below the dome a ray passes more of the abdomen than this."""
AIRWAYS = ("trachea", "right_main_bronchus", "left_main_bronchus")
BONES = ("clavicle", "scapula", "humerus")


def project_part(thorax: Thorax, part: Part, beam: Beam) -> Array:
    """Millimetres of a part on every ray, ``(rows, columns)``."""
    return project_window(part.occupancy, part.window, thorax.grid, beam)


def find_masks(thorax: Thorax, beam: Beam) -> dict[str, Mask]:
    """Projected structures by name, bool ``(rows, columns)``; they overlap."""
    thick = {name: project_part(thorax, part, beam) for name, part in thorax.parts.items()}
    masks: dict[str, Mask] = {}
    for side in ("right", "left"):
        lung = thick[f"{side}_lung"] >= LUNG_LEAST_MM
        masks[f"{side}_lung"] = lung & (thick[f"{side}_abdomen"] < DOME_MM)
    between = np.maximum(thick["aorta"], thick["mediastinum"]) >= LEAST_MM
    below = np.maximum(thick["right_abdomen"], thick["left_abdomen"]) >= DOME_MM
    masks["cardiomediastinum"] = (thick["heart"] >= LEAST_MM) | (between & ~below)
    masks["airways"] = np.max([thick[name] for name in AIRWAYS], 0) >= LEAST_MM
    for name in ("heart", "aorta", "trachea", "spine", "stomach_bubble"):
        masks[name] = thick[name] >= LEAST_MM
    masks |= _bone_masks(thorax, beam)
    masks |= find_outlines(
        thorax,
        beam,
        thick=thick,
        lungs={name: masks[name] for name in ("right_lung", "left_lung")},
        carina_row=_carina(thorax, beam)[1],
        dome_mm=DOME_MM,
    )
    return masks


def _carina(thorax: Thorax, beam: Beam) -> Point:
    fork = airway_axes(thorax)["trachea"][0][-1]
    x, y = (beam.project(thorax.grid.to_view([fork]))[0] + 0.5).tolist()
    return x, y


def _bone_masks(thorax: Thorax, beam: Beam) -> dict[str, Mask]:
    masks: dict[str, Mask] = {}
    for side in ("right", "left"):
        names = {f"{side}_{bone}": [f"{side}_{bone}"] for bone in BONES}
        names |= {f"{side}_rib_{n}": [f"{side}_rib_{n}"] for n in range(1, 13)}
        for name, parts in names.items():
            image = np.zeros(beam.pixels[::-1], np.float32)
            for part in parts:
                project_tubes(thorax.tubes.get(part, ()), thorax.grid, beam, out=image)
            masks[name] = image >= LEAST_MM
    return masks


def find_landmarks(thorax: Thorax, beam: Beam, masks: dict[str, Mask]) -> dict[str, Point]:
    """Landmarks by the names that readings use, pixels, origin at the image's corner."""
    return {"carina": _carina(thorax, beam), **outline_landmarks(masks)}


def outline_landmarks(masks: dict[str, Mask]) -> dict[str, Point]:
    """Landmarks that the outlines of lungs and heart give: apices, angles, widest borders."""
    found: dict[str, Point] = {}
    for side in ("right", "left"):
        rows, columns = np.nonzero(masks[f"{side}_lung"])
        if not rows.size:
            continue
        top = rows == rows.min()
        found[f"{side}_apex"] = (float(columns[top].mean()) + 0.5, float(rows.min()))
        outwards = -columns if side == "right" else columns
        corner = int((rows + 0.8 * outwards).argmax())
        found[f"{side}_costophrenic_angle"] = (columns[corner] + 0.5, rows[corner] + 0.5)
    heart = _extent(masks["heart"])
    chest = _chest_width(masks["right_lung"], masks["left_lung"])
    if heart and chest:
        found |= {"heart_right": heart[0], "heart_left": heart[1]}
        found |= {"chest_right": chest[0], "chest_left": chest[1]}
    return {name: (float(u), float(v)) for name, (u, v) in found.items()}


def _extent(mask: Mask) -> tuple[Point, Point] | None:
    columns = np.flatnonzero(mask.any(0))
    if not columns.size:
        return None
    low, high = int(columns[0]), int(columns[-1])
    at = [float(np.median(np.flatnonzero(mask[:, c]))) + 0.5 for c in (low, high)]
    return (float(low), at[0]), (float(high + 1), at[1])


def _chest_width(right: Mask, left: Mask) -> tuple[Point, Point] | None:
    """Outer borders of the lungs on the row where they are farthest apart."""
    rows = np.flatnonzero(right.any(1) & left.any(1))
    if not rows.size:
        return None
    first = right[rows].argmax(1)
    last = left.shape[1] - left[rows, ::-1].argmax(1)
    best = int((last - first).argmax())
    y = float(rows[best]) + 0.5
    return (float(first[best]), y), (float(last[best]), y)


def measure(landmarks: dict[str, Point], thorax: Thorax) -> dict[str, float]:
    """Measurements by the names that readings use; ratios have no unit, angles are degrees."""
    return {"carina_angle": thorax.build.carina_angle, **ratio_of(landmarks)}


def ratio_of(landmarks: dict[str, Point]) -> dict[str, float]:
    """The cardiothoracic ratio where heart and chest borders are known, else nothing."""
    if "heart_left" not in landmarks:
        return {}
    heart = landmarks["heart_left"][0] - landmarks["heart_right"][0]
    chest = landmarks["chest_left"][0] - landmarks["chest_right"][0]
    return {"cardiothoracic_ratio": heart / chest}


def find_truth(
    thorax: Thorax,
    beam: Beam,
    view: View,
    *,
    findings: Sequence[FindingPart] = (),
    devices: Sequence[DevicePart] = (),
) -> Truth:
    """Everything that is true of a thorax as that beam projects it."""
    masks = find_masks(thorax, beam)
    landmarks = find_landmarks(thorax, beam, masks)
    zones = zone_masks(masks)
    return Truth(
        view=view,
        masks=masks,
        landmarks=landmarks,
        measurements=measure(landmarks, thorax),
        findings=tuple(_finding_truth(thorax, beam, part, zones) for part in findings),
        devices=tuple(_device_truth(thorax, beam, part) for part in devices),
        spacing_mm=(beam.pixel_mm[1], beam.pixel_mm[0]),
    )


def zone_masks(masks: dict[str, Mask]) -> dict[str, Mask]:
    """Upper, middle and lower third of each lung's height."""
    zones: dict[str, Mask] = {}
    for side in ("right", "left"):
        lung = masks[f"{side}_lung"]
        rows = np.flatnonzero(lung.any(1))
        if not rows.size:
            continue
        cuts = np.linspace(rows[0], rows[-1] + 1, 4).round().astype(int)
        for level, low, high in zip(("upper", "middle", "lower"), cuts[:-1], cuts[1:], strict=True):
            zone = np.zeros_like(lung)
            zone[low:high] = lung[low:high]
            zones[f"{side}_{level}_zone"] = zone
    return zones


def _finding_truth(
    thorax: Thorax, beam: Beam, part: FindingPart, zones: dict[str, Mask]
) -> FindingTruth:
    thick = np.zeros(beam.pixels[::-1], np.float32)
    for solid in part.parts:
        thick += project_part(thorax, solid, beam)
    project_tubes(part.tubes, thorax.grid, beam, out=thick)
    mask = thick >= LEAST_MM
    if not mask.any():
        return FindingTruth(part.spec, None, None, volume_ml=part.volume_ml)
    size = int(mask.sum())
    reached = {name: int((mask & zone).sum()) for name, zone in zones.items()}
    inside = tuple(
        name
        for name, hit in reached.items()
        if hit and (hit > 0.2 * int(zones[name].sum()) or hit > 0.4 * size)
    )
    return FindingTruth(part.spec, mask, _box_of(mask), inside, part.volume_ml, float(thick.max()))


def _box_of(mask: Mask) -> Box:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return Box(
        float(columns[0]),
        float(rows[0]),
        float(columns[-1] - columns[0] + 1),
        float(rows[-1] - rows[0] + 1),
    )


def _device_truth(thorax: Thorax, beam: Beam, part: DevicePart) -> DeviceTruth:
    image = np.zeros(beam.pixels[::-1], np.float32)
    project_tubes(part.tubes, thorax.grid, beam, out=image)
    tip = beam.project(thorax.grid.to_view([part.tip_mm]))[0] + 0.5
    return DeviceTruth(
        part.spec,
        image > 0.3,
        (float(tip[0]), float(tip[1])),
        part.tip_place,
        part.above_carina_mm,
    )
