"""The whole way: a study arrives by C-STORE, is read, opened, corrected and exported.

The real server with a real worker, a real DICOM peer and a real browser; nothing stands in.
Set ``HILUM_SCREENSHOTS`` to a folder to keep pictures of the pages (phantoms only), and
``HILUM_SCREENSHOT_NAME`` for a patient's name without mark-up in them.
"""

import io
import os
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pydicom
import pytest
from pydicom.uid import generate_uid
from pynetdicom import AE

from hilum.serve import audit
from hilum.serve.server import Running, start
from hilum.serve.settings import Settings
from hilum.serve.web.pages import Pages
from hilum.types import DISCLAIMER
from viewer_server import make_phantom

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NAME = os.environ.get("HILUM_SCREENSHOT_NAME", "PHANTOM^<b>ROOM</b>")


def make_studies(folder: Path) -> list[pydicom.Dataset]:
    """A patient without and, a month later, with an effusion."""
    made = []
    for month, finding in ((1, "cardiomegaly"), (2, "pleural_effusion:right:0.8")):
        (file,) = make_phantom(folder / str(month), "--seed", "5", "--finding", finding)
        dataset = pydicom.dcmread(file)
        dataset.PatientName, dataset.PatientID = NAME, "ROOM-1"
        dataset.StudyInstanceUID = generate_uid(entropy_srcs=["room", str(month)])
        dataset.SOPInstanceUID = generate_uid(entropy_srcs=["room image", str(month)])
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        for keyword in ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate"):
            setattr(dataset, keyword, f"2026{month:02d}01")
        made.append(dataset)
    return made


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    if not Pages().is_built:
        pytest.skip("needs the built viewer: make viewer")
    settings = Settings(
        data=tmp_path_factory.mktemp("room"),
        port=0,
        dicom_port=0,
        completion_seconds=1,
        min_free_mb=1,
    )
    with start(settings) as started:
        yield started


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    context = browser.new_context(
        viewport={"width": 1366, "height": 768}, locale="en-GB", accept_downloads=True
    )
    opened = context.new_page()
    opened.set_default_timeout(120_000)
    yield opened
    context.close()


def keep_picture(page: Any, name: str) -> None:
    folder = os.environ.get("HILUM_SCREENSHOTS")
    if folder:
        page.screenshot(path=str(Path(folder) / f"{name}.jpg"), type="jpeg", quality=80)


def send(port: int, dataset: pydicom.Dataset) -> None:
    entity = AE(ae_title="MODALITY")
    entity.add_requested_context(dataset.SOPClassUID, dataset.file_meta.TransferSyntaxUID)
    association = entity.associate("127.0.0.1", port, ae_title="HILUM")
    assert association.send_c_store(dataset).Status == 0
    association.release()


def test_from_the_modality_to_the_export(running: Running, page: Any, tmp_path: Path) -> None:
    assert running.dicom_port is not None
    page.goto(running.url)
    earlier, later = make_studies(tmp_path)
    send(running.dicom_port, earlier)
    page.locator("tbody .tag.read").first.wait_for()
    send(running.dicom_port, later)
    page.locator("tbody tr:nth-child(2) .tag.read").wait_for()
    page.locator("tbody tr:nth-child(1) .tag.read").wait_for()
    assert page.locator("tbody b").count() == 0  # the name is text
    assert page.locator(".disclaimer").inner_text() == DISCLAIMER
    keep_picture(page, "reading_room_worklist")

    items = httpx.get(f"{running.url}/api/v1/studies?sort=-study_date").json()["items"]
    study_id = items[0]["id"]
    page.locator(f"a[data-study='{study_id}']").click()
    page.wait_for_selector(".overlay:not(.empty) polygon.region", state="attached")
    assert page.locator(".pane:visible").count() == 2  # the prior beside the current
    sentence = page.locator(".sentence", has_text=re.compile("effusion", re.I)).first
    sentence.hover()
    page.locator("polygon.region.lit").first.wait_for()
    keep_picture(page, "reading_room_study")

    page.get_by_role("button", name=re.compile("^Agree: Pleural effusion")).click()
    page.locator(".judgements li", has_text="agreed").wait_for()
    page.locator(".sentence").first.click()
    page.locator(".sentences textarea").fill("Mine alone.")
    page.locator(".sentences textarea").press("Enter")
    page.get_by_role("button", name="Save report").click()
    page.locator(".judgements li", has_text="report edited").wait_for()
    keep_picture(page, "reading_room_corrected")

    root = f"{running.url}/api/v1/studies/{study_id}"
    said = httpx.get(f"{root}/feedback").json()
    assert {item["kind"] for item in said} == {"agree", "report"}
    assert {item["user"] for item in said} == {"local"}
    packed = httpx.get(f"{root}/objects.zip").content
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        kinds = {
            pydicom.dcmread(io.BytesIO(archive.read(name))).Modality
            for name in archive.namelist()
            if name.endswith(".dcm")
        }
    assert {"SR", "SEG"} <= kinds
    assert httpx.get(f"{root}/fhir").json()["resourceType"] == "Bundle"
    actions = {row.action for row in audit.read_entries(running.service, limit=500)}
    assert {"view study", "give feedback", "export reading"} <= actions
    assert audit.verify(running.service).broken_at is None
