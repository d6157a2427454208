"""The cases: number and seed name a file, always the same one; and how one case is judged."""

from __future__ import annotations

import os
import time
import traceback
from pathlib import Path
from typing import NamedTuple

import numpy as np
from byte_mutations import BYTE_MUTATIONS, ELEMENT_MUTATIONS
from dataset_mutations import mutate_dataset
from dicom_seeds import load_seeds
from dicom_targets import Targets
from pixel_mutations import make_bomb, make_flood, mutate_pixels

__all__ = ["MAX_CPU_SECONDS", "MAX_MEMORY_MB", "Verdict", "judge", "make_case"]

MAX_MEMORY_MB = 1024
"""Resident memory that one file may take at its peak, above what the process held before."""
MAX_CPU_SECONDS = 20.0
PHANTOM_SHARE = 0.5
BOMB_SHARE = 0.002
FLOOD_SHARE = 0.002


class Verdict(NamedTuple):
    """What became of a case; ``defect`` is "" where all is well."""

    number: int
    name: str
    size: int
    outcomes: dict[str, str]
    cpu_seconds: float
    memory_mb: float
    defect: str
    trace: str


def make_case(seed: int, number: int) -> tuple[str, bytes]:
    """The file of a case and how it was made."""
    rng = np.random.default_rng([seed, number])
    chance = rng.random()
    if chance < BOMB_SHARE:
        return "bomb", make_bomb(rng)
    if chance < BOMB_SHARE + FLOOD_SHARE:
        return "flood", make_flood(rng)
    seeds = load_seeds()
    phantoms = sum(item.name.startswith("phantom") for item in seeds)
    is_phantom = rng.random() < PHANTOM_SHARE
    index = rng.integers(0, phantoms) if is_phantom else rng.integers(phantoms, len(seeds))
    chosen = seeds[int(index)]
    raw, names = chosen.data, [chosen.name]
    if rng.random() < 0.45:
        raw = mutate_dataset(rng, raw)
        names.append("dataset")
    data = bytearray(raw)
    for _ in range(int(rng.choice([0, 1, 1, 2, 4])) if len(names) > 1 else int(rng.integers(1, 6))):
        kind = rng.random()
        if kind < 0.35:
            mutation = ELEMENT_MUTATIONS[int(rng.integers(0, len(ELEMENT_MUTATIONS)))]
        elif kind < 0.7:
            mutation = mutate_pixels
        else:
            mutation = BYTE_MUTATIONS[int(rng.integers(0, len(BYTE_MUTATIONS)))]
        if data:
            mutation(rng, data)
            names.append(mutation.__name__)
    return " + ".join(names), bytes(data)


def judge(targets: Targets, seed: int, number: int) -> tuple[Verdict, bytes]:
    """Run a case."""
    name, data = make_case(seed, number)
    before = reset_peak()
    began = time.process_time()
    outcomes: dict[str, str] = {}
    defect = trace = ""
    try:
        outcomes = targets.run(data, number)
    except Exception as error:
        trace = traceback.format_exc(limit=-6)
        defect = f"{type(error).__name__} in {place(error)}"
    seconds = time.process_time() - began
    memory = max(0.0, read_memory("VmHWM") - before)
    if not defect and memory > MAX_MEMORY_MB:
        defect = "too much memory"
    if not defect and seconds > MAX_CPU_SECONDS:
        defect = "too much time"
    return Verdict(number, name, len(data), outcomes, seconds, memory, defect, trace), data


def place(error: BaseException) -> str:
    """The innermost place in Hilum, by which defects are told apart."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if f"{os.sep}hilum{os.sep}" in frame.filename] or list(frames)
    return f"{Path(own[-1].filename).name}:{own[-1].name}"


def read_memory(key: str) -> float:
    """A field of /proc/self/status in MB; 0 where there is none (other systems)."""
    try:
        text = Path("/proc/self/status").read_text()
    except OSError:
        return 0.0
    return int(next(line for line in text.splitlines() if line.startswith(key)).split()[1]) / 1024


def reset_peak() -> float:
    """Forget the highest memory so far; what is held now, in MB."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return read_memory("VmHWM")
    return read_memory("VmRSS")
