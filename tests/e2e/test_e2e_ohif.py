"""OHIF on another origin shows a study that Hilum read: image, segmentation, structured report.

The real server with a real worker, the npm package ``@ohif/app`` as it is, a real browser. Set
``HILUM_SCREENSHOTS`` to a folder to keep a picture (phantoms only).
"""

import io
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pydicom
import pytest
from PIL import Image

from hilum.serve.server import Running, start
from hilum.serve.settings import Settings
from ohif_server import OhifServer, find_ohif
from viewer_server import make_phantom

pytestmark = [pytest.mark.browser, pytest.mark.slow]

QUIET = """
localStorage.setItem('shownTours', '["basicViewerTour"]');
sessionStorage.setItem('investigationalUseDialog', 'hidden');
"""


@pytest.fixture(scope="module")
def viewer() -> Iterator[OhifServer]:
    with OhifServer(find_ohif()) as started:
        yield started


@pytest.fixture(scope="module")
def running(
    viewer: OhifServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Running, dict[str, Any]]]:
    """A server with one phantom that was read, and its reading."""
    folder = tmp_path_factory.mktemp("ohif")
    options = ("--seed", "5", "--finding", "pleural_effusion:right:0.8")
    (file,) = make_phantom(folder / "phantom", *options)
    dataset = pydicom.dcmread(file)
    dataset.PatientName, dataset.PatientID = "PHANTOM^OHIF", "OHIF-1"
    # this phantom's pixels are not square, which OHIF 3.13.2 takes the wrong way round in reports
    del dataset.ImagerPixelSpacing
    dataset.save_as(file)
    settings = Settings(
        data=folder / "data",
        port=0,
        completion_seconds=1,
        min_free_mb=1,
        viewer_origins=(viewer.url,),
    )
    with start(settings) as started:
        viewer.dicomweb = f"{started.url}/dicom-web"
        api = f"{started.url}/api/v1/studies"
        study = httpx.post(api, files={"files": file.read_bytes()}, timeout=60).json()["id"]
        limit = time.monotonic() + 600
        while (state := httpx.get(f"{api}/{study}", timeout=60).json()["state"]) != "read":
            assert state not in ("failed", "refused")
            assert time.monotonic() < limit
            time.sleep(1)
        yield started, httpx.get(f"{api}/{study}/reading", timeout=60).json()


@pytest.fixture(scope="module")
def page(running: Any, browser: Any) -> Iterator[Any]:
    del running  # nothing is opened before there is something to see
    opened = browser.new_page(viewport={"width": 1600, "height": 900})
    opened.set_default_timeout(240_000)
    opened.add_init_script(QUIET)
    yield opened
    opened.close()


def take_picture(page: Any) -> np.ndarray:
    """The viewport as ``(rows, columns, 3)``, 0 to 255."""
    data = page.locator("[data-cy=viewport-grid]").screenshot()
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), np.int16)


def wait_for_picture(page: Any, is_as_wanted: Any) -> np.ndarray:
    limit = time.monotonic() + 240
    while not is_as_wanted(picture := take_picture(page)):
        assert time.monotonic() < limit, "the viewport does not show what it should"
        page.wait_for_timeout(1000)
    return picture


def is_grey_image(picture: np.ndarray) -> bool:
    """A radiograph: a good part of it neither black nor white, and none of that coloured."""
    grey = picture[np.ptp(picture, axis=-1) <= 8].mean(axis=-1)
    share = np.mean((grey > 30) & (grey < 225)) * len(grey) / picture[..., 0].size
    return bool(share > 0.15)


def is_coloured(picture: np.ndarray) -> bool:
    return bool(np.mean(np.ptp(picture, axis=-1) > 40) > 0.08)


def is_shown(page: Any, x: float, y: float) -> bool:
    """Whether a point is labelled with this place, to one pixel."""
    labels = re.findall(r"\((\d+), (\d+), 0\)", page.inner_text("[data-cy=viewport-grid]"))
    return any(abs(int(a) - x) <= 1 and abs(int(b) - y) <= 1 for a, b in labels)


def test_the_study_list_shows_the_study(viewer: OhifServer, page: Any) -> None:
    page.goto(viewer.url)
    page.get_by_text("OHIF-1", exact=True).wait_for()
    text = page.inner_text("body")
    assert "PHANTOM, OHIF" in text.upper()
    assert "SEG" in text
    assert "SR" in text


def test_image_segmentation_and_report(
    viewer: OhifServer, running: tuple[Running, dict[str, Any]], page: Any
) -> None:
    server, reading = running
    (found,) = httpx.get(f"{server.url}/dicom-web/studies", timeout=60).json()
    page.goto(f"{viewer.url}/viewer?StudyInstanceUIDs={found['0020000D']['Value'][0]}")
    page.get_by_text("Hilum masks").wait_for()
    assert not is_coloured(wait_for_picture(page, is_grey_image))

    page.get_by_text("Hilum masks").dblclick()
    page.get_by_text("Yes", exact=True).click()
    wait_for_picture(page, is_coloured)
    page.locator("[data-cy=side-panel-header-right]").click()
    page.get_by_text("Right lung", exact=True).wait_for()
    names = page.locator("[data-cy=data-row-title]").all_inner_texts()
    assert {"Left lung", "Right lung", "Heart and mediastinum"} <= set(names)

    page.get_by_text("Hilum draft reading").dblclick()
    page.get_by_text("Yes", exact=True).click()
    (image,) = reading["radiographs"]
    landmarks = image["landmarks"]
    assert landmarks
    # each landmark is a point of the report, shown with its place in the image
    limit = time.monotonic() + 240
    while not all(is_shown(page, x, y) for x, y in landmarks.values()):
        assert time.monotonic() < limit, "a landmark of the report is not where it should be"
        page.wait_for_timeout(1000)
    if folder := os.environ.get("HILUM_SCREENSHOTS"):
        page.wait_for_timeout(3000)
        page.screenshot(path=str(Path(folder) / "ohif.png"))
