"""Procedural images that are no radiographs at all, for training the gate.

Pages, plots, patterns, noise, and slices as CT, MR and ultrasound make them. Each function
takes a random generator and returns float32 ``(rows, columns)`` in [0, 1].
"""

from __future__ import annotations

import string
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from hilum.train.body_parts import fractal_noise
from hilum.types import FloatImage

__all__ = ["NOT_RADIOGRAPHS", "write"]

FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_PLAIN,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
)


def write(
    image: FloatImage, text: str, at: tuple[int, int], grey: float, *, scale: float, font: int = 0
) -> None:
    """Write ``text`` into ``image`` in place, its baseline starting at ``at`` ``(x, y)``."""
    # OpenCV 5 writes on bytes only
    ink = np.zeros(image.shape, np.uint8)
    cv2.putText(ink, text, at, font, scale, 255, max(1, round(scale)))
    cover = ink.astype(np.float32) / 255
    image += cover * (grey - image)


def _shape(rng: np.random.Generator) -> tuple[int, int]:
    return int(rng.integers(160, 280)), int(rng.integers(160, 280))


def _grid(shape: tuple[int, int]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    return x / shape[1] - 0.5, y / shape[0] - 0.5


def _word(rng: np.random.Generator) -> str:
    letters = list(string.ascii_letters + "0123456789  ")
    return "".join(rng.choice(letters, int(rng.integers(2, 10))))


def draw_text(rng: np.random.Generator) -> FloatImage:
    """A page of text, black on white or white on black, with a heading and sometimes a table."""
    shape = _shape(rng)
    page = np.full(shape, rng.uniform(0.8, 1.0), np.float32)
    scale = float(rng.uniform(0.25, 0.9))
    step, y = int(28 * scale) + 4, 16
    while y < shape[0]:
        if rng.random() < 0.9:
            line = " ".join(_word(rng) for _ in range(int(rng.integers(1, 12))))
            font = FONTS[int(rng.integers(len(FONTS)))]
            write(page, line, (8, y), float(rng.uniform(0, 0.3)), scale=scale, font=font)
        if rng.random() < 0.15:
            cv2.line(page, (0, y + 3), (shape[1], y + 3), 0.3, 1)
        y += step
    return page


def draw_plot(rng: np.random.Generator) -> FloatImage:
    """A chart: axes with curves, bars or points."""
    shape = _shape(rng)
    page = np.full(shape, rng.uniform(0.85, 1.0), np.float32)
    left, bottom = 25, shape[0] - 25
    cv2.line(page, (left, 10), (left, bottom), 0.0, 1)
    cv2.line(page, (left, bottom), (shape[1] - 5, bottom), 0.0, 1)
    xs = np.linspace(left, shape[1] - 8, 40)
    for _ in range(int(rng.integers(1, 5))):
        ys = np.cumsum(rng.standard_normal(40))
        ys = bottom - 10 - (ys - ys.min()) / (np.ptp(ys) + 1e-6) * (bottom - 30)
        grey, kind = float(rng.uniform(0, 0.6)), rng.random()
        for i in range(39):
            a, b = (int(xs[i]), int(ys[i])), (int(xs[i + 1]), int(ys[i + 1]))
            if kind < 0.5:
                cv2.line(page, a, b, grey, int(rng.integers(1, 3)))
            elif kind < 0.75:
                cv2.rectangle(page, a, (a[0] + 3, bottom), grey, -1)
            else:
                cv2.circle(page, a, 2, grey, -1)
    write(page, _word(rng), (60, 20), 0.0, scale=0.5)
    return page


def draw_window(rng: np.random.Generator) -> FloatImage:
    """A screen of a program: bars, panels, buttons and captions."""
    shape = _shape(rng)
    page = np.full(shape, rng.uniform(0, 1), np.float32)
    for _ in range(int(rng.integers(4, 25))):
        x, y = int(rng.integers(0, shape[1])), int(rng.integers(0, shape[0]))
        w, h = int(rng.integers(8, 140)), int(rng.integers(5, 90))
        cv2.rectangle(page, (x, y), (x + w, y + h), float(rng.random()), -1)
        cv2.rectangle(page, (x, y), (x + w, y + h), float(rng.random()), 1)
        if rng.random() < 0.7:
            write(page, _word(rng), (x + 3, y + 12), float(rng.random()), scale=0.8, font=1)
    return page


def draw_pattern(rng: np.random.Generator) -> FloatImage:
    """A gradient, stripes, a checkerboard, rings or a test chart."""
    x, y = _grid(_shape(rng))
    angle, wave = rng.uniform(0, np.pi), rng.uniform(0.3, 30)
    ramp = np.cos(angle) * x + np.sin(angle) * y
    kind = int(rng.integers(6))
    if kind == 0:
        out = ramp + 0.5 + rng.uniform(0, 0.02) * rng.standard_normal(x.shape)
    elif kind == 1:
        out = 0.5 + 0.5 * np.sin(2 * np.pi * wave * ramp)
    elif kind == 2:
        out = ((np.floor(x * wave) + np.floor(y * wave)) % 2).astype(np.float32)
    elif kind == 3:
        out = 0.5 + 0.5 * np.cos(2 * np.pi * wave * np.hypot(x, y))
    elif kind == 4:
        out = np.exp(-((x / rng.uniform(0.1, 0.5)) ** 2) - (y / rng.uniform(0.1, 0.5)) ** 2)
    else:
        out = np.round((ramp + 0.5) * wave) / wave
    return np.asarray(np.clip(out, 0, 1), np.float32)


def draw_noise(rng: np.random.Generator) -> FloatImage:
    """White, smooth, fractal or salt-and-pepper noise, sometimes on a smooth shape."""
    shape = _shape(rng)
    kind = int(rng.integers(4))
    out: npt.NDArray[Any]
    if kind == 0:
        out = rng.random(shape)
    elif kind == 1:
        out = 0.5 + 0.2 * fractal_noise(
            rng, shape, int(rng.integers(2, 9)), int(rng.integers(1, 7))
        )
    elif kind == 2:
        out = (rng.random(shape) < rng.uniform(0.01, 0.5)).astype(np.float64)
    else:
        x, y = _grid(shape)
        disc = (np.hypot(x, y) < rng.uniform(0.1, 0.5)).astype(np.float64)
        out = 0.4 * disc + 0.3 + rng.uniform(0.02, 0.3) * rng.standard_normal(shape)
    return np.asarray(np.clip(out, 0, 1), np.float32)


def draw_shapes(rng: np.random.Generator) -> FloatImage:
    """Flat or smooth discs, boxes and polygons on a plain background."""
    shape = _shape(rng)
    page = np.full(shape, rng.uniform(0, 1), np.float32)
    for _ in range(int(rng.integers(1, 12))):
        x, y = int(rng.integers(0, shape[1])), int(rng.integers(0, shape[0]))
        grey, size = float(rng.random()), int(rng.integers(5, 90))
        if rng.random() < 0.5:
            axes = size, int(rng.integers(5, 90))
            cv2.ellipse(page, (x, y), axes, float(rng.uniform(0, 180)), 0, 360, grey, -1)
        else:
            corners = np.array([x, y]) + rng.integers(-size, size + 1, (int(rng.integers(3, 7)), 2))
            cv2.fillPoly(page, [corners.astype(np.int32)], grey)
    return np.asarray(cv2.GaussianBlur(page, (0, 0), float(rng.uniform(0.3, 12))), np.float32)


def _inside(
    x: FloatImage, y: FloatImage, centre: tuple[float, float], rx: float, ry: float
) -> FloatImage:
    radius = np.hypot((x - centre[0]) / rx, (y - centre[1]) / ry)
    return np.asarray(1 / (1 + np.exp(np.clip((radius - 1) * 60, -50, 50))), np.float32)


def draw_body_slice(rng: np.random.Generator) -> FloatImage:
    """An axial CT slice of the trunk: body on black, organs or two lungs, a bright spine."""
    shape = _shape(rng)
    x, y = _grid(shape)
    wobble = 0.02 * fractal_noise(rng, shape, 3, 2)
    x, y = x + wobble, y + 0.02 * fractal_noise(rng, shape, 3, 2)
    rx, ry = rng.uniform(0.32, 0.48), rng.uniform(0.25, 0.4)
    out = rng.uniform(0.3, 0.6) * _inside(x, y, (0, 0), rx, ry)
    out -= rng.uniform(0.05, 0.2) * (1 - _inside(x, y, (0, 0), 0.9 * rx, 0.88 * ry)) * (out > 0.1)
    has_lungs = rng.random() < 0.5
    for side in (-1, 1):
        at = (side * 0.5 * rx, rng.normal(0, 0.02))
        depth = -0.45 if has_lungs else rng.uniform(-0.1, 0.2)
        out += depth * _inside(x, y, at, rng.uniform(0.25, 0.4) * rx, rng.uniform(0.4, 0.75) * ry)
    for _ in range(int(rng.integers(3, 25))):
        at = (rng.normal(0, 0.45 * rx), rng.normal(0, 0.4 * ry))
        out += rng.uniform(-0.15, 0.3) * _inside(x, y, at, *rng.uniform(0.01, 0.09, 2))
    out += 0.5 * _inside(x, y, (0, 0.7 * ry), 0.07, 0.06)
    for angle in np.linspace(0, 2 * np.pi, int(rng.integers(8, 18))):
        at = (0.85 * rx * float(np.cos(angle)), 0.82 * ry * float(np.sin(angle)))
        out += 0.4 * _inside(x, y, at, 0.03, 0.012)
    out += rng.uniform(0.01, 0.06) * rng.standard_normal(shape)
    return np.asarray(np.clip(out, 0, 1), np.float32)


def draw_coronal_slice(rng: np.random.Generator) -> FloatImage:
    """A coronal slice of a trunk: two sharply cut lungs, which no rib crosses."""
    shape = _shape(rng)
    x, y = _grid(shape)
    x = x + 0.025 * fractal_noise(rng, shape, 3, 2)
    y = y + 0.025 * fractal_noise(rng, shape, 3, 2)
    grey, half = rng.uniform(0.45, 0.8), rng.uniform(0.3, 0.48)
    out = grey * _inside(x, y, (0, 0.3), half, rng.uniform(0.6, 0.9))
    for side in (-1, 1):
        lung = _inside(x, y, (side * 0.52 * half, -0.05), 0.38 * half, rng.uniform(0.25, 0.4))
        lung = lung * (y < rng.uniform(0.1, 0.25) - 0.3 * x * x)
        out *= 1 - rng.uniform(0.6, 1.0) * lung
        for _ in range(int(rng.integers(0, 40))):
            at = (side * 0.5 * half + rng.normal(0, 0.05), rng.normal(-0.05, 0.12))
            out += rng.uniform(0.1, 0.5) * lung * _inside(x, y, at, *rng.uniform(0.003, 0.015, 2))
        for rib in range(int(rng.integers(4, 10))):
            at = (side * 0.93 * half, -0.35 + 0.09 * rib)
            out += 0.4 * _inside(x, y, at, 0.02, 0.012)
        out += rng.uniform(-0.1, 0.2) * _inside(x, y, (side * 0.5 * half, 0.35), 0.12, 0.12)
    out -= rng.uniform(0, 0.6) * _inside(x, y, (0, -0.3), 0.02, 0.2)
    heart = _inside(x, y, (rng.normal(0.04, 0.03), 0.05), rng.uniform(0.06, 0.16), 0.13)
    out += rng.uniform(-0.1, 0.5) * heart * (out > 0.25)
    for _ in range(int(rng.integers(0, 12))):
        at = (rng.normal(0, 0.5 * half), rng.uniform(0.2, 0.5))
        out += rng.uniform(-0.2, 0.3) * _inside(x, y, at, *rng.uniform(0.02, 0.1, 2))
    out += rng.uniform(0.005, 0.06) * rng.standard_normal(shape)
    return np.asarray(np.clip(out, 0, 1), np.float32)


def draw_head_slice(rng: np.random.Generator) -> FloatImage:
    """An axial or sagittal slice of a head as MR or CT shows it: ring, folds, ventricles."""
    shape = _shape(rng)
    x, y = _grid(shape)
    rx, ry = rng.uniform(0.25, 0.42), rng.uniform(0.32, 0.45)
    out = rng.uniform(0.3, 1.0) * _inside(x, y, (0, 0), rx, ry)
    out -= rng.uniform(0.2, 0.8) * _inside(x, y, (0, 0), 0.94 * rx, 0.94 * ry)
    brain = _inside(x, y, (0, 0), 0.86 * rx, 0.87 * ry)
    folds = np.abs(fractal_noise(rng, shape, int(rng.integers(5, 12)), 3))
    out += brain * (rng.uniform(0.3, 0.6) + rng.uniform(-0.3, 0.3) * np.clip(folds, 0, 1))
    for side in (-1, 1):
        out += rng.uniform(-0.4, 0.4) * _inside(x, y, (side * 0.06, -0.02), 0.03, 0.12)
    out -= 0.2 * brain * (np.abs(x) < 0.008)
    out += rng.uniform(0.01, 0.08) * np.abs(rng.standard_normal(shape))
    return np.asarray(np.clip(out, 0, 1), np.float32)


def _scan(rng: np.random.Generator, shape: tuple[int, int]) -> FloatImage:
    """One speckled ultrasound scan: a fan or a box, with dark cysts and layered skin."""
    x, y = _grid(shape)
    depth = np.hypot(x, y + 0.6)
    opening = np.abs(np.arctan2(x, y + 0.6)) < rng.uniform(0.4, 0.9)
    fan = opening & (depth > rng.uniform(0.08, 0.25)) & (depth < rng.uniform(0.85, 1.05))
    if rng.random() < 0.3:
        fan = (np.abs(x) < rng.uniform(0.25, 0.45)) & (np.abs(y) < 0.4)
    echo = np.exp(0.7 * fractal_noise(rng, shape, int(rng.integers(3, 8)), 5))
    for _ in range(int(rng.integers(1, 6))):
        at = (rng.normal(0, 0.15), rng.normal(0, 0.2))
        rx, ry = rng.uniform(0.03, 0.35), rng.uniform(0.03, 0.2)
        echo *= 1 - rng.uniform(0.5, 1) * _inside(x, y, at, rx, ry)
    if rng.random() < 0.5:
        layers = 1 + 0.6 * np.sin(depth * rng.uniform(60, 160))
        echo = np.where(depth < depth[fan].min() + 0.15, 1.2 * layers, echo)
    speckle = cv2.GaussianBlur(
        rng.rayleigh(1.0, shape).astype(np.float32), (0, 0), float(rng.uniform(0.5, 1.5))
    )
    return np.asarray(np.where(fan, 0.25 * echo * speckle, 0), np.float32)


def draw_ultrasound(rng: np.random.Generator) -> FloatImage:
    """One scan or two side by side, with bars and captions, as an ultrasound machine saves them."""
    rows, columns = _shape(rng)
    panes = 2 if rng.random() < 0.35 else 1
    scan = [_scan(rng, (rows, columns // panes)) for _ in range(panes)]
    out = np.ascontiguousarray(np.hstack(scan))
    if rng.random() < 0.4:
        bar = int(rng.uniform(0.03, 0.12) * rows)
        out[:bar] = rng.uniform(0.1, 0.9)
        if rng.random() < 0.5:
            out[-bar:] = rng.uniform(0.1, 0.9)
    for _ in range(int(rng.integers(0, 8))):
        at = (int(rng.integers(0, 120)), int(rng.integers(10, rows)))
        write(out, _word(rng), at, 0.9, scale=0.8, font=1)
    return np.asarray(np.clip(out, 0, 1), np.float32)


NOT_RADIOGRAPHS: dict[str, Callable[[np.random.Generator], FloatImage]] = {
    "text": draw_text,
    "plot": draw_plot,
    "window": draw_window,
    "pattern": draw_pattern,
    "noise": draw_noise,
    "shapes": draw_shapes,
    "body_slice": draw_body_slice,
    "coronal_slice": draw_coronal_slice,
    "head_slice": draw_head_slice,
    "ultrasound": draw_ultrasound,
}
"""Every kind of procedural image that is no radiograph, by name."""
