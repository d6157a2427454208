"""A server without workers for tests of the HTTP API: studies and readings as constructed."""

from __future__ import annotations

import contextlib
import io
import socket
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import uvicorn
from fastapi import FastAPI
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from hilum.export import reading_to_dict, write_reading
from hilum.export.masks import list_masks, name_mask
from hilum.serve import intake, jobs
from hilum.serve.database.tables import ReadingRow, StudyRow, StudyState, now
from hilum.serve.heatmaps import write_heatmaps
from hilum.serve.reader_files import reading_folder
from hilum.serve.service import Service, open_service
from hilum.serve.settings import Settings
from hilum.serve.web.app import create_app
from hilum.types import Reading
from readings import make_reading

with warnings.catch_warnings():
    # Starlette would rather have a successor of httpx, which is not out yet
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

DIGITAL_XRAY = "1.2.840.10008.5.1.4.1.1.1.1"
BASE = "http://127.0.0.1"


def make_service(folder: Path, **settings: Any) -> Service:
    """A service in a folder, its queue's tables made."""
    service = open_service(Settings(data=folder, workers=0, min_free_mb=1, **settings))
    jobs.prepare(service)
    return service


def make_client(service: Service, token: str = "", **options: Any) -> TestClient:
    """A client of the application; errors of the server are its answers, not exceptions."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    app = create_app(service, **options)
    return TestClient(app, BASE, raise_server_exceptions=False, headers=headers)


def make_dicom(name: str = "PHANTOM^ONE", seed: int = 0, **elements: Any) -> bytes:
    """A small DX image; ``elements`` by keyword replace what it says."""
    dataset = Dataset()
    values: Mapping[str, Any] = {
        "SOPClassUID": DIGITAL_XRAY,
        "SOPInstanceUID": generate_uid(entropy_srcs=["instance", str(seed)]),
        "StudyInstanceUID": generate_uid(entropy_srcs=["study", str(seed)]),
        "SeriesInstanceUID": generate_uid(entropy_srcs=["series", str(seed)]),
        "PatientName": name,
        "PatientID": f"PID-{seed:05d}",
        "PatientBirthDate": "19610203",
        "PatientSex": "F",
        "AccessionNumber": f"ACC{seed:05d}",
        "StudyDate": "20260102",
        "StudyTime": "101500",
        "StudyDescription": "Chest PA",
        "Modality": "DX",
        "ViewPosition": "PA",
        "BodyPartExamined": "CHEST",
        "Rows": 64,
        "Columns": 48,
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 12,
        "HighBit": 11,
        "PixelRepresentation": 0,
        **elements,
    }
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    pixels = np.random.default_rng(seed).integers(0, 4096, (64, 48), dtype=np.uint16)
    dataset.PixelData = pixels.tobytes()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = DIGITAL_XRAY
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    target = io.BytesIO()
    pydicom.dcmwrite(target, dataset, enforce_file_format=True)
    return target.getvalue()


def add_study(service: Service, data: bytes | None = None) -> str:
    """A study that waits to be read; its id."""
    files = [data if data is not None else make_dicom()]
    return intake.receive_files(service, files, source="http:test")[0]


def store_reading(service: Service, study_id: str, reading: Reading | None = None) -> Reading:
    """Store a reading of the study as a worker does, without reading anything."""
    reading = reading or make_reading()
    masks = {(number, name): name_mask(number, name) for number, name, _ in list_masks(reading)}
    with service.begin() as session:
        study = session.get(StudyRow, study_id)
        assert study is not None
        folder = reading_folder(service, study_id, study.revision)
        write_reading(reading, folder)
        write_heatmaps(reading, folder)
        session.add(
            ReadingRow(
                study_id=study_id,
                revision=study.revision,
                hilum_version="0",
                document=reading_to_dict(reading, mask_paths=masks),
                seconds=1.5,
            )
        )
        study.state, study.read_at = StudyState.READ, now()
        study.findings = [
            {"name": f.name, "status": f.status.value, "probability": f.probability}
            for image in reading.radiographs
            for f in image.findings
            if f.status.value in ("present", "uncertain")
        ]
    return reading


@contextlib.contextmanager
def running(app: FastAPI) -> Iterator[str]:
    """The application behind a real socket; its address."""
    config = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=5
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            while not server.started and thread.is_alive():
                time.sleep(0.01)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            app.state.stopping.set()
            server.should_exit = True
            thread.join()
