"""The whole Hilum reading beside TorchXRayVision's load, preprocess and DenseNet121 forward.

    python benchmarks/peer_torchxrayvision.py [--repeats 5] [--files 12]

Same files, same process, two threads, interleaved. The peer runs as its documentation
shows: ``utils.load_image`` (which reads DICOM too), ``XRayCenterCrop``, ``XRayResizer(224)``,
``models.DenseNet``. Its weights cannot be downloaded here and are random, which does not
change its time. Hilum decodes, gates, segments, finds and drafts the report.
"""

from __future__ import annotations

import os

THREADS = 2
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "HILUM_THREADS"):
    os.environ[variable] = str(THREADS)  # before the libraries are loaded

import argparse  # noqa: E402
import time  # noqa: E402
import warnings  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402

import cv2  # noqa: E402
import torch  # noqa: E402
import torchvision  # noqa: E402
import torchxrayvision as xrv  # noqa: E402
from measuring import machine, markdown, quartiles, radiographs, spread  # noqa: E402

from hilum.io import open_study  # noqa: E402
from hilum.reading import read  # noqa: E402

Run = Callable[[Path], tuple[float, float]]


def make_peer() -> Run:
    """TorchXRayVision: seconds for load and preprocess, and for the forward pass."""
    torch.manual_seed(0)
    model = xrv.models.DenseNet(weights=None).eval()
    crop = torchvision.transforms.Compose(
        [xrv.datasets.XRayCenterCrop(), xrv.datasets.XRayResizer(224)]
    )

    def run(file: Path) -> tuple[float, float]:
        started = time.perf_counter()
        image = torch.from_numpy(crop(xrv.utils.load_image(str(file))))
        prepared = time.perf_counter()
        with torch.inference_mode():
            model(image[None, ...])
        return prepared - started, time.perf_counter() - prepared

    return run


def run_hilum(file: Path) -> tuple[float, float]:
    """Hilum: seconds to open the study, and to read it."""
    started = time.perf_counter()
    study = open_study([file])
    opened = time.perf_counter()
    read(study)
    return opened - started, time.perf_counter() - opened


def is_read_through(file: Path) -> bool:
    """Whether Hilum walks its whole path; a refusal would make it look fast."""
    image = read(open_study([file])).radiographs[0]
    if not image.findings:
        print(f"left out: {file.name}, which the gate refused")
    return bool(image.findings)


def compare(files: list[Path], repeats: int, runs: dict[str, Run]) -> dict[str, list[list[float]]]:
    """Times of both parts by system; who goes first alternates."""
    times: dict[str, list[list[float]]] = {name: [[], [], []] for name in runs}
    names = list(runs)
    for file in files:  # warm up: file cache, memory pools, sessions
        for run in runs.values():
            run(file)
    for number in range(repeats):
        for file in files:
            for name in names if number % 2 else reversed(names):
                first, second = runs[name](file)
                for column, value in zip(times[name], (first, second, first + second), strict=True):
                    column.append(value)
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--files", type=int, default=12, help="JPEG files")
    arguments = parser.parse_args()
    torch.set_num_threads(THREADS)
    cv2.setNumThreads(THREADS)
    warnings.simplefilter("ignore")  # the peer warns about each MONOCHROME1 file
    runs: dict[str, Run] = {"Hilum": run_hilum, "TorchXRayVision": make_peer()}
    rows = []
    for kind, files in radiographs(arguments.files).items():
        files = [file for file in files if is_read_through(file)]
        times = compare(files, arguments.repeats, runs)
        pairs = zip(times["Hilum"][2], times["TorchXRayVision"][2], strict=True)
        ratios = [ours / theirs for ours, theirs in pairs]
        for name, columns in times.items():
            cells = [spread(column, scale=1000) for column in columns]
            ratio = spread(ratios, digits=2) if name == "Hilum" else "1"
            rows.append([f"{kind} ({len(files)})", name, *cells, ratio])
        print(f"{kind}: the Hilum reading takes {quartiles(ratios)[1]:.2f} of the peer's time")
    header = ["files", "system", "open, ms", "read, ms", "whole, ms", "ratio (paired)"]
    print(f"\nMedian (quartiles), {THREADS} threads, {arguments.repeats} interleaved repeats.\n")
    print(markdown(header, rows))
    print(
        "\nopen: decode (peer: with crop and resize); read: Hilum's gate, anatomy, findings and "
        "report, the peer's DenseNet121 forward with random weights.\n"
        + machine("hilum", "onnxruntime", "torch", "torchvision", "torchxrayvision", "pydicom")
    )


if __name__ == "__main__":
    main()
