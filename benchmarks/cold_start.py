"""Cold start: ``hilum read`` of one file in a new process, wall time and peak memory.

    python benchmarks/cold_start.py [--repeats 7]

The file cache is warm after the first run, which is reported on its own.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measuring import demo_image, machine, markdown, radiographs, spread


def measure(file: Path) -> tuple[float, float]:
    """Wall time in seconds and peak resident memory in MB of one ``hilum read``."""
    hilum = Path(sys.executable).with_name("hilum")
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        process = subprocess.Popen(
            [str(hilum), "read", str(file), "--out", folder],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        assert process.stderr is not None
        message = process.stderr.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"hilum read {file.name} ended with {process.returncode}: {message}")
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB on Linux
    return seconds, usage.ru_maxrss * unit / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    files = [demo_image(), *(file for group in radiographs(1).values() for file in group)]
    rows = []
    for file in dict.fromkeys(files):
        first, *rest = (measure(file) for _ in range(arguments.repeats + 1))
        seconds, memory = zip(*rest, strict=True)
        peak = max(first[1], *memory)
        rows.append([file.name, f"{first[0]:.2f}", spread(seconds, digits=2), f"{peak:.0f}"])
    print("Cold `hilum read` of one file, every output written.\n")
    print(markdown(["file", "first run, s", "then, s: median (quartiles)", "peak MB"], rows))
    print(f"\n{arguments.repeats} repeats; {machine('hilum', 'onnxruntime')}")


if __name__ == "__main__":
    main()
