"""``hilum evaluate images`` and ``audit``: what they read from disk before they measure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hilum.errors import HilumError, InvalidValueError

if TYPE_CHECKING:
    from hilum.evaluate import Evaluation
    from hilum.evaluate.audits import AuditTables
    from hilum.evaluate.findings import FindingsInputs
    from hilum.types import FloatImage

__all__ = ["audit_readings", "measure_images"]

Show = Callable[[str, int, int], None]
"""Told what is done, how many are done and how many there are."""


def read_folder(folder: Path, show: Show, what: str) -> tuple[list[str], list[FloatImage], int]:
    """Names and pixels of every radiograph below a folder, and how many files held none.

    Raises:
        InvalidValueError: Not a folder, or no file in it can be read.
    """
    from hilum.io import open_study

    if not folder.is_dir():
        raise InvalidValueError(f"{folder.name} is no folder of images")
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    names, images, failed = [], [], 0
    for number, path in enumerate(paths, start=1):
        show(what, number, len(paths))
        try:
            study = open_study(path)
        except HilumError:
            failed += 1
            continue
        found = study.radiographs
        failed += len(study.unreadable)
        names += [f"{path.relative_to(folder).as_posix()}#{n}" for n in range(len(found))]
        images += [np.array(radiograph.pixels) for radiograph in found]
    if not images:
        raise InvalidValueError(f"no file in {folder.name} holds a readable image")
    return names, images, failed


def measure_images(
    folders: Mapping[str, Path], *, space: str, with_pixels: bool, seed: int, show: Show
) -> Evaluation:
    """Read the folders by role (``synthetic``, ``real``, ``held_out``) and score them."""
    from dataclasses import replace

    from hilum.evaluate.images import ImageOptions, evaluate_images, extract_features

    units: list[str] = []
    roles: list[str] = []
    images: list[FloatImage] = []
    lost = {}
    for role, folder in folders.items():
        names, pixels, failed = read_folder(folder, show, role)
        units += [f"{role}/{name}" for name in names]
        roles += [role] * len(names)
        images += pixels
        if failed:
            lost[f"unreadable_file:{role}"] = failed
    features = extract_features(images, space=space)
    result = evaluate_images(
        units,
        features,
        roles,
        images=images if with_pixels else None,
        options=ImageOptions(seed=seed),
    )
    return replace(result, excluded={**result.excluded, **lost})


def audit_readings(
    inputs: FindingsInputs,
    *,
    images: Path | None,
    stressed: int,
    space: str,
    seed: int,
    show: Show,
) -> tuple[Evaluation, dict[str, int]]:
    """The audit of matched predictions, and how many images were not found.

    With a folder of images also of features (where all are found), and of ``stressed`` of them
    under every corruption.
    """
    from hilum.evaluate.audits import AuditOptions, AuditTables, evaluate_audit
    from hilum.evaluate.images import extract_features

    attributes = {
        name: np.array(_grouped(name, values)) for name, values in inputs.subgroups.items()
    }
    tables = AuditTables(inputs.truth, inputs.prob, attributes)
    options = AuditOptions(thresholds=inputs.thresholds, seed=seed)
    lost: dict[str, int] = {}
    if images is not None:
        pixels, missing = _pixels_of(inputs.units, images, show)
        if missing:
            lost["image_not_found"] = len(missing)
        opened = [image for image in pixels if image is not None]
        if not missing:
            features = extract_features(opened, space=space)
            tables = AuditTables(inputs.truth, inputs.prob, attributes, features=features)
        if stressed:
            tables = _stress(tables, pixels, stressed, seed, show)
    return evaluate_audit(inputs.units, tables, groups=inputs.groups, options=options), lost


def _grouped(name: str, values: Sequence[str]) -> list[str]:
    """Ages as groups, all else as it is; unknown is empty."""
    from hilum.evaluate.audits import age_group

    known = ["" if value == "?" else value for value in values]
    if not name.lower().startswith("age"):
        return known
    try:
        return [age_group(float(value)) if value else "" for value in known]
    except ValueError:
        return known  # groups already


def _pixels_of(
    units: Sequence[str], folder: Path, show: Show
) -> tuple[list[FloatImage | None], list[str]]:
    from hilum.io import open_study

    places = {path.name: path for path in folder.rglob("*") if path.is_file()}
    places |= {path.stem: path for path in places.values() if path.stem not in places}
    pixels: list[FloatImage | None] = []
    for number, unit in enumerate(units, start=1):
        try:
            pixels.append(np.array(open_study(places[unit]).radiographs[0].pixels))
        except (KeyError, IndexError, HilumError):
            pixels.append(None)
        show("opening", number, len(units))
    return pixels, [unit for unit, image in zip(units, pixels, strict=True) if image is None]


def _stress(
    tables: AuditTables, pixels: Sequence[FloatImage | None], count: int, seed: int, show: Show
) -> AuditTables:
    from dataclasses import replace

    from hilum.evaluate.audits import list_corruptions, reader_of, stress_reader

    usable = [row for row, image in enumerate(pixels) if image is not None]
    chosen = usable[:: max(1, len(usable) // count)][:count]
    reader, rng = reader_of(), np.random.default_rng(seed)
    severities = (1, 3, 5)
    total = len(chosen) * (1 + len(list_corruptions()) * len(severities))
    done = 0

    def counted(image: FloatImage) -> Mapping[str, float]:
        nonlocal done
        done += 1
        show("reading under corruption", done, total)
        return reader(image)

    some = [image for row in chosen if (image := pixels[row]) is not None]
    _, found = stress_reader(counted, some, rng=rng, severities=severities)
    size = len(pixels)
    spread = {
        condition: {name: _spread(values, chosen, size) for name, values in rows.items()}
        for condition, rows in found.items()
    }
    tried = np.zeros(size, dtype=bool)
    tried[chosen] = True
    return replace(tables, stressed=spread, tried=tried)


def _spread(
    values: np.ndarray[tuple[int], np.dtype[np.float64]], rows: Sequence[int], size: int
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    whole = np.full(size, np.nan)
    whole[list(rows)] = values
    return whole
