"""The real radiographs of ``../shared/data`` as small cached arrays with their labels."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from hilum.errors import UnreadableImageError
from hilum.models.preprocess import stretch_contrast
from hilum.types import FloatImage, Orientation, Radiograph

__all__ = [
    "cached",
    "load_all",
    "load_grey",
    "load_mask",
    "patient_of",
    "read_rows",
    "stretch_percentiles",
    "upright",
]

ByteImage = npt.NDArray[np.uint8]
PERCENTILES = (0.5, 99.5)


def read_rows(table: Path) -> list[dict[str, str]]:
    """The rows of a CSV table."""
    with table.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def load_grey(path: Path, *, size: int) -> ByteImage:
    """An image as uint8 ``(size, size)``, stretched to a square.

    Raises:
        UnreadableImageError: the file is not an image.
    """
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise UnreadableImageError(f"{path.name} is not a readable image")
    return np.asarray(cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA), np.uint8)


def load_mask(path: Path) -> npt.NDArray[np.bool_]:
    """A mask image as bool ``(rows, columns)``.

    Raises:
        UnreadableImageError: The file is not an image.
    """
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise UnreadableImageError(f"{path.name} is not a readable image")
    return np.asarray(image > 0)


def stretch_percentiles(image: ByteImage) -> FloatImage:
    """Grey levels stretched to [0, 1] as the shipped manifests' input asks."""
    return stretch_contrast(image.astype(np.float32) / np.float32(255), *PERCENTILES)


def upright(pixels: FloatImage) -> Radiograph:
    """Pixels ``(rows, columns)`` in [0, 1] as an upright radiograph."""
    return Radiograph(pixels, "film", Orientation(*pixels.shape))


def cached(folder: Path, key: str, make: Callable[[], npt.NDArray[np.uint8]]) -> ByteImage:
    """The array of that key from ``folder``, made and stored the first time."""
    path = folder / f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.npy"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        np.save(path, make())
    return np.asarray(np.load(path, mmap_mode="r"))


def load_all(root: Path, names: Sequence[str], *, size: int, cache: Path) -> ByteImage:
    """Images of ``root`` as uint8 ``(count, size, size)``, cached."""
    key = f"{root.name}:{size}:" + "|".join(names)
    return cached(
        cache, key, lambda: np.stack([load_grey(root / name, size=size) for name in names])
    )


def patient_of(original: str, table: Iterable[dict[str, str]]) -> str:
    """The patient of an ``anatomy`` image, from its original file name.

    The covid table names patients; names that it does not hold fall back to the stem without
    day, view and figure-part suffixes, so that two days of one patient stay together.
    """
    stem = Path(original).stem.lower()
    for row in table:
        if Path(row["image"]).stem.lower() == stem:
            return f"covid-{row['patient_id']}"
    return re.sub(r"(-day-?\d+|-pa|-ap|_f?\d*[a-d]|-\d+-hours|-\d+-days|-admission)+$", "", stem)
