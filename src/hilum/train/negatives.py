"""What the gate learns to refuse: every kind of non-chest image, drawn or cut.

Three origins: procedural radiographs of other body parts, procedural images that are no
radiographs, and real pixels that show no whole chest (patches, shuffled tiles and warps
of chest radiographs, screens with a small radiograph; photographs). The third origin
matters most: without it the gate would learn to tell drawn from real instead of chest
from non-chest. Everything is determined by the random generator that is passed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from hilum.train.body_parts import BODY_PARTS, Canvas, expose, fractal_noise
from hilum.train.not_radiographs import NOT_RADIOGRAPHS, write
from hilum.types import FloatImage

__all__ = ["CHEST_CUTS", "KINDS", "add_marks", "draw_negative"]

Pool = Sequence[npt.NDArray[np.uint8]]


def _pick(pool: Pool, rng: np.random.Generator) -> FloatImage:
    return np.asarray(pool[int(rng.integers(len(pool)))] / 255, np.float32)


def cut_patch(pool: Pool, rng: np.random.Generator) -> FloatImage:
    """A close-up of a chest radiograph that shows no whole thorax."""
    image = _pick(pool, rng)
    height, width = (rng.uniform(0.12, 0.42, 2) * image.shape).astype(int)
    top = int(rng.integers(0, image.shape[0] - height))
    left = int(rng.integers(0, image.shape[1] - width))
    return image[top : top + height, left : left + width]


def cut_strip(pool: Pool, rng: np.random.Generator) -> FloatImage:
    """The abdomen below, the neck above, or an arm beside the lungs."""
    image, part = _pick(pool, rng), rng.uniform(0.15, 0.28)
    rows, columns = int(part * image.shape[0]), int(part * image.shape[1])
    strips = (image[-rows:], image[:rows], image[:, :columns], image[:, -columns:])
    return strips[int(rng.choice(4, p=[0.5, 0.2, 0.15, 0.15]))]


def shuffle_tiles(pool: Pool, rng: np.random.Generator) -> FloatImage:
    """A chest radiograph cut into tiles in a wrong order."""
    image, n = cv2.resize(_pick(pool, rng), (240, 240)), int(rng.choice([2, 3, 4]))
    side = 240 // n
    tiles = [image[r * side :, c * side :][:side, :side] for r in range(n) for c in range(n)]
    order = rng.permutation(n * n)
    while (order == np.arange(n * n)).sum() > n * n // 2:
        order = rng.permutation(n * n)
    lines = [np.hstack([tiles[i] for i in order[r * n : r * n + n]]) for r in range(n)]
    return np.vstack(lines)


def fold_over(pool: Pool, rng: np.random.Generator) -> FloatImage:
    """A chest radiograph whose one half is the mirror of the other, top on bottom."""
    image = _pick(pool, rng)
    half = image[: image.shape[0] // 2] if rng.random() < 0.5 else image[image.shape[0] // 2 :]
    return np.vstack([half, half[::-1]])


def collage(pool: Pool, rng: np.random.Generator) -> FloatImage:
    """Several radiographs tiled in one image."""
    rows, columns = int(rng.integers(2, 5)), int(rng.integers(2, 5))
    cells = [[cv2.resize(_pick(pool, rng), (72, 72)) for _ in range(columns)] for _ in range(rows)]
    return np.vstack([np.hstack(line) for line in cells])


def on_screen(pool: Pool, rng: np.random.Generator) -> FloatImage:
    """A page or screen on which a radiograph is a small part."""
    kind = str(rng.choice(["text", "window", "plot"]))
    page = cv2.resize(NOT_RADIOGRAPHS[kind](rng), (256, 256))
    side = int(rng.integers(40, 100))
    top, left = rng.integers(0, 256 - side, 2)
    page[top : top + side, left : left + side] = cv2.resize(_pick(pool, rng), (side, side))
    return np.asarray(page, np.float32)


def swirl(pool: Pool, rng: np.random.Generator) -> FloatImage:
    """A chest radiograph warped until its anatomy is lost."""
    image = cv2.resize(_pick(pool, rng), (240, 240))
    y, x = np.mgrid[0:240, 0:240].astype(np.float32)
    if rng.random() < 0.5:
        dx, dy = x - 120, y - 120
        turn = rng.choice([-1, 1]) * rng.uniform(2, 6) * np.exp(-np.hypot(dx, dy) / 60)
        x, y = (
            120 + np.cos(turn) * dx - np.sin(turn) * dy,
            120 + np.sin(turn) * dx + np.cos(turn) * dy,
        )
    else:
        x = x + 30 * fractal_noise(rng, (240, 240), 3, 2)
        y = y + 30 * fractal_noise(rng, (240, 240), 3, 2)
    mode = cv2.BORDER_REFLECT
    warped = cv2.remap(image, x.astype(np.float32), y.astype(np.float32), 1, borderMode=mode)
    return np.asarray(warped, np.float32)


def drop_layout(pool: Pool, rng: np.random.Generator) -> FloatImage:
    """The texture of a radiograph without its layout: phases of the spectrum scrambled."""
    image = cv2.resize(_pick(pool, rng), (240, 240))
    spectrum = np.fft.rfft2(image)
    phase = np.fft.rfft2(rng.standard_normal(image.shape))
    mixed = np.fft.irfft2(np.abs(spectrum) * phase / (np.abs(phase) + 1e-9))
    low, high = np.percentile(mixed, [0.5, 99.5])
    return np.asarray(np.clip((mixed - low) / (high - low), 0, 1), np.float32)


def crop_photograph(pool: Pool, rng: np.random.Generator) -> FloatImage:
    """A photograph, or a part of one, as grey levels."""
    image = _pick(pool, rng)
    part = rng.uniform(0.2, 1.0)
    height, width = (max(24, int(part * side)) for side in image.shape)
    top = int(rng.integers(0, max(1, image.shape[0] - height)))
    left = int(rng.integers(0, max(1, image.shape[1] - width)))
    crop = image[top : top + height, left : left + width]
    return (crop[:, ::-1] if rng.random() < 0.5 else crop) ** float(rng.uniform(0.6, 1.6))


CHEST_CUTS: dict[str, Callable[[Pool, np.random.Generator], FloatImage]] = {
    "patch": cut_patch,
    "strip": cut_strip,
    "tiles": shuffle_tiles,
    "fold": fold_over,
    "collage": collage,
    "screen": on_screen,
    "swirl": swirl,
    "spectrum": drop_layout,
}
"""Real pixels of chest radiographs that are no chest radiograph any more, by name."""

KINDS = ("photograph", *NOT_RADIOGRAPHS, *BODY_PARTS, *CHEST_CUTS)
"""Every kind of negative."""


def add_marks(image: FloatImage, rng: np.random.Generator) -> FloatImage:
    """Side markers, captions and collimation borders, as on any radiograph."""
    out = np.array(image, dtype=np.float32)
    rows, columns = out.shape
    if rng.random() < 0.25:
        top, left = (rng.uniform(0, 0.15, 2) * (rows, columns)).astype(int)
        shade = float(rng.choice([0.0, 0.0, 1.0]))
        out = cv2.copyMakeBorder(
            out, top, int(rng.uniform(0, 0.15) * rows), left, int(rng.uniform(0, 0.15) * columns),
            cv2.BORDER_CONSTANT, value=shade,
        )  # fmt: skip
    for _ in range(int(rng.integers(1, 4)) if rng.random() < 0.4 else 0):
        text = str(rng.choice(["R", "L", "AP", "PA", "SUPINE", "PORTABLE", "12:31", "A. B."]))
        at = int(rng.uniform(0, 0.85) * out.shape[1]), int(rng.uniform(0.08, 1) * out.shape[0])
        scale = float(rng.uniform(0.3, 1.3)) * min(out.shape) / 300
        write(out, text, at, float(rng.uniform(0.7, 1)), scale=scale)
    return out


def draw_negative(
    kind: str, rng: np.random.Generator, *, photographs: Pool, chests: Pool
) -> FloatImage:
    """Draw one image of a kind that the gate must refuse.

    Args:
        kind: One of ``KINDS``.
        rng: Determines the image.
        photographs: Grey photographs, uint8 ``(rows, columns)``.
        chests: Frontal chest radiographs, uint8 ``(rows, columns)``, air dark.

    Returns:
        float32 ``(rows, columns)`` in [0, 1].
    """
    if kind in BODY_PARTS:
        canvas = Canvas(rng)
        BODY_PARTS[kind](canvas)
        image = add_marks(expose(canvas.integral, rng), rng)
    elif kind in NOT_RADIOGRAPHS:
        image = NOT_RADIOGRAPHS[kind](rng)
    elif kind == "photograph":
        image = crop_photograph(photographs, rng)
    else:
        image = CHEST_CUTS[kind](chests, rng)
    if rng.random() < 0.2:
        image = 1 - image
    if rng.random() < 0.25:
        image = np.rot90(image, int(rng.integers(1, 4)))
    return np.ascontiguousarray(np.clip(image, 0, 1), dtype=np.float32)
