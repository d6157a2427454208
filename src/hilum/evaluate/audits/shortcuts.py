"""Whether a reader could, or does, read something else than disease.

It *could* where view, sex, age or source can be told from its features, and where they alone
predict the label; it *does* where it still scores with the lungs hidden.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from hilum.errors import require
from hilum.evaluate.findings.labelled import Array
from hilum.evaluate.learner import cross_fit
from hilum.types import FloatImage, Mask

__all__ = [
    "LEAST_UNITS",
    "age_group",
    "hide_inside",
    "hide_outside",
    "predict_attribute",
    "predict_from_attributes",
]

AGE_BORDERS = (18.0, 40.0, 60.0, 75.0)
LEAST_UNITS = 10
"""A value of an attribute that fewer units have is not predicted."""


def hide_inside(image: FloatImage, mask: Mask) -> FloatImage:
    """The image with everything inside the mask replaced by the mean of what stays visible.

    Args:
        image: float32 ``(rows, columns)`` in [0, 1].
        mask: bool of the same shape, such as both lungs.

    Raises:
        InvalidValueError: Shapes differ, or the mask leaves nothing.
    """
    require(
        image.shape == mask.shape and mask.dtype == np.bool_,
        f"a mask of the image's shape, got {mask.dtype} {mask.shape} for {image.shape}",
    )
    require(not bool(mask.all()), "the mask hides the whole image")
    # not the mean of what is hidden: it would tell how opaque the lungs were
    return np.where(mask, image[~mask].mean(dtype=np.float64), image).astype(np.float32)


def hide_outside(image: FloatImage, mask: Mask) -> FloatImage:
    """The image with everything outside the mask replaced by the mean of what stays visible.

    Raises:
        InvalidValueError: Shapes differ, or the mask is empty.
    """
    return hide_inside(image, ~mask)


def age_group(age_years: float) -> str:
    """``under 18``, ``18 to 39``, ``40 to 59``, ``60 to 74``, ``75 and over``; empty for NaN."""
    if np.isnan(age_years):
        return ""
    names = [f"{low:.0f} to {high - 1:.0f}" for low, high in pairwise(AGE_BORDERS)]
    all_names = [f"under {AGE_BORDERS[0]:.0f}", *names, f"{AGE_BORDERS[-1]:.0f} and over"]
    return all_names[int(np.searchsorted(AGE_BORDERS, age_years, side="right"))]


def predict_attribute(
    features: Array,
    attribute: npt.NDArray[np.str_],
    groups: Sequence[str],
    *,
    rng: np.random.Generator,
    folds: int = 5,
) -> dict[str, tuple[Array, Array]]:
    """How well each value of an attribute can be told from features, one against the rest.

    Args:
        features: ``(units, dimensions)``.
        attribute: ``(units,)``; the empty text is unknown.
        groups: Patient of each unit: no patient is in both training and test.
        rng: What decides the folds.
        folds: Of the cross-validation.

    Returns:
        Truth and out-of-fold probability ``(units,)`` by value; two values give one entry,
        the later in the alphabet.
    """
    names, counts = np.unique(attribute[attribute != ""], return_counts=True)
    usable = [str(n) for n, c in zip(names, counts, strict=True) if c >= LEAST_UNITS]
    if len(usable) < 2:
        return {}
    known = np.isin(attribute, usable)
    result = {}
    for name in usable[1:] if len(usable) == 2 else usable:
        truth = np.where(known, (attribute == name).astype(float), np.nan)
        result[name] = truth, cross_fit(features, truth, groups, rng=rng, folds=folds)
    return result


def predict_from_attributes(
    attributes: Mapping[str, npt.NDArray[np.str_]],
    truth: Array,
    groups: Sequence[str],
    *,
    rng: np.random.Generator,
    folds: int = 5,
) -> Array:
    """Out-of-fold probability of a label from attributes alone, without any pixel.

    Above 0.5 in AUROC, the data reward a reader that recognises them.

    Args:
        attributes: ``(units,)`` texts by name, one-hot encoded, unknown as a value of its own.
        truth: ``(units,)`` of 0, 1 or NaN.
        groups: Patient of each unit.
        rng: What decides the folds.
        folds: Of the cross-validation.
    """
    columns = [
        (values == name).astype(float)
        for values in attributes.values()
        for name in np.unique(values)
    ]
    return cross_fit(np.stack(columns, axis=1), truth, groups, rng=rng, folds=folds)
