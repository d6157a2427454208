"""Batch: files a second with one and with two workers.

    python benchmarks/batch_scaling.py [--files 60] [--repeats 3]

Rates are between the first and the last finished file, so the start of the workers, which
a long batch does not notice, is left out; it is printed beside them.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

from measuring import machine, markdown, quartiles, radiographs, spread

from hilum.scale import BatchOptions, read_batch
from hilum.scale.batch import BatchProgress

SETUPS = {
    "1 worker, 1 thread": (1, "1"),
    "1 worker, 2 threads": (1, "2"),
    "2 workers, 1 thread each": (2, "1"),
}


def measure(manifest: Path, workers: int, threads: str) -> tuple[float, float]:
    """Steady rate in files a second, and seconds until the first file was done."""
    stamps: list[tuple[int, float]] = []

    def note(progress: BatchProgress) -> None:
        stamps.append((progress.done, time.perf_counter()))

    os.environ["HILUM_THREADS"] = threads
    with tempfile.TemporaryDirectory() as folder:
        summary = read_batch(
            manifest,
            Path(folder) / "readings.parquet",
            workers=workers,
            options=BatchOptions(resume=False),
            on_progress=note,
        )
    if summary.failed:
        raise SystemExit(f"{summary.failed} of {summary.files} files failed; rates mean nothing")
    (_, begun), (first, first_at), (last, last_at) = stamps[0], stamps[1], stamps[-1]
    return (last - first) / (last_at - first_at), first_at - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    files = [file for group in radiographs(arguments.files).values() for file in group]
    rates: dict[str, list[float]] = {name: [] for name in SETUPS}
    starts: dict[str, list[float]] = {name: [] for name in SETUPS}
    with tempfile.TemporaryDirectory() as folder:
        manifest = Path(folder) / "list.txt"
        manifest.write_text("\n".join(str(file.resolve()) for file in files))
        for _ in range(arguments.repeats):  # interleaved: a slow minute hits all alike
            for name, (workers, threads) in SETUPS.items():
                rate, start = measure(manifest, workers, threads)
                rates[name].append(rate)
                starts[name].append(start)
    base = quartiles(next(iter(rates.values())))[1]
    rows = [
        [
            name,
            spread(rates[name], digits=2),
            f"{quartiles(rates[name])[1] / base:.2f}",
            spread(starts[name], digits=1),
        ]
        for name in SETUPS
    ]
    header = ["setup", "files/s: median (quartiles)", "ratio", "s to the first row"]
    print(f"`hilum batch` over {len(files)} files.\n\n{markdown(header, rows)}")
    print(f"\n{arguments.repeats} interleaved repeats; {machine('hilum', 'onnxruntime')}")


if __name__ == "__main__":
    main()
