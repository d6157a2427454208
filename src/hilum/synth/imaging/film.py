"""From thicknesses to a film: beam, scatter, detector, noise and display.

Each step is a function of its own so that its physics can be tested: primary signal by the
polyenergetic Beer-Lambert law and the inverse square of the distance, scatter as a blurred
share of the primary, quantum noise with variance in proportion to the signal, electronic
noise, the detector's blur, the display's window and gamma.
"""

from __future__ import annotations

import cv2
import numpy as np

from hilum.synth.imaging.beam_quality import make_spectrum
from hilum.synth.thorax.space import Array, Beam
from hilum.synth.types import Imaging
from hilum.types import Mask

__all__ = ["add_noise", "add_scatter", "display", "expose", "finish", "primary_signal"]

PHOTONS = 90000.0
"""Detected quanta a square millimetre behind nothing at a dose of 1, in units of the noise."""
ELECTRONIC = 40.0
SCATTER_MM = 38.0
FLOOR = 2e-3
FLOOR_SHARE = 0.04
DIRECT = 0.5
"""What is this little darker than the least attenuated pixel is air, in natural logarithms."""
LEAST_SEEN = 64
MIDDLE = (0.27, 0.25, 0.73, 0.92)
"""Left, top, right and lower end of where the lungs are, as shares of the film."""
SLACK = (0.28, 0.06)
"""Below the darkest lung and above the densest bone, as shares of what lies between."""
EQUALISE_SHARE = 0.07
"""Spread of what counts as wide variation, as a share of the film's height."""


def primary_signal(thickness: dict[str, Array], beam: Beam, imaging: Imaging) -> Array:
    """Energy that arrives unscattered, 1 behind nothing on the central ray, ``(rows, columns)``.

    The signal falls with the square of the distance from the source and, towards the anode
    (the top of the film), by the heel effect.
    """
    spectrum = make_spectrum(imaging.kvp)
    signal = spectrum.transmit(thickness["water"], thickness["bone"], thickness.get("metal"))
    signal = signal / beam.obliquity() ** 2
    rows = np.linspace(1.0, -1.0, signal.shape[0], dtype=np.float32)[:, None]
    return np.asarray(signal * (1.0 - imaging.heel * rows), np.float32)


def add_scatter(primary: Array, beam: Beam, imaging: Imaging) -> Array:
    """Add scattered energy: ``imaging.scatter`` of the total where the field is uniform."""
    if imaging.scatter <= 0:
        return primary
    sigma = SCATTER_MM / float(np.mean(beam.pixel_mm))
    small = cv2.resize(primary, None, fx=0.125, fy=0.125, interpolation=cv2.INTER_AREA)
    # what is thick scatters more than what is thin: the root lies between the two; air does not
    body = np.clip(-2.0 * np.log(np.clip(small, 1e-6, None)), 0.0, 1.0)
    mean = float((small * body).sum() / max(float(body.sum()), 1.0))
    source = np.sqrt(small * np.float32(max(mean, 1e-6))) * body
    spread = cv2.GaussianBlur(source, (0, 0), sigma / 8, borderType=cv2.BORDER_REPLICATE)
    wide = cv2.resize(spread, primary.shape[::-1], interpolation=cv2.INTER_CUBIC)
    share = imaging.scatter / (1.0 - imaging.scatter)
    return np.asarray(primary + np.float32(share) * np.clip(wide, 0.0, None), np.float32)


def add_noise(signal: Array, beam: Beam, imaging: Imaging, rng: np.random.Generator) -> Array:
    """Quantum and electronic noise; the relative variance goes with 1 / (dose x signal)."""
    quanta = PHOTONS * imaging.dose * float(np.prod(beam.pixel_mm))
    spread = np.sqrt(np.clip(signal, 0.0, None) * quanta + ELECTRONIC**2)
    noise = rng.standard_normal(signal.shape, dtype=np.float32) * spread / np.float32(quanta)
    return np.asarray(signal + noise, np.float32)


