"""Where a finding is seen: from the network's map to heat map, boxes and zones.

Everything stays inside the lungs: the map is set to zero outside their (slightly widened)
masks before boxes are drawn, so no region can lie on a marker, an arm or the abdomen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from hilum.types import Anatomy, Box, Finding, FloatImage, Mask, Orientation, Region

__all__ = ["Localisation", "Localiser", "lungs_of"]

SIDE = 256
"""Long side of the grid on which regions are drawn."""
WIDEN = 0.02
"""The lungs are widened by this share of the grid before they bound a region."""


@dataclass(frozen=True, slots=True, eq=False)
class Localisation:
    """A heat map over the whole source image, its regions and the zones they lie in."""

    heatmap: FloatImage
    regions: tuple[Region, ...]
    zones: tuple[str, ...]

    def place(self, finding: Finding) -> Finding:
        """The finding at this place."""
        return replace(finding, regions=self.regions, zones=self.zones, heatmap=self.heatmap)


def lungs_of(anatomy: Anatomy, orientation: Orientation) -> Mask:
    """Union of the plausible lungs, upright bool ``(rows, columns)``; empty if there is none."""
    union = np.zeros(orientation.shape, bool)
    for name in ("left_lung", "right_lung"):
        structure = anatomy.structures.get(name)
        if structure is not None and structure.problem is None:
            union |= orientation.apply(structure.mask)
    return union


@dataclass(frozen=True, slots=True, eq=False)
class Localiser:
    """Maps of one radiograph to its source pixels.

    ``crop`` is the box of upright pixels that the map covers, ``threshold`` the map value
    from which a region is drawn, ``least`` its least share of the lungs' area.
    """

    orientation: Orientation
    anatomy: Anatomy
    crop: Box
    threshold: float
    least: float = 0.01

    def locate(self, probs: FloatImage) -> Localisation:
        """Locate a finding.

        Args:
            probs: Map over the crop, float32 ``(rows, columns)`` in [0, 1], upright.

        Returns:
            Heat map, regions (best first, source pixels) and zones in reading order.
        """
        rows, columns = self.orientation.shape
        scale = SIDE / max(rows, columns)
        grid = max(1, round(rows * scale)), max(1, round(columns * scale))
        lungs = _shrink(lungs_of(self.anatomy, self.orientation), grid)
        reach = 2 * max(1, round(WIDEN * SIDE)) + 1
        lungs = cv2.dilate(lungs, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
        heat = self._spread(probs, grid) * lungs
        regions = [
            Region(self._to_source(box, scale), score)
            for box, score in self._boxes(heat, lungs_area=int(lungs.sum()))
        ]
        regions.sort(key=lambda region: -region.score)
        source = np.ascontiguousarray(self.orientation.undo(heat), np.float32)
        return Localisation(source, tuple(regions), self._zones(heat, grid))

    def _spread(self, probs: FloatImage, grid: tuple[int, int]) -> FloatImage:
        """The crop's map laid over the whole image at grid resolution."""
        scale = SIDE / max(self.orientation.shape)
        x, y = self.crop.x * scale, self.crop.y * scale
        fx = self.crop.width * scale / probs.shape[1]
        fy = self.crop.height * scale / probs.shape[0]
        # cv2 addresses pixel centres, hence the half pixels
        matrix = np.array([[fx, 0, x + fx / 2 - 0.5], [0, fy, y + fy / 2 - 0.5]], np.float32)
        size = grid[::-1]
        heat = cv2.warpAffine(probs, matrix, size, flags=cv2.INTER_LINEAR)
        return np.clip(np.asarray(heat, np.float32), 0.0, 1.0)

    def _boxes(self, heat: FloatImage, *, lungs_area: int) -> list[tuple[Box, float]]:
        mask = (heat >= self.threshold).astype(np.uint8)
        count, parts, stats, _ = cv2.connectedComponentsWithStats(mask)
        found = []
        for index in range(1, count):
            x, y, width, height, area = (int(v) for v in stats[index])
            if area >= self.least * max(lungs_area, 1):
                score = float(heat[parts == index].max())
                found.append((Box(x, y, width, height), score))
        return found

    def _to_source(self, box: Box, scale: float) -> Box:
        rows, columns = self.orientation.shape
        x0, y0 = box.x / scale, box.y / scale
        x1 = min((box.x + box.width) / scale, float(columns))
        y1 = min((box.y + box.height) / scale, float(rows))
        return self.orientation.box_to_source(Box(x0, y0, x1 - x0, y1 - y0))

    def _zones(self, heat: FloatImage, grid: tuple[int, int]) -> tuple[str, ...]:
        """Zones of which the finding covers a fifth, or which hold most of its extent."""
        seen = heat >= self.threshold
        total = max(int(seen.sum()), 1)
        zones = []
        for name, mask in self.anatomy.zones.items():
            inside = _shrink(self.orientation.apply(mask), grid) > 0
            area, hit = int(inside.sum()), int((seen & inside).sum())
            if area and (hit > 0.2 * area or hit > 0.4 * total):
                zones.append(name)
        return tuple(zones)


def _shrink(mask: npt.NDArray[np.bool_], grid: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """A mask at grid resolution, uint8 0 or 1."""
    small = cv2.resize(
        np.ascontiguousarray(mask).view(np.uint8), grid[::-1], interpolation=cv2.INTER_NEAREST
    )
    return np.asarray(small, np.uint8)
