"""How far phantoms are from real frontal radiographs: KID, with real against real as the scale.

    python benchmarks/phantom_distance.py --count 300 --workers 2      # in the training environment

KID is the unbiased squared maximum mean discrepancy with the kernel (x.y / d + 1)^3 (Binkowski
et al. 2018), as mean and standard error over random subsets. The features are the 1280 pooled
outputs of an ImageNet EfficientNet-Lite0 at 224 x 224 of the film's central square, grey stretched
between its 1st and 99th percentile: what a network sees of texture and form, not of brightness.
Film groups: NIH adults, the covid set's adults (other hospitals), halves of NIH split by patient.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from measuring import SHARED_DATA, machine, markdown

Array = npt.NDArray[np.float64]
Grey = npt.NDArray[np.uint8]
SIDE = 224
SUBSETS, SUBSET = 100, 100


def prepare(film: npt.NDArray[np.generic]) -> Grey:
    """The central square at 224 x 224, uint8, between its 1st and 99th percentile."""
    rows, columns = film.shape
    side = min(rows, columns)
    top, left = (rows - side) // 2, (columns - side) // 2
    square = film[top : top + side, left : left + side].astype(np.float32)
    small = cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    low, high = np.percentile(small, (1, 99))
    grey = np.clip((small - low) / max(float(high - low), 1e-6), 0, 1) * 255
    return np.asarray(grey.round(), np.uint8)


def render_one(seed: int) -> Grey:
    """A sampled frontal phantom of an adult, as prepared."""
    from hilum.synth import render, sample_spec

    spec = sample_spec(np.random.default_rng([2026, seed]), prob_child=0.0)
    return prepare(render(spec).radiograph.pixels)


def phantoms(count: int, workers: int) -> list[Grey]:
    if workers == 1:
        return [render_one(seed) for seed in range(count)]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return list(pool.map(render_one, range(count), chunksize=4))


def real_films(name: str) -> tuple[list[Grey], list[str]]:
    """Prepared frontal films of a folder of the shared data, and their patients."""
    folder = SHARED_DATA / name
    table = folder / ("labels.csv" if name == "nih" else "metadata.csv")
    films, patients = [], []
    with table.open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            film = cv2.imread(str(folder / row["image"]), cv2.IMREAD_GRAYSCALE)
            if film is not None:
                films.append(prepare(film))
                patients.append(row["patient_id"])
    return films, patients


def features(films: Sequence[Grey]) -> Array:
    """Pooled features ``(n, 1280)``."""
    import torch

    from hilum.train.networks import LiteEncoder

    encoder = LiteEncoder().eval()
    out = []
    with torch.no_grad():
        for start in range(0, len(films), 32):
            batch = torch.from_numpy(np.stack(films[start : start + 32])).float()[:, None] / 255
            out.append(encoder.head(encoder(batch)[-1]).mean((2, 3)).numpy())
    return np.concatenate(out).astype(np.float64)


def mmd2(x: Array, y: Array) -> float:
    """Unbiased squared maximum mean discrepancy with the cubic kernel."""
    d, m, n = x.shape[1], len(x), len(y)
    xx, yy, xy = ((a @ b.T / d + 1) ** 3 for a, b in ((x, x), (y, y), (x, y)))
    within_x = (xx.sum() - np.trace(xx)) / (m * (m - 1))
    within_y = (yy.sum() - np.trace(yy)) / (n * (n - 1))
    return float(within_x + within_y - 2 * xy.mean())


def kid(x: Array, y: Array, rng: np.random.Generator) -> tuple[float, float]:
    """Mean and standard error of ``mmd2`` over random subsets."""
    size = min(SUBSET, len(x), len(y))
    values = [
        mmd2(x[rng.choice(len(x), size, replace=False)], y[rng.choice(len(y), size, replace=False)])
        for _ in range(SUBSETS)
    ]
    return float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(SUBSETS))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--cache", type=Path, help="keep the features of the real films here")
    options = parser.parse_args()
    if options.cache and options.cache.exists():
        kept = np.load(options.cache)
        nih, covid, patients = kept["nih"], kept["covid"], kept["patients"]
    else:
        films, names = real_films("nih")
        nih, covid = features(films), features(real_films("covid")[0])
        patients = np.array([int(name) for name in names])
        if options.cache:
            np.savez(options.cache, nih=nih, covid=covid, patients=patients)
    made = features(phantoms(options.count, options.workers))
    rng = np.random.default_rng(5)
    # whole patients on either side of the split
    first = np.isin(patients, rng.permutation(np.unique(patients))[::2])
    pairs = {
        f"{options.count} phantoms, NIH": (made, nih),
        f"{options.count} phantoms, covid": (made, covid),
        "NIH, covid": (nih, covid),
        "NIH half, other half": (nih[first], nih[~first]),
    }
    rows = []
    for name, (x, y) in pairs.items():
        mean, error = kid(x, y, rng)
        rows.append([name, str(len(x)), str(len(y)), f"{mean:.4f}", f"{error:.4f}"])
    print(markdown(["between", "n", "m", "KID", "SE"], rows))
    print(machine("numpy", "torch"))


if __name__ == "__main__":
    main()
