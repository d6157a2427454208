"""Development figures of the whole reading, from image files to findings and masks.

Reads images that trained nothing (NIH and Kermany validation split, the annotated adults
that may not train weights, the covid images alike) with ``hilum.read`` and prints the
figures of the README with 95 % bootstrap intervals over patients.

    python benchmarks/figures.py [--data ../shared/data]
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from hilum import open_study, read
from hilum.types import RadiographReading

Array = npt.NDArray[np.float64]
SIX = {
    "pneumonia": "Pneumonia",
    "infiltration": "Infiltration",
    "pleural_effusion": "Effusion",
    "atelectasis": "Atelectasis",
    "edema": "Edema",
    "consolidation": "Consolidation",
}


@dataclass(frozen=True)
class Row:
    """What is compared of one image."""

    group: str
    patient: str
    accepted: bool
    view: str = ""
    truth: set[str] = field(default_factory=set)
    probs: dict[str, float] = field(default_factory=dict)
    scores: dict[str, float] = field(default_factory=dict)
    reasons: str = ""


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def read_one(path: Path) -> RadiographReading:
    return read(open_study(path)).radiographs[0]


def probs_of(reading: RadiographReading) -> dict[str, float]:
    return {f.name: f.probability for f in reading.findings if f.probability is not None}


def nih_row(job: tuple[Path, dict[str, str], list[dict[str, str]]]) -> Row:
    root, row, boxes = job
    reading = read_one(root / row["image"])
    scores: dict[str, float] = {}
    opacity = reading.finding("lung_opacity")
    if boxes and opacity is not None and opacity.heatmap is not None:
        scores["pointed"] = float(is_hit(opacity.heatmap, boxes))
    elif boxes and reading.quality.accepted:
        scores["pointed"] = 0.0
    return Row(
        "nih",
        row["patient_id"],
        reading.quality.accepted,
        row["view"],
        set(row["findings"].split("|")),
        probs_of(reading),
        scores,
        ",".join(r.code for r in reading.quality.reasons),
    )


def is_hit(heatmap: npt.NDArray[np.float32], boxes: list[dict[str, str]]) -> bool:
    """Pointing game: whether the heat map's peak lies in a box of a 512-pixel image."""
    row, column = np.unravel_index(int(heatmap.argmax()), heatmap.shape)
    x, y = (column + 0.5) * 512 / heatmap.shape[1], (row + 0.5) * 512 / heatmap.shape[0]
    return any(
        float(b["x"]) <= x <= float(b["x"]) + float(b["width"])
        and float(b["y"]) <= y <= float(b["y"]) + float(b["height"])
        for b in boxes
    )


def child_row(job: tuple[Path, dict[str, str]]) -> Row:
    root, row = job
    reading = read_one(root / row["image"])
    truth = set() if row["label"] == "normal" else {"Pneumonia"}
    reasons = ",".join(r.code for r in reading.quality.reasons)
    probs, accepted = probs_of(reading), reading.quality.accepted
    return Row("child", row["patient_id"], accepted, "", truth, probs, {}, reasons)


def covid_row(job: tuple[Path, dict[str, str]]) -> Row:
    root, row = job
    reading = read_one(root / row["image"])
    reasons = ",".join(r.code for r in reading.quality.reasons)
    return Row("covid", row["patient_id"], reading.quality.accepted, row["view"], reasons=reasons)


def anatomy_row(job: tuple[Path, dict[str, str]]) -> Row:
    root, row = job
    reading = read_one(root / row["image"])
    seen, scores = reading.anatomy, {}
    masks = {}
    for name in ("left_lung", "right_lung", "cardiomediastinum", "airways"):
        path = root / "masks" / Path(row["image"]).stem / f"{name}.png"
        if not path.exists():
            continue
        truth = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) > 0
        masks[name] = truth
        found = seen.structures[name].mask if name in seen.structures else np.zeros_like(truth)
        scores[f"dice {name}"] = 2 * float((found & truth).sum()) / float(found.sum() + truth.sum())
    if {"left_lung", "right_lung", "cardiomediastinum"} <= set(masks):
        ratio = seen.measurement("cardiothoracic_ratio")
        if ratio is not None and ratio.value is not None:
            scores["ratio error"] = abs(ratio.value - ratio_of(masks))
    fork = fork_of(masks["airways"]) if "airways" in masks else None
    if fork is not None and "carina" in seen.landmarks:
        x, y = seen.landmarks["carina"]
        scores["carina error"] = float(np.hypot(x - fork[0], y - fork[1])) / truth.shape[1]
    return Row("anatomy", row["original"], reading.quality.accepted, scores=scores)


def ratio_of(masks: dict[str, npt.NDArray[np.bool_]]) -> float:
    """Heart width over the widest distance of the lungs' outer borders."""
    heart = np.flatnonzero(masks["cardiomediastinum"].any(0))
    lungs = masks["left_lung"] | masks["right_lung"]
    chest = max(int(np.ptp(np.flatnonzero(line))) + 1 for line in lungs if line.any())
    return (int(np.ptp(heart)) + 1) / chest


