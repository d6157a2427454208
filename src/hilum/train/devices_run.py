"""From a trained ``DevicesNet`` to the shipped model: operating points, figures, manifest.

Operating points come from phantoms held out of training and from real films of the training
split; the figures from other phantoms and from the annotated adults, of which none was trained on.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime as ort

from hilum.anatomy import segment
from hilum.anatomy.devices import device_specs
from hilum.models import Manifest, load_model
from hilum.train.devices_figures import (
    REAL_NAMES,
    Seen,
    add_figures,
    choose_least,
    hide,
    load_marked,
    load_plain,
    look_at,
    score_phantoms,
    share_found,
)
from hilum.train.devices_net import DevicesNet
from hilum.train.devices_pool import KINDS, SIDE, DevicePool, load_device_phantoms
from hilum.train.ship import summarise
from hilum.train.ship_devices import export_devices, ship_devices
from hilum.types import Orientation, Radiograph, Spacing, SpacingOrigin, View

__all__ = ["finish_devices", "height_errors", "score_real"]

REPORTED, REPORT_SEED = 100, 12
PLAIN = 100
MIN_SENSITIVITY = 0.5
"""Share of the held-out phantoms' devices that must be found for a kind to be shown at all."""
MAX_TIP_MM, MAX_SPREAD_MM = 20.0, 15.0
"""Errors on held-out phantoms beyond which a kind's tips, or their heights, are not given."""
MEASURED = ("endotracheal_tube", "central_venous_line")
ON_THE_LINE = 0.3
"""Share of a real film's drawn pixels that must lie on the device for it to count as found."""
logger = logging.getLogger(__name__)


def finish_devices(
    net: DevicesNet,
    data: Path,
    out: Path,
    *,
    cache: Path,
    recipe: Mapping[str, Any],
    workers: int = 1,
) -> Manifest:
    """Choose operating points, compute figures and write ``hilum-devices`` into ``out``."""
    weights = export_devices(net)
    session = _open(weights)
    count, seed = int(recipe["phantoms"]), int(recipe["seed"])
    pool = load_device_phantoms(cache / "devices", count=count, seed=seed, workers=workers)
    held_out = pool.part(count - int(recipe["held_out"]))
    least = _operating_points(session, held_out, data)
    errors = height_errors(session, held_out, least)
    spreads = {
        name: round(float(np.sqrt(np.mean(np.square(values)))), 1)
        for name, values in errors.items()
        if len(values) >= 5
    }
    real = score_real(session, data, least)
    tips = _tip_errors(score_phantoms(session, held_out, least), least)
    reported = load_device_phantoms(
        cache / "devices", count=REPORTED, seed=REPORT_SEED, workers=workers
    )
    figures = {
        "phantoms": _describe(score_phantoms(session, reported, least), least),
        "real": real,
        "height_error_mm": summarise(
            {k: np.abs(v).tolist() for k, v in height_errors(session, reported, least).items()}
        ),
    }
    logger.info("least %s, spreads %s, figures %s", least, spreads, figures)
    calibration = {
        "least": {name: value for name, value in least.items() if not _misleads(real[name])},
        "tip_error_mm": {name: value for name, value in tips.items() if value <= MAX_TIP_MM},
        "above_carina_sd": {n: value for n, value in spreads.items() if value <= MAX_SPREAD_MM},
    }
    return ship_devices(weights, out, recipe=recipe, calibration=calibration, figures=figures)


def _misleads(real: Mapping[str, Any]) -> bool:
    """Whether a kind is shown on real films no oftener where it is than where it is not."""
    return bool(real.get("shown_without", 0) >= real.get("found_on_the_device", 1))


def _tip_errors(seen: Mapping[str, Seen], least: Mapping[str, float]) -> dict[str, float]:
    """Median distance in mm of the tips of what is shown."""
    errors = {}
    for name, limit in least.items():
        distance = np.asarray(seen[name].tip_mm)[np.asarray(seen[name].score) >= limit]
        if np.isfinite(distance).any():
            errors[name] = round(float(np.nanmedian(distance)), 1)
    return errors


def _open(weights: bytes) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(weights, options, providers=["CPUExecutionProvider"])