def expose(
    thickness: dict[str, Array], beam: Beam, imaging: Imaging, rng: np.random.Generator
) -> Array:
    """The detector's signal, float32 ``(rows, columns)``, positive."""
    signal = add_scatter(primary_signal(thickness, beam, imaging), beam, imaging)
    signal = add_noise(signal, beam, imaging, rng)
    sigma = imaging.blur_mm / float(np.mean(beam.pixel_mm))
    if sigma > 0.2:
        signal = cv2.GaussianBlur(signal, (0, 0), sigma)
    return np.asarray(np.clip(signal, FLOOR * 0.1, None), np.float32)


def display(signal: Array, imaging: Imaging) -> Array:
    """Pixels in [0, 1], air dark: the log of the signal on a sigmoid curve, as films show it.

    The window is laid on the body alone, as vendors leave direct exposure out.
    """
    # automatic exposure: what lies behind the body sets the scale of the detector's floor
    floor = min(FLOOR, FLOOR_SHARE * float(np.median(signal[::4, ::4])))
    dark = -np.log(signal + np.float32(floor))
    body = dark > float(dark[::4, ::4].min()) + DIRECT
    dark = _compress(dark, body, imaging.equalise)
    low, high = _window(dark, body, imaging)
    level = np.clip((dark - low) / max(float(high - low), 1e-3), 0.0, 1.0)
    grey = 1.0 / (1.0 + np.exp(-4.0 * (level - 0.5)))
    ends = 1.0 / (1.0 + np.exp(np.array([2.0, -2.0])))
    grey = np.clip((grey - ends[0]) / (ends[1] - ends[0]), 0.0, 1.0)
    return np.asarray(grey ** np.float32(imaging.gamma), np.float32)


def _window(dark: Array, body: Mask, imaging: Imaging) -> tuple[float, float]:
    """What is shown black and white: percentiles of the middle of the body, with slack.

    The skin's thin edges lie outside the middle, or they would decide in large patients.
    """
    rows, columns = dark.shape
    left, top, right, low_end = (
        round(share * size) for share, size in zip(MIDDLE, (columns, rows) * 2, strict=True)
    )
    middle = (slice(top, low_end, 4), slice(left, right, 4))
    seen = dark[middle][body[middle]]
    if seen.size < LEAST_SEEN:
        seen = dark[::4, ::4].ravel()
    low, high = (float(v) for v in np.percentile(seen, imaging.window))
    return low - SLACK[0] * (high - low), high + SLACK[1] * (high - low)


def _compress(dark: Array, body: Mask, share: float) -> Array:
    """Take ``share`` of its wide variation from a film, as vendors' multiscale processing does.

    What is wide is averaged over the body only, so that no halo surrounds the skin.
    """
    if share <= 0 or not body.any():
        return dark
    sigma = EQUALISE_SHARE * dark.shape[0] / 8
    spread = []
    for part in (body.astype(np.float32), dark * body):
        small = cv2.resize(part, None, fx=0.125, fy=0.125, interpolation=cv2.INTER_AREA)
        spread.append(cv2.GaussianBlur(small, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE))
    whole = np.float32(dark[body].mean())
    wide = (spread[1] + np.float32(1e-2) * whole) / (spread[0] + np.float32(1e-2))
    wide = cv2.resize(wide, dark.shape[::-1], interpolation=cv2.INTER_CUBIC)
    return np.asarray(dark - np.float32(share) * wide, np.float32)


def finish(grey: Array, imaging: Imaging) -> Array:
    """Collimation and the side marker, as they are on a finished film."""
    rows, columns = grey.shape
    out = grey.copy()
    left, top, right, bottom = imaging.collimation
    out[: round(top * rows)] = 0.0
    out[rows - round(bottom * rows) :] = 0.0
    out[:, : round(left * columns)] = 0.0
    out[:, columns - round(right * columns) :] = 0.0
    if imaging.marker:
        size = rows / 512
        # the letter stands at the patient's side that it names
        x = 0.88 - right if imaging.marker == "L" else left + 0.06
        at = (round(x * columns), round(rows * (0.09 + top)))
        ink = np.zeros((rows, columns), np.uint8)
        font, weight = cv2.FONT_HERSHEY_SIMPLEX, max(1, round(2 * size))
        cv2.putText(ink, imaging.marker, at, font, 1.1 * size, 255, weight, cv2.LINE_AA)
        np.maximum(out, ink.astype(np.float32) / np.float32(255), out=out)
    return out