def fork_of(airways: npt.NDArray[np.bool_]) -> tuple[float, float] | None:
    """Top of the longest block of rows in which the airways are split in two."""
    best, start, length = None, None, 0
    for row in range(airways.shape[0] + 1):
        columns = np.flatnonzero(airways[row]) if row < airways.shape[0] else np.array([], int)
        gaps = np.diff(columns)
        if gaps.size and gaps.max() >= 3:
            at = int(gaps.argmax())
            if start is None:
                start = ((columns[at] + columns[at + 1]) / 2 + 0.5, float(row))
            length += 1
            continue
        if start is not None and (best is None or length > best[0]):
            best = (length, start)
        start, length = None, 0
    return best[1] if best is not None and best[0] >= 3 else None


def auroc(truth: Array, score: Array) -> float:
    positives = truth.sum()
    ranks = rankdata(score)[truth == 1].sum()
    return float((ranks - positives * (positives + 1) / 2) / (positives * (len(truth) - positives)))


def calibration_error(truth: Array, prob: Array, bins: int = 10) -> float:
    which = np.minimum((prob * bins).astype(int), bins - 1)
    parts = [abs((truth - prob)[which == b].sum()) for b in range(bins)]
    return float(sum(parts)) / len(truth)


def interval(
    figure: Callable[[npt.NDArray[np.int64]], float], patients: list[str], count: int = 1000
) -> tuple[float, float]:
    rng = np.random.default_rng(0)
    names, member = np.unique(patients, return_inverse=True)
    groups = [np.flatnonzero(member == i) for i in range(len(names))]
    values = []
    for _ in range(count):
        picked = rng.integers(len(groups), size=len(groups))
        values.append(figure(np.concatenate([groups[i] for i in picked])))
    low, high = np.nanpercentile(values, (2.5, 97.5))
    return float(low), float(high)


def show(name: str, figure: Callable[[npt.NDArray[np.int64]], float], rows: list[Row]) -> None:
    if not rows:
        return
    low, high = interval(figure, [r.patient for r in rows])
    value = figure(np.arange(len(rows)))
    print(f"| {name} | {value:.3f} | {low:.3f} to {high:.3f} | {len(rows)} |", flush=True)


def show_auroc(title: str, rows: list[Row], finding: str, label: str) -> None:
    rows = [r for r in rows if finding in r.probs]
    truth = np.array([label in r.truth for r in rows], float)
    prob = np.array([r.probs[finding] for r in rows])
    if not rows or not 0 < truth.sum() < len(truth):
        print(f"| {title} | not assessed | | {len(rows)} |")
        return

    def figure(index: npt.NDArray[np.int64]) -> float:
        picked = truth[index]
        if not 0 < picked.sum() < len(picked):
            return float("nan")
        return auroc(picked, prob[index])

    show(f"{title} AUROC ({int(truth.sum())} positive)", figure, rows)
    show(f"{title} ECE", lambda i: calibration_error(truth[i], prob[i]), rows)


def show_scores(rows: list[Row]) -> None:
    for name in sorted({n for r in rows for n in r.scores}):
        some = [r for r in rows if name in r.scores]
        values = np.array([r.scores[name] for r in some])
        show(name, lambda i, v=values: float(v[i].mean()), some)


def jobs_of(data: Path) -> Iterable[tuple[Callable[..., Row], list[object]]]:
    boxes: dict[str, list[dict[str, str]]] = {}
    for box in read_rows(data / "nih" / "boxes.csv"):
        if box["source"] == "rsna":
            boxes.setdefault(box["image"], []).append(box)
    nih = [r for r in read_rows(data / "nih" / "labels.csv") if r["split"] == "val"]
    yield nih_row, [(data / "nih", r, boxes.get(r["image"], [])) for r in nih]
    kermany = [r for r in read_rows(data / "kermany" / "labels.csv") if r["split"] == "val"]
    yield child_row, [(data / "kermany", r) for r in kermany]
    marked = [r for r in read_rows(data / "anatomy" / "masks.csv") if r["weights_may_use"] != "yes"]
    yield anatomy_row, [(data / "anatomy", r) for r in marked]
    covid = [r for r in read_rows(data / "covid" / "metadata.csv") if r["weights_may_use"] != "yes"]
    yield covid_row, [(data / "covid", r) for r in covid]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--workers", type=int, default=2)
    data = parser.parse_args().data
    print("| figure | value | 95 % interval | images |\n|---|---|---|---|")
    with ProcessPoolExecutor(parser.parse_args().workers) as pool:
        for work, jobs in jobs_of(data):
            rows = list(pool.map(work, jobs, chunksize=4))
            accepted = np.array([r.accepted for r in rows], float)
            show(f"{rows[0].group}: accepted by the gate", lambda i, a=accepted: a[i].mean(), rows)
            for row in rows:
                if row.reasons:
                    print(f"<!-- refused {row.group} {row.reasons} -->")
            rows = [r for r in rows if r.accepted]
            if rows[0].group == "nih":
                show_auroc("adult no finding", rows, "no_finding", "No Finding")
                for finding, label in SIX.items():
                    show_auroc(f"adult {finding}", rows, finding, label)
                for view in ("AP", "PA"):
                    within = [r for r in rows if r.view == view]
                    show_auroc(f"adult pneumonia within {view}", within, "pneumonia", "Pneumonia")
            if rows[0].group == "child":
                show_auroc("child pneumonia", rows, "pneumonia", "Pneumonia")
            show_scores(rows)


if __name__ == "__main__":
    main()
