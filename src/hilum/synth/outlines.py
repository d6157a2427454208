"""Outlines that no solid of the phantom is by itself: hila, aortic arch, hemidiaphragms.

They are what a reader traces on a film, and carry the film's magnification like all truth.
"""

from __future__ import annotations

import cv2
import numpy as np

from hilum.synth.imaging.projection import project_tubes
from hilum.synth.thorax.space import Array, Beam
from hilum.synth.thorax.volume import Thorax
from hilum.types import Mask

__all__ = ["find_outlines"]

CENTRAL_MM = 2.4
"""Vessels wider than this radius, for an adult, belong to the hilum."""
ROOT_MM = 3.4
"""Vessels wider than this begin at the hilum's centre."""
HILUM_MM = 32.0
"""A hilum reaches no farther than this from its centre, for an adult."""
HILUM_LEAST_MM = 1.5
HILUM_GAP_MM = 9.0
DIAPHRAGM_MM = 5.0
"""Width of the band that stands for the line of a hemidiaphragm."""
ARCH_MM = 2.0


def find_outlines(
    thorax: Thorax,
    beam: Beam,
    *,
    thick: dict[str, Array],
    lungs: dict[str, Mask],
    carina_row: float,
    dome_mm: float,
) -> dict[str, Mask]:
    """Masks ``(rows, columns)`` of hila, aortic arch and hemidiaphragms by name.

    Args:
        thorax: What is projected.
        beam: How.
        thick: Millimetres of ``aorta``, ``right_abdomen`` and ``left_abdomen`` on every ray.
        lungs: Projected ``right_lung`` and ``left_lung``.
        carina_row: Row of the carina in pixels; the arch is what of the aorta lies above it.
        dome_mm: Abdomen from which a ray counts as below the dome.
    """
    step = float(np.mean(beam.pixel_mm))
    rows = np.arange(beam.pixels[1])[:, None] + 0.5
    masks = {"aortic_arch": (thick["aorta"] >= ARCH_MM) & (rows < carina_row)}
    for side in ("right", "left"):
        masks[f"{side}_hilum"] = _hilum(thorax, beam, side, step)
        below = thick[f"{side}_abdomen"] >= dome_mm
        width = max(1, round(DIAPHRAGM_MM / 2 / step))
        band = _grow(lungs[f"{side}_lung"], width) & _grow(below, width)
        masks[f"{side}_hemidiaphragm"] = band
    return masks


def _hilum(thorax: Thorax, beam: Beam, side: str, step: float) -> Mask:
    """The central vessels of a side and the gaps between them."""
    scale, grid = thorax.build.scale, thorax.grid
    vessels = thorax.tubes.get(f"{side}_lung_vessels", ())
    image = np.zeros(beam.pixels[::-1], np.float32)
    roots = [tube.axis[0] for tube in vessels if tube.radius.max() >= ROOT_MM * scale]
    if not roots:
        return np.asarray(image > 0)
    tubes = [tube for tube in vessels if tube.radius.max() >= CENTRAL_MM * scale]
    project_tubes(tubes, grid, beam, out=image)
    centre = grid.to_view([np.mean(roots, 0)])
    x, y = beam.project(centre)[0] + 0.5
    reach = HILUM_MM * scale * float(beam.magnification(centre[0, 1]))
    down, across = np.mgrid[: image.shape[0], : image.shape[1]] + 0.5
    is_near = np.hypot(across - x, down - y) * step < reach
    ink = ((image >= HILUM_LEAST_MM) & is_near).astype(np.uint8)
    width = max(1, round(HILUM_GAP_MM / 2 / step))
    return np.asarray(cv2.morphologyEx(ink, cv2.MORPH_CLOSE, _disc(width)) > 0)


def _grow(mask: Mask, width: int) -> Mask:
    return np.asarray(cv2.dilate(mask.astype(np.uint8), _disc(width)) > 0)


def _disc(width: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    size = 2 * width + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)), np.uint8)
