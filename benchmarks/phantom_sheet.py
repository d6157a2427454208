"""A contact sheet of 24 phantoms for the documentation; how long each took is printed.

    python benchmarks/phantom_sheet.py OUT.jpg

Two plain ones, then one a finding or device, over sexes, ages, builds and views.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

import cv2
import numpy as np

from hilum.synth import DeviceSpec, FindingSpec, PhantomSpec, render, sample_spec
from hilum.synth.files.dataset import lateral_spec
from hilum.types import View

CASES: tuple[tuple[str, str, float, str], ...] = (
    ("", "", 0.0, ""),
    ("", "", 0.0, "lateral"),
    ("pleural_effusion", "right", 0.35, ""),
    ("pleural_effusion", "left", 0.9, ""),
    ("pneumothorax", "left", 0.5, ""),
    ("pneumothorax", "right", 0.9, "tension"),
    ("consolidation", "right", 0.8, "upper_lobe"),
    ("consolidation", "left", 0.8, "lower_lobe"),
    ("ground_glass_opacity", "bilateral", 0.7, ""),
    ("infiltration", "bilateral", 0.7, ""),
    ("nodule", "right", 0.6, ""),
    ("mass", "left", 0.8, ""),
    ("atelectasis", "right", 0.7, ""),
    ("edema", "bilateral", 0.8, ""),
    ("cardiomegaly", "", 0.7, ""),
    ("emphysema", "bilateral", 0.9, ""),
    ("fibrosis", "bilateral", 0.8, ""),
    ("hiatal_hernia", "", 0.8, ""),
    ("scoliosis", "right", 0.8, ""),
    ("pneumoperitoneum", "", 0.7, ""),
    ("", "", 0.0, "endotracheal_tube nasogastric_tube central_venous_line ecg_leads"),
    ("", "", 0.0, "pacemaker sternotomy_wires"),
    ("", "", 0.0, "port_catheter chest_tube"),
    ("", "", 0.0, "supine"),
)
LOBES = ("upper_lobe", "lower_lobe")


def make_spec(number: int) -> PhantomSpec:
    """The spec of a case: a sampled patient, the case's findings and devices."""
    name, side, extent, extra = CASES[number]
    spec = sample_spec(np.random.default_rng(100 + number), prob_child=0.08)
    findings: tuple[FindingSpec, ...] = ()
    devices: tuple[DeviceSpec, ...] = ()
    if name:
        kind, place = (extra, "") if extra == "tension" else ("", extra if extra in LOBES else "")
        size = {"nodule": 24.0, "mass": 48.0}.get(name, 0.0)
        finding = FindingSpec(name, side, place, extent, size, kind, seed=number)
        findings = (finding,)
    elif extra and extra not in ("lateral", "supine"):
        devices = tuple(DeviceSpec(device, "right", seed=number) for device in extra.split())
    spec = replace(spec, findings=findings, devices=devices)
    if extra == "lateral":
        return lateral_spec(replace(spec, imaging=replace(spec.imaging, source_mm=1800.0)))
    if extra == "supine":
        lying = replace(spec.imaging, view=View.AP, is_supine=True, source_mm=1100.0)
        return replace(spec, imaging=lying)
    return spec


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out")
    out = parser.parse_args().out
    tiles, seconds = [], []
    for number, case in enumerate(CASES):
        spec = make_spec(number)
        started = time.perf_counter()
        image = render(spec)
        seconds.append(time.perf_counter() - started)
        tile = cv2.resize((image.radiograph.pixels * 255).astype(np.uint8), (256, 256))
        text = f"{spec.imaging.view} {case[0] or case[3] or 'healthy'} {case[1]}".replace("_", " ")
        cv2.putText(tile, text[:38], (4, 250), cv2.FONT_HERSHEY_SIMPLEX, 0.36, 255, 1, cv2.LINE_AA)
        tiles.append(tile)
    rows = [np.hstack(tiles[k : k + 6]) for k in range(0, 24, 6)]
    cv2.imwrite(out, np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, 88])
    print(f"{len(seconds)} studies with all truth, 512 x 512: median {np.median(seconds):.2f} s")


if __name__ == "__main__":
    main()
