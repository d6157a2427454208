"""The first image: milliseconds from the click on a worklist's row until the radiograph is seen.

    python benchmarks/first_image.py [--runs 5] [--size 2500] [--dist BUILD ...]

A phantom's study is on a real server on loopback, and Chromium, a fresh profile for each run,
has the worklist open and points at the row. *cold* is the first study of the profile, *warm*
the next time the page is loaded in it. Several builds of the viewer take turns, so that what
else the machine does falls on each alike. Needs the built viewer and Debian's Chromium.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pydicom

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from playwright.sync_api import sync_playwright

import hilum
from hilum.serve.web.app import create_app
from hilum.serve.web.pages import Pages
from serve_web import add_study, make_service, running, store_reading
from viewer_server import CHROMIUM_ARGUMENTS, make_phantom

WATCH = """async selector => {
  const row = document.querySelector(selector);
  const start = performance.now();
  row.click();
  while (!document.querySelector('.pane .overlay:not(.empty)'))
    await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame); // then it is on the screen
  return performance.now() - start;
}"""


def make_image(folder: Path, size: int) -> bytes:
    """A phantom's DICOM file with its longer side enlarged to ``size`` pixels."""
    (file,) = make_phantom(folder, "--seed", "5", "--finding", "pleural_effusion:right:0.8")
    dataset = pydicom.dcmread(file)
    pixels = dataset.pixel_array
    factor = size / max(pixels.shape)
    pixels = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.PixelData = np.ascontiguousarray(pixels).tobytes()
    for keyword in ("PixelSpacing", "ImagerPixelSpacing"):
        if keyword in dataset:
            setattr(dataset, keyword, [float(v) / factor for v in dataset[keyword].value])
    target = io.BytesIO()
    pydicom.dcmwrite(target, dataset, enforce_file_format=True)
    return target.getvalue()


def open_row(page: Any, url: str, pause: float) -> float:
    page.goto(url)
    page.wait_for_selector("tbody a[data-study]")
    page.hover("tbody a[data-study]")
    time.sleep(pause)
    return float(page.evaluate(WATCH, "tbody a[data-study]"))


def measure(playwright: Any, url: str, pause: float) -> tuple[float, float]:
    """Milliseconds of a cold and a warm run in a profile of their own."""
    chromium = os.environ.get("HILUM_CHROMIUM") or shutil.which("chromium")
    with tempfile.TemporaryDirectory() as profile:
        context = playwright.chromium.launch_persistent_context(
            profile, executable_path=chromium, args=[*CHROMIUM_ARGUMENTS]
        )
        page = context.new_page()
        cold = open_row(page, url, pause)
        page.goto("about:blank")
        warm = open_row(page, url, pause)
        context.close()
    return cold, warm


def main() -> None:
    parser = argparse.ArgumentParser(description="Time the first image of the reading room.")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--size", type=int, default=2500, help="longer side in pixels")
    parser.add_argument("--pause", type=float, default=2.0, help="seconds on the worklist first")
    parser.add_argument("--dist", type=Path, nargs="*", default=[Pages().folder])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        file = folder / "image.dcm"
        file.write_bytes(make_image(folder / "phantom", options.size))
        service = make_service(folder / "data", requests_per_minute=10**7)
        study_id = add_study(service, file.read_bytes())
        store_reading(service, study_id, hilum.read(hilum.open_study([file])))
        urls = {
            dist: stack.enter_context(running(create_app(service, pages=Pages(dist))))
            for dist in options.dist
        }
        times: dict[Path, list[tuple[float, float]]] = {dist: [] for dist in urls}
        playwright = stack.enter_context(sync_playwright())
        loads = []
        for _ in range(options.runs):
            for dist, url in urls.items():
                times[dist].append(measure(playwright, url, options.pause))
                loads.append(os.getloadavg()[0])
        print(
            f"{file.stat().st_size / 1e6:.1f} MB, {options.runs} runs, {os.cpu_count()} cores, "
            f"load {min(loads):.1f} to {max(loads):.1f}"
        )
    for dist, values in times.items():
        for what, column in zip(("cold", "warm"), zip(*values, strict=True), strict=True):
            shown = " ".join(f"{value:.0f}" for value in column)
            print(f"{dist.name:12s} {what} median {statistics.median(column):5.0f} ms  ({shown})")


if __name__ == "__main__":
    main()
