"""Audit of the shipped findings and anatomy models on real radiographs; writes docs/audit.md.

    python benchmarks/audit_shipped.py [--data ../shared/data] [--workers 2]

Readings are kept in runs/, by the models' hashes, so that the page can be written again without
reading.
"""

from __future__ import annotations

import argparse
import hashlib
import pickle
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from audit_page import write_page
from audit_reading import (
    Case,
    Row,
    cases_of,
    read_anatomy,
    read_case,
    read_stressed,
)

from hilum.evaluate import hash_array
from hilum.models import find_model
from hilum.reading import DEFAULT_MODELS

KEPT = Path("runs")
STRESSED = {"nih": 28, "kermany": 16}


def _spread(cases: list[Case], count: int) -> list[Case]:
    """Cases evenly over both labels, one a patient while there are enough."""
    by_label: dict[float, list[Case]] = {}
    seen: set[str] = set()
    for case in cases:
        if case.patient not in seen:
            seen.add(case.patient)
            by_label.setdefault(case.truth["pneumonia"], []).append(case)
    half = count // len(by_label)
    return [c for own in by_label.values() for c in own[:: max(1, len(own) // half)][:half]]


def _models_sha256() -> str:
    """One hash of weights and manifests: a new calibration is another model."""
    files = [find_model(name).path for name in DEFAULT_MODELS.values()]
    return hash_array([hashlib.sha256(file.read_bytes()).hexdigest() for file in files])


def read_all(data: Path, workers: int) -> dict[str, list[Row]]:
    cases = cases_of(data)
    sample = [c for name, count in STRESSED.items() for c in _spread(cases[name], count)]
    whole = [c for name in ("nih", "kermany", "covid") for c in cases[name]]
    jobs = (
        ("clean", read_case, whole),
        ("stressed", read_stressed, sample),
        ("anatomy", read_anatomy, cases["anatomy"]),
    )
    kept_in = KEPT / f"audit_{_models_sha256()[:12]}"
    kept_in.mkdir(parents=True, exist_ok=True)
    rows: dict[str, list[Row]] = {}
    with ProcessPoolExecutor(workers) as pool:
        for name, work, some in jobs:
            kept = kept_in / f"{name}.pickle"
            if not kept.exists():
                start = time.perf_counter()
                kept.write_bytes(pickle.dumps(list(pool.map(work, some, chunksize=2))))
                print(f"{name}: {len(some)} cases, {time.perf_counter() - start:.0f} s", flush=True)
            rows[name] = pickle.loads(kept.read_bytes())
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--page", type=Path, default=Path("docs/audit.md"))
    asked = parser.parse_args()
    write_page(read_all(asked.data, asked.workers), asked.page)


if __name__ == "__main__":
    main()
