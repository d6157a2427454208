"""A part of the fuzz with a fixed seed: every file is read or refused, in bounded memory.

The rest is ``fuzz_dicom.py``, which runs for as long as one likes. ``HILUM_FUZZ_CASES`` sets how
many cases are tried here.
"""

import os
from pathlib import Path

import numpy as np
import pytest
from dicom_elements import walk_elements
from dicom_seeds import load_seeds
from dicom_targets import open_targets
from fuzz_cases import MAX_MEMORY_MB, judge, make_case, read_memory, reset_peak
from pixel_mutations import make_bomb, make_flood

from hilum.errors import HilumError, ResourceLimitError
from hilum.serve.headers import read_instance_header

CASES = int(os.environ.get("HILUM_FUZZ_CASES", "300"))
SEED = 20261129

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.slow
def test_no_case_is_a_defect(tmp_path: Path) -> None:
    found = []
    words = set()
    with open_targets(tmp_path) as targets:
        for number in range(1, CASES + 1):
            verdict, _ = judge(targets, SEED, number)
            words |= set(verdict.outcomes.values())
            if verdict.defect:
                found.append(f"case {number}: {verdict.defect} ({verdict.name})\n{verdict.trace}")
    assert not found, "\n".join(found[:5])
    # files got through, and others were refused
    assert {"read", "listed", "stored"} <= words or CASES < 100


def test_a_case_is_always_the_same() -> None:
    assert make_case(1, 17) == make_case(1, 17)
    assert make_case(1, 17) != make_case(1, 18)


def test_the_seeds_are_sound_and_understood() -> None:
    seeds = [seed for seed in load_seeds() if seed.name.startswith("phantom")]
    assert len(seeds) == 10
    for seed in seeds:
        header = read_instance_header(seed.data)
        assert (header.modality, header.rows) == ("DX", 64), seed.name
        is_deflated = "Deflated" in seed.name
        assert (len(walk_elements(seed.data)) > 60) != is_deflated, seed.name


@pytest.mark.slow
@pytest.mark.parametrize("make", [make_bomb, make_flood])
@pytest.mark.parametrize("seed", range(8))
def test_bombs_and_floods_take_bounded_memory(make: object, seed: int) -> None:
    data = make(np.random.default_rng(seed))  # type: ignore[operator]
    before = reset_peak()
    with pytest.raises(HilumError):
        read_instance_header(data)
    assert read_memory("VmHWM") - before < MAX_MEMORY_MB


def test_a_million_character_sets_are_not_looked_up() -> None:
    names = b"1\\" * 1_000_000
    meta = b"\x02\x00\x10\x00UI\x14\x001.2.840.10008.1.2.1\0"
    element = b"\x08\x00\x05\x00UT\0\0" + len(names).to_bytes(4, "little") + names
    with pytest.raises(ResourceLimitError, match="more elements"):
        read_instance_header(bytes(128) + b"DICM" + meta + element)