def _operating_points(
    session: ort.InferenceSession, held_out: DevicePool, data: Path
) -> dict[str, float]:
    """The score to be shown by kind; a kind that is hardly found has none."""
    plain = [look_at(session, image) for image in load_plain(data, count=PLAIN)]
    least: dict[str, float] = {}
    for name in sorted(KINDS, key=lambda kind: bool(device_specs()[kind].hidden_by)):
        row = list(KINDS).index(name)
        seen = score_phantoms(session, held_out, least)[name]
        limit = choose_least(seen, [hide(name, t[row], t, least).score for t in plain])
        found = share_found(seen, least=limit)["sensitivity"]["value"]
        logger.info("%s: shown from %.2f, %s of the held-out phantoms found", name, limit, found)
        if found is not None and found >= MIN_SENSITIVITY:
            least[name] = round(limit, 3)
    return least


def _describe(seen: Mapping[str, Seen], least: Mapping[str, float]) -> dict[str, Any]:
    """Figures by kind; of what is never shown only the Dice, which needs no operating point."""
    figures: dict[str, Any] = {}
    for name, values in seen.items():
        figures[name] = summarise({"dice": [d for d in values.dice if np.isfinite(d)]})
        if name not in least:
            continue
        is_shown = np.asarray(values.score) >= least[name]
        for key, unit in (("tip_px", values.tip_px), ("tip_mm", values.tip_mm)):
            kept = np.asarray(unit)[is_shown]
            kept = kept[np.isfinite(kept)]
            figures[name] |= summarise({key: kept.tolist()})
            if kept.size:
                figures[name][key]["median"] = round(float(np.median(kept)), 2)
        figures[name] |= share_found(values, least=least[name])
    return figures


def score_real(
    session: ort.InferenceSession, data: Path, least: Mapping[str, float]
) -> dict[str, Any]:
    """Devices found on the annotated adults, and how many of those drawn lie on the device."""
    seen: dict[str, Seen] = {}
    shown = {name: [0, 0] for name in KINDS if name not in REAL_NAMES}
    for _, image, masks in load_marked(data):
        traces = dict(zip(KINDS, look_at(session, image), strict=True))
        for name, count in shown.items():
            count[0] += traces[name].score >= least.get(name, float("inf"))
            count[1] += 1
        for name, mask in masks.items():
            wide = cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
            trace = hide(name, traces[name], list(traces.values()), least)
            add_figures(seen.setdefault(name, Seen()), trace, wide)
    figures: dict[str, Any] = {
        name: {"n": shown[name][1], "shown": shown[name][0]} for name in shown if name in least
    }
    for name, values in seen.items():
        limit = least.get(name, float("inf"))
        entry = share_found(values, least=limit)
        is_on = (np.asarray(values.score) >= limit) & (np.asarray(values.covered) >= ON_THE_LINE)
        has = np.asarray(values.truth) == 1
        entry["found_on_the_device"] = int((is_on & has).sum())
        entry["shown_without"] = int(((np.asarray(values.score) >= limit) & ~has).sum())
        figures[name] = entry
    return figures


def height_errors(
    session: ort.InferenceSession, pool: DevicePool, least: Mapping[str, float]
) -> dict[str, list[float]]:
    """Errors in mm of a tip's height above the carina that ``hilum-anatomy`` sees."""
    model = load_model("hilum-anatomy")
    errors: dict[str, list[float]] = {name: [] for name in MEASURED}
    for index, image in enumerate(pool.images):
        wanted = [n for n in MEASURED if np.isfinite(pool.above_mm[index, list(KINDS).index(n)])]
        if not wanted:
            continue
        down, across = (float(v) for v in pool.spacing[index])
        film = Radiograph(
            image.astype(np.float32) / np.float32(255),
            "phantom",
            Orientation(SIDE, SIDE, 0),
            view=View.FRONTAL,
            spacing=Spacing(down, across, SpacingOrigin.DETECTOR),
        )
        carina = segment(film, model).landmarks.get("carina")
        traces = dict(zip(KINDS, look_at(session, image), strict=True))
        for name in wanted:
            trace = traces[name]
            is_shown = name in least and trace.score >= least[name]
            if carina is None or trace.tip is None or not is_shown:
                continue
            tip = trace.tip[1] / trace.mask.shape[0] * SIDE
            truth = float(pool.above_mm[index, list(KINDS).index(name)])
            errors[name].append((carina[1] - tip) * down - truth)
    return errors
