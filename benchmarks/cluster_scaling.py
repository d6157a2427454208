"""Cluster: files a second of Ray beside the local pool, with one and with two workers.

    python benchmarks/cluster_scaling.py [--files 120] [--repeats 3]

Both read the same files with one thread a worker. Ray hands over rows by the block, so a rate
since the first row would leave out a whole block of its files, the loading of the models
among them, but one file of the pool's. Both are counted from the end of the block in which
row ``WARM`` came. Seconds from the call to the first row and to the table stand beside it.
Nothing else may run on the machine: the rates of a busy one mean nothing.
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

WARM = 20
LUMP_SECONDS = 0.05
"""Rows that come within this time came together."""

SETUPS = {
    f"{name}, {workers} worker{'s' if workers > 1 else ''}": (cluster, workers)
    for workers in (1, 2)
    for name, cluster in (("local pool", None), ("Ray", "local"))
}


def measure(manifest: Path, cluster: str | None, workers: int) -> tuple[float, float, float]:
    """Steady rate in files a second; seconds from the call to the first row, and in all."""
    stamps: list[tuple[int, float]] = []

    def note(progress: BatchProgress) -> None:
        stamps.append((progress.done, time.perf_counter()))

    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        summary = read_batch(
            manifest,
            Path(folder) / "readings.parquet",
            workers=workers,
            options=BatchOptions(cluster=cluster, resume=False),
            on_progress=note,
        )
    total = time.perf_counter() - begun
    if summary.failed:
        raise SystemExit(f"{summary.failed} of {summary.files} files failed; rates mean nothing")
    at = WARM
    while stamps[at + 1][1] - stamps[at][1] < LUMP_SECONDS:
        at += 1
    (first, first_at), (last, last_at) = stamps[at], stamps[-1]
    return (last - first) / (last_at - first_at), stamps[1][1] - begun, total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=120)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    os.environ["HILUM_THREADS"] = "1"
    load = os.getloadavg()[0]
    files = [file for group in radiographs(arguments.files).values() for file in group]
    rates: dict[str, list[float]] = {name: [] for name in SETUPS}
    starts: dict[str, list[float]] = {name: [] for name in SETUPS}
    totals: dict[str, list[float]] = {name: [] for name in SETUPS}
    with tempfile.TemporaryDirectory() as folder:
        manifest = Path(folder) / "list.txt"
        manifest.write_text("\n".join(str(file.resolve()) for file in files))
        for _ in range(arguments.repeats):  # interleaved: a slow minute hits all alike
            for name, (cluster, workers) in SETUPS.items():
                rate, start, total = measure(manifest, cluster, workers)
                rates[name].append(rate)
                starts[name].append(start)
                totals[name].append(total)
    medians = {name: quartiles(values)[1] for name, values in rates.items()}
    rows = []
    for name, (_, workers) in SETUPS.items():
        pool = next(n for n, setup in SETUPS.items() if setup == (None, workers))
        one = next(n for n, setup in SETUPS.items() if setup == (SETUPS[name][0], 1))
        rows.append(
            [
                name,
                spread(rates[name], digits=2),
                f"{medians[name] / medians[pool]:.2f}",
                f"{medians[name] / medians[one]:.2f}",
                spread(starts[name], digits=1),
                spread(totals[name], digits=1),
            ]
        )
    header = ["setup", "files/s: median (quartiles)", "to local pool", "to 1 worker"]
    header += ["s to the first row", "s in all"]
    print(f"`hilum batch` over {len(files)} files.\n\n{markdown(header, rows)}")
    versions = machine("hilum", "onnxruntime", "ray")
    print(f"\n{arguments.repeats} interleaved repeats; load at the start {load:.1f}; {versions}")


if __name__ == "__main__":
    main()
