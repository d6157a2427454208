"""Corruptions of radiographs by name and severity: drawn once, applied the same each time.

What a corruption stands for and its five amounts are in ``corruptions.toml``; how pixels
change is in ``degradations``. ``draw_corruption`` decides everything that is left to chance,
``corrupt`` is a pure function of image and draw.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from hilum.errors import require
from hilum.evaluate.audits.degradations import DEGRADATIONS
from hilum.evaluate.rows import find_named, read_rows
from hilum.types import FloatImage

__all__ = [
    "SEVERITIES",
    "Corruption",
    "CorruptionDraw",
    "corrupt",
    "draw_corruption",
    "find_corruption",
    "list_corruptions",
    "stress",
]

SEVERITIES = (1, 2, 3, 4, 5)


@dataclass(frozen=True, slots=True)
class Corruption:
    """What a corruption stands for, and the ``amount`` of each severity."""

    name: str
    summary: str
    amount: str
    severities: tuple[float, ...]

    def __post_init__(self) -> None:
        require(
            len(self.severities) == len(SEVERITIES),
            f"{self.name}: five severities, got {len(self.severities)}",
        )
        require(self.name in DEGRADATIONS, f"{self.name}: no function of that name")


@dataclass(frozen=True, slots=True)
class CorruptionDraw:
    """A corruption decided: its ``amount``, ``turn`` in [0, 1) for side, sign or angle, and the
    ``seed`` of its noise."""

    name: str
    severity: int
    amount: float
    turn: float
    seed: int


@cache
def list_corruptions() -> tuple[Corruption, ...]:
    """Every corruption, in the order of the table."""
    rows = read_rows("hilum.evaluate.audits", "corruptions.toml", key="corruption")
    return tuple(Corruption(**{**row, "severities": tuple(row["severities"])}) for row in rows)


def find_corruption(name: str) -> Corruption:
    """The corruption of that name.

    Raises:
        InvalidValueError: There is none; the message lists those there are.
    """
    return find_named({row.name: row for row in list_corruptions()}, name, what="corruption")


def draw_corruption(name: str, severity: int, *, rng: np.random.Generator) -> CorruptionDraw:
    """Decide what is left to chance.

    Args:
        name: Of the table.
        severity: 1 (mild) to 5 (as bad as a film is still sent).
        rng: What decides.

    Raises:
        InvalidValueError: Unknown name or severity.
    """
    corruption = find_corruption(name)
    require(severity in SEVERITIES, f"severity is 1 to 5, got {severity}")
    amount = corruption.severities[severity - 1]
    return CorruptionDraw(name, severity, amount, float(rng.random()), int(rng.integers(2**31)))


def corrupt(image: FloatImage, draw: CorruptionDraw) -> FloatImage:
    """Apply a corruption: the same draw gives the same pixels.

    Args:
        image: Upright, float32 ``(rows, columns)`` in [0, 1], air dark.
        draw: From ``draw_corruption``.

    Returns:
        A new image of the same shape, dtype and range.

    Raises:
        InvalidValueError: The image is not such an image.
    """
    is_image = image.ndim == 2 and image.dtype == np.float32 and min(image.shape) >= 16
    require(is_image, f"float32 (rows, columns) of 16 pixels or more, got {image.shape}")
    is_in_range = bool(np.isfinite(image).all() and image.min() >= 0 and image.max() <= 1)
    require(is_in_range, "pixels lie in [0, 1]")
    changed = DEGRADATIONS[draw.name](image, draw.amount, draw.turn, draw.seed)
    return np.clip(np.ascontiguousarray(changed, np.float32), 0.0, 1.0)


def stress(
    image: FloatImage,
    *,
    rng: np.random.Generator,
    names: Iterable[str] = (),
    severities: Iterable[int] = SEVERITIES,
) -> Iterator[tuple[CorruptionDraw, FloatImage]]:
    """An image under each corruption at each severity, with what was drawn.

    Args:
        image: As for ``corrupt``.
        rng: What decides; the severities of a corruption share side, angle and noise.
        names: Of the table; all where empty.
        severities: Of 1 to 5.
    """
    chosen = tuple(names) or tuple(corruption.name for corruption in list_corruptions())
    levels = tuple(severities)
    for name in chosen:
        turn, seed = float(rng.random()), int(rng.integers(2**31))
        for severity in levels:
            drawn = draw_corruption(name, severity, rng=rng)
            shared = CorruptionDraw(name, severity, drawn.amount, turn, seed)
            yield shared, corrupt(image, shared)
