"""Make simulated radiographs look like any film, so that what is learned from them transfers.

A phantom's shapes are right before its look is: grey levels, large-scale brightness, sharpness
and noise are drawn anew for every example, partly at random (domain randomisation, Tobin et
al. 2017), partly from real films without labels: their histogram and the low frequencies of
their amplitude spectrum (Yang and Soatto 2020). Geometry is never touched.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from hilum.train.augment import sample_tone
from hilum.train.augment_gate import process_as_archive
from hilum.train.images import ByteImage, stretch_percentiles
from hilum.types import FloatImage

__all__ = ["bend_tones", "borrow_spectrum", "match_histogram", "randomise_appearance"]

LEVELS = 256


def bend_tones(image: FloatImage, rng: np.random.Generator, *, knots: int = 6) -> FloatImage:
    """Map grey levels in [0, 1] by a random increasing curve."""
    steps = np.exp(rng.normal(0.0, 0.7, knots))
    levels = np.concatenate([[0.0], np.cumsum(steps) / steps.sum()])
    curve = np.interp(np.linspace(0, 1, LEVELS), np.linspace(0, 1, knots + 1), levels)
    return _look_up(image, curve)


def match_histogram(image: FloatImage, film: FloatImage) -> FloatImage:
    """Give an image the grey-level distribution of a film; both in [0, 1]."""
    mine, theirs = (np.bincount(_levels(x).ravel(), minlength=LEVELS) for x in (image, film))
    share, wanted = np.cumsum(mine) / mine.sum(), np.cumsum(theirs) / theirs.sum()
    curve = np.interp(share, wanted, np.linspace(0, 1, LEVELS))
    return _look_up(image, curve)


def borrow_spectrum(image: FloatImage, film: FloatImage, *, share: float, band: int) -> FloatImage:
    """Mix the lowest ``band`` frequencies' amplitude with a film's; the phase stays.

    Args:
        image: ``(side, side)`` in [0, 1].
        film: Of the same shape.
        share: Of the film in the amplitude, [0, 1].
        band: Cycles an image up to which amplitudes are mixed.
    """
    mine, theirs = np.fft.rfft2(image), np.fft.rfft2(film)
    rows = np.r_[: band + 1, -band:0]
    at = np.ix_(rows, np.arange(band + 1))
    amplitude = (1 - share) * np.abs(mine[at]) + share * np.abs(theirs[at])
    mine[at] = amplitude * np.exp(1j * np.angle(mine[at]))
    return np.clip(np.fft.irfft2(mine, image.shape), 0.0, 1.0).astype(np.float32)


def randomise_appearance(
    image: FloatImage, films: Sequence[ByteImage] | ByteImage, rng: np.random.Generator
) -> FloatImage:
    """One of the many looks that an image could have.

    Args:
        image: ``(side, side)`` in [0, 1], air dark.
        films: Real films, uint8 ``(rows, columns)`` each, that lend their look.
        rng: Of every choice.

    Returns:
        As ``image``, in [0, 1].
    """
    out = image
    if rng.random() < 0.7:
        film = stretch_percentiles(films[int(rng.integers(len(films)))])
        film = cv2.resize(film, image.shape[::-1], interpolation=cv2.INTER_AREA)
        if rng.random() < 0.5:
            band = int(rng.integers(1, 7))
            out = borrow_spectrum(out, film, share=float(rng.uniform(0.3, 1.0)), band=band)
        if rng.random() < 0.6:
            matched = match_histogram(out, film)
            share = np.float32(rng.uniform(0.5, 1.0))
            out = (1 - share) * out + share * matched
    if rng.random() < 0.5:
        out = bend_tones(out, rng)
    if rng.random() < 0.4:
        out = _shade(out, rng)
    out = process_as_archive(np.clip(out, 0.0, 1.0), rng)
    if rng.random() < 0.3:
        out = _add_mottle(out, rng)
    return sample_tone(rng, strength=1.2).apply(out)


def _shade(image: FloatImage, rng: np.random.Generator) -> FloatImage:
    """A smooth field of brightness: uneven exposure, soft tissue, scatter."""
    coarse = rng.normal(0.0, 1.0, (4, 4)).astype(np.float32)
    field = cv2.resize(coarse, image.shape[::-1], interpolation=cv2.INTER_CUBIC)
    return np.clip(image + field * np.float32(rng.uniform(0.02, 0.12)), 0.0, 1.0)


def _add_mottle(image: FloatImage, rng: np.random.Generator) -> FloatImage:
    """Noise with a grain of a few pixels, as in copies of copies."""
    grain = rng.standard_normal(image.shape, dtype=np.float32)
    sigma = float(rng.uniform(0.6, 2.0))
    grain = cv2.GaussianBlur(grain, (0, 0), sigma) * np.float32(2 * sigma)
    return np.clip(image + grain * np.float32(rng.uniform(0.01, 0.05)), 0.0, 1.0)


def _levels(image: FloatImage) -> ByteImage:
    return np.round(np.clip(image, 0.0, 1.0) * (LEVELS - 1)).astype(np.uint8)


def _look_up(
    image: FloatImage, curve: np.ndarray[tuple[int, ...], np.dtype[np.float64]]
) -> FloatImage:
    position = np.clip(image, 0.0, 1.0) * (LEVELS - 1)
    low = np.minimum(position.astype(np.intp), LEVELS - 2)
    part = position - low
    return np.asarray(curve[low] * (1 - part) + curve[low + 1] * part, np.float32)
