"""Figures of ``hilum-devices``: on phantoms that trained nothing, and on real films.

The operating point of a kind is set on phantoms (the share of them without it that may show it)
and on real films without a device that are reported nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from hilum.anatomy.devices import Trace, device_specs, trace_device
from hilum.evaluate.findings.decisions import sensitivity, specificity
from hilum.evaluate.resampling import bootstrap_interval
from hilum.train.devices_data import thicken
from hilum.train.devices_pool import KINDS, SIDE, DevicePool
from hilum.train.images import ByteImage, load_grey, load_mask, read_rows, stretch_percentiles
from hilum.types import FloatImage

__all__ = [
    "REAL_NAMES",
    "Seen",
    "add_figures",
    "choose_least",
    "hide",
    "load_marked",
    "load_plain",
    "look_at",
    "score_phantoms",
    "share_found",
]

REAL_NAMES = {
    "endotracheal_tube": "endotracheal_tube",
    "nasogastric_tube": "nosogastric_tube",
    "central_venous_line": "central_venous_line",
}
"""Masks of the annotated adults by kind; the spelling is theirs."""
DRAWS = 2000
PHANTOM_ALARMS, REAL_ALARMS = 0.05, 0.02
"""Shares of what has no such device that may show one, where operating points are chosen."""


@dataclass(slots=True)
class Seen:
    """What was seen of one kind over many images: lists of one value an image."""

    score: list[float] = field(default_factory=list)
    truth: list[float] = field(default_factory=list)
    dice: list[float] = field(default_factory=list)
    covered: list[float] = field(default_factory=list)
    tip_px: list[float] = field(default_factory=list)
    tip_mm: list[float] = field(default_factory=list)


def look_at(session: ort.InferenceSession, image: ByteImage) -> list[Trace]:
    """The trace of every kind on an image ``(512, 512)``."""
    grey = stretch_percentiles(image)[None, None]
    lines, tips = session.run(None, {"image": grey})
    specs = device_specs()
    return [
        trace_device(specs[name], lines[0, row], tips[0, row]) for row, name in enumerate(KINDS)
    ]


def score_phantoms(
    session: ort.InferenceSession, pool: DevicePool, least: Mapping[str, float] | None = None
) -> dict[str, Seen]:
    """Scores, Dice (NaN without the device) and distances of tips by kind.

    With operating points ``least`` what is hidden by another device scores 0.
    """
    seen = {name: Seen() for name in KINDS}
    for index, image in enumerate(pool.images):
        traces, masks = look_at(session, image), thicken(pool.masks(index))
        for row, (name, trace) in enumerate(zip(KINDS, traces, strict=True)):
            half = trace.mask.shape[0]
            truth = masks[row].reshape(half, SIDE // half, half, SIDE // half).max((1, 3)) > 0
            add_figures(seen[name], hide(name, trace, traces, least or {}), truth)
            tip, found = pool.tips[index, row], trace.tip
            off = np.full(2, np.nan)
            if found is not None and np.isfinite(tip[0]):
                off = np.asarray(found) / half * SIDE - tip * SIDE
            seen[name].tip_px.append(float(np.hypot(*off)))
            seen[name].tip_mm.append(float(np.hypot(*(off * pool.spacing[index][::-1]))))
    return seen


def hide(name: str, trace: Trace, traces: Sequence[Trace], least: Mapping[str, float]) -> Trace:
    """The trace, with a score of 0 where it is not told apart from another device."""
    other = device_specs()[name].hidden_by
    if other in least and traces[list(KINDS).index(other)].score >= least[other]:
        return replace(trace, score=0.0)
    return trace


def add_figures(seen: Seen, trace: Trace, truth: npt.NDArray[np.bool_]) -> None:
    """Add one image: ``truth`` is the thickened line on the maps' pixels, empty without one."""
    both, either = int((trace.mask & truth).sum()), int(trace.mask.sum() + truth.sum())
    seen.score.append(trace.score)
    seen.truth.append(float(truth.any()))
    seen.dice.append(2 * both / either if truth.any() else np.nan)
    seen.covered.append(both / max(1, int(trace.mask.sum())) if truth.any() else np.nan)


def share_found(seen: Seen, *, least: float) -> dict[str, Any]:
    """Sensitivity and specificity at an operating point with 95 % bootstrap intervals."""
    shown = (np.asarray(seen.score) >= least).astype(float)
    arrays = {"truth": np.asarray(seen.truth), "prob": shown}
    result: dict[str, Any] = {"n": len(seen.truth), "with": int(sum(seen.truth))}
    for metric in (sensitivity, specificity):

        def compute(truth: FloatImage, prob: FloatImage, metric: Any = metric) -> float:
            return float(metric(truth, prob, threshold=0.5))

        value = compute(**arrays)
        entry: dict[str, Any] = {"value": None if np.isnan(value) else round(value, 3)}
        if not np.isnan(value):
            rng = np.random.default_rng(0)
            interval = bootstrap_interval(compute, arrays, rng=rng, draws=DRAWS)
            if interval is not None:
                entry["interval"] = [round(interval.low, 3), round(interval.high, 3)]
        result[metric.__name__] = entry
    return result


def choose_least(phantoms: Seen, plain: list[float]) -> float:
    """The score that few of what has no such device exceeds, phantoms and real films."""
    scores = np.asarray(phantoms.score)[np.asarray(phantoms.truth) == 0]
    limits = np.quantile(scores, 1 - PHANTOM_ALARMS), np.quantile(plain, 1 - REAL_ALARMS)
    return float(max(limits)) + 1e-3


def load_plain(data: Path, *, count: int) -> Iterator[ByteImage]:
    """First visits to an outpatient clinic with no finding: PA films that hardly have a tube."""
    rows = read_rows(data / "nih" / "labels.csv")
    rows = [row for row in rows if row["split"] == "train" and is_plain(row)]
    for row in rows[:count]:
        yield load_grey(data / "nih" / row["image"], size=SIDE)


def is_plain(row: dict[str, str]) -> bool:
    """Whether a row of the NIH table is a PA film of a first visit without finding."""
    return row["view"] == "PA" and row["findings"] == "No Finding" and row["follow_up"] == "0"


def load_marked(data: Path) -> Iterator[tuple[str, ByteImage, dict[str, npt.NDArray[np.bool_]]]]:
    """The annotated adults: name, image ``(512, 512)``, masks of devices at half that size."""
    root = data / "anatomy"
    for row in read_rows(root / "masks.csv"):
        masks = {}
        for name, theirs in REAL_NAMES.items():
            path = root / "masks" / Path(row["image"]).stem / f"{theirs}.png"
            half = np.zeros((SIDE // 2, SIDE // 2), np.bool_)
            if path.exists():
                soft = cv2.resize(load_mask(path).astype(np.float32), half.shape)
                half = soft > 0.25
            masks[name] = half
        yield row["image"], load_grey(root / row["image"], size=SIDE), masks
