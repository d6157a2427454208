"""The lobes of the lungs: fissures as planes, and places by name.

The oblique fissure runs from the back at the height of the third to fifth thoracic vertebra
down to the front of the dome; the horizontal fissure of the right lung runs forwards from it
at the height of the fourth rib's cartilage (Gray's Anatomy). Both are gently waved planes here.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hilum.errors import InvalidValueError
from hilum.synth.thorax.space import Array
from hilum.synth.thorax.volume import Thorax

__all__ = ["LOBES", "choose_point", "horizontal_fissure", "lobe_distance", "oblique_distance"]

LOBES = ("upper_lobe", "middle_lobe", "lingula", "lower_lobe")
HEIGHTS = {
    "apex": (0.03, 0.22),
    "upper_zone": (0.1, 0.36),
    "middle_zone": (0.36, 0.65),
    "lower_zone": (0.65, 0.95),
    "lung_base": (0.75, 0.98),
    "hilum": (0.4, 0.55),
    "perihilar": (0.36, 0.62),
}
CENTRAL = ("hilum", "perihilar")
Values = npt.NDArray[np.float32]


def oblique_distance(thorax: Thorax, x: Array, y: Array, z: Array) -> Values:
    """Signed distance from the oblique fissure, negative in the lower lobe (below, behind)."""
    build, b = thorax.build, thorax.cage.half[1]
    back, front = 0.17 * build.height, build.dome + 4.0 * build.scale
    rise = (front - back) / (1.8 * b)
    level = back + (0.95 * b - y) * rise + _sag(thorax, x, y, 7.0)
    return np.asarray((level - z) / np.sqrt(1 + rise * rise) + 0 * x, np.float32)


def _sag(thorax: Thorax, x: Array, y: Array, reach_mm: float) -> Values:
    """How far a fissure bulges from its plane; no two builds have the same waves."""
    (a, b), phase = thorax.cage.half, 0.7 * (thorax.build.texture % 9)
    wave = np.sin(2.4 * x / a + phase) + 0.7 * np.sin(2.9 * y / b + 1.3 * phase)
    return np.asarray(reach_mm * thorax.build.scale * wave, np.float32)


def horizontal_fissure(thorax: Thorax, x: Array, y: Array, z: Array) -> Values:
    """Signed distance from the horizontal fissure, negative above it; it sags outwards."""
    build, a = thorax.build, thorax.cage.half[0]
    level = 0.50 * build.height + 0.05 * build.height * (np.abs(x) / a) ** 2
    level = level + _sag(thorax, x, y, 5.0)
    return np.asarray(z - level + 0 * y, np.float32)


def lobe_distance(
    thorax: Thorax, place: str, x: Array, y: Array, z: Array, *, lost: float = 0.0
) -> Values:
    """Signed distance from a lobe's fissures, negative inside; the wall is not part of it.

    The right lung has a middle lobe, the left a lingula; both are asked for by either name.
    ``lost`` is how far (millimetres) the fissures moved into the lobe as it lost volume.

    Raises:
        InvalidValueError: If ``place`` is not a lobe.
    """
    oblique = oblique_distance(thorax, x, y, z)
    if place == "lower_lobe":
        return oblique + np.float32(lost)
    minor = horizontal_fissure(thorax, x, y, z)
    if place == "upper_lobe":
        return np.asarray(np.maximum(-oblique, minor) + lost, np.float32)
    if place in ("middle_lobe", "lingula"):
        return np.asarray(np.maximum(-oblique + lost, lost - minor), np.float32)
    raise InvalidValueError(f"no lobe is named {place!r}; use one of {', '.join(LOBES)}")


def choose_point(
    thorax: Thorax, side: str, place: str, rng: np.random.Generator, *, margin: float = 6.0
) -> Array:
    """A patient point inside a lung, in a named place, ``margin`` millimetres from the wall.

    ``place`` is a lobe, a zone (``upper_zone`` or ``right_upper_zone``), ``apex`` or ``hilum``;
    empty means anywhere above the dome.

    Raises:
        InvalidValueError: If the place has no name here.
    """
    word = place.removeprefix("right_").removeprefix("left_")
    if word and word not in (*HEIGHTS, *LOBES):
        known = ", ".join((*HEIGHTS, *LOBES))
        raise InvalidValueError(f"no place in a lung is named {place!r}; use one of {known}")
    cage, (a, b), sign = thorax.cage, thorax.cage.half, 1.0 if side == "left" else -1.0
    low, high = HEIGHTS.get(word, (0.1, 0.92))
    best, room = np.zeros(3, np.float32), -np.inf
    for _ in range(200):
        u, v, w = rng.uniform((0.15, -0.75, low), (0.95, 0.75, high))
        if word in CENTRAL:
            u, v = rng.uniform((0.2, -0.1), (0.42, 0.3))
        point = np.array([sign * u * a, v * b, w * thorax.build.dome], np.float32)
        if not thorax.is_filled(f"{side}_lung", point):
            continue
        x, y, z = (np.full((1, 1, 1), c, np.float32) for c in point)
        walls = [cage.wall_distance(x, y, z), cage.apex_distance(x, y, z)]
        walls.append(z - cage.dome_height(x, y, is_left=side == "left"))
        if word in LOBES:
            walls.append(lobe_distance(thorax, word, x, y, z))
        if word not in CENTRAL:
            walls.append(-cage.medial_distance(x, y, z))
        free = -max(float(wall[0, 0, 0]) for wall in walls)
        if free > room:
            best, room = point, free
        if free >= margin:
            break
    return best
