"""Where fuzzed files go: the reading's input, the server's intake, and what the server shows.

Each target takes a file and answers with a word on what became of it. Whatever is no clean
result and no ``HilumError`` is raised: it is a defect.
"""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from dicom_seeds import SECRET

import hilum
from hilum.errors import HilumError
from hilum.quality.gate import check_declared, check_image
from hilum.serve.dicomweb.frames import read_dataset, read_frames
from hilum.serve.dicomweb.rendering import PICTURE_TYPES, Look, render
from hilum.serve.dicomweb.server import dicomweb_router
from hilum.serve.dicomweb.storing import store_instances
from hilum.serve.intake import receive_files, receive_instance
from hilum.serve.service import Service
from hilum.types import Radiograph
from serve_web import make_client, make_service

__all__ = ["Targets", "open_targets"]

RENEW_CASES = 400
"""Cases after which the server gets a new data folder."""


class Targets:
    """A folder for files and a server without workers."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._uses = 0
        self._service: Service | None = None
        self._client: Any = None

    def run(self, data: bytes, number: int) -> dict[str, str]:
        """Every target that is due for the case of this number."""
        due: list[tuple[str, Callable[[bytes], str]]] = [
            ("open", self.open_study),
            ("intake", self.take_in),
        ]
        if number % 7 == 0:
            due.append(("submit", self.submit))
        if number % 11 == 0:
            due.append(("routes", self.call_routes))
        if number % 151 == 0:
            due.append(("read", self.read))
        found = {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for name, target in due:
                found[name] = try_target(target, data)
            if number % 3 == 0 and found["intake"] in ("stored", "duplicate", "replaced"):
                found["show"] = try_target(self.show, data)
        return found

    def _path(self, data: bytes) -> Path:
        path = self._folder / "case.dcm"
        path.write_bytes(data)
        return path

    def open_study(self, data: bytes) -> str:
        study = hilum.open_study([self._path(data)])
        for image in study.radiographs:
            check_radiograph(image)
            check_declared(image) or check_image(image)
        reasons = " ".join(item.reason for item in study.unreadable)
        if SECRET in reasons:
            raise AssertionError("a reason repeats what names the patient")
        if study.radiographs:
            return "read"
        if not study.unreadable:
            raise AssertionError("a file was neither read nor listed as unreadable")
        return "listed"

    def read(self, data: bytes) -> str:
        reading = hilum.read(hilum.open_study([self._path(data)]))
        return "readable" if reading.is_readable else "refused"

    def _open_service(self) -> Service:
        if self._service is None or self._uses >= RENEW_CASES:
            self.close()
            self._uses = 0
            self._service = make_service(
                self._folder / "data", dicom_port=-1, requests_per_minute=10**9
            )
            self._client = make_client(self._service, routers=(dicomweb_router(self._service),))
        self._uses += 1
        return self._service

    def take_in(self, data: bytes) -> str:
        return receive_instance(self._open_service(), data, source="dicom:FUZZ").outcome

    def submit(self, data: bytes) -> str:
        receive_files(self._open_service(), [data], source="http:fuzz")
        status, _ = store_instances(self._open_service(), [data], source="http:fuzz")
        return f"stow {status}"

    def show(self, data: bytes) -> str:
        found = []
        for action in (
            lambda held: render(held, PICTURE_TYPES[0], Look()),
            lambda held: read_frames(read_dataset(held), [1], is_decoded=False),
            lambda held: read_frames(read_dataset(held), [1], is_decoded=True),
        ):
            try:
                action(data)
                found.append("shown")
            except HilumError as error:
                found.append(type(error).__name__)
        return " ".join(found)

    def call_routes(self, data: bytes) -> str:
        """The worklist and DICOMweb over what was taken in."""
        self._open_service()
        del data
        paths = ["/api/v1/studies?limit=3&sort=-received_at", "/dicom-web/studies?limit=3"]
        paths += ["/dicom-web/series?limit=3", "/dicom-web/instances?limit=3"]
        for path in paths:
            answer = self._client.get(path)
            if answer.status_code >= 500:
                raise AssertionError(f"{path} answered {answer.status_code}: {answer.text[:200]}")
            if path.startswith("/api/v1/studies?"):
                paths += [f"/api/v1/studies/{item['id']}" for item in answer.json()["items"]]
        return "answered"

    def close(self) -> None:
        if self._service is not None:
            self._client.close()
            self._service.close()
            self._service = None
            shutil.rmtree(self._folder / "data", ignore_errors=True)


def try_target(target: Callable[[bytes], str], data: bytes) -> str:
    try:
        return target(data)
    except HilumError as error:
        if SECRET in str(error):
            raise AssertionError("a message repeats what names the patient") from error
        return type(error).__name__


def check_radiograph(image: Radiograph) -> None:
    pixels = image.pixels
    is_sound = (
        pixels.dtype == np.float32
        and pixels.ndim == 2
        and pixels.size > 0
        and bool(np.isfinite(pixels).all())
        and 0.0 <= float(pixels.min()) <= float(pixels.max()) <= 1.0
    )
    if not is_sound:
        raise AssertionError(f"a radiograph is {pixels.dtype} {pixels.shape}, or out of [0, 1]")


@contextmanager
def open_targets(parent: Path | None = None) -> Iterator[Targets]:
    """Targets in a folder that is removed at the end."""
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        targets = Targets(Path(folder))
        try:
            yield targets
        finally:
            targets.close()
