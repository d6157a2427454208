"""Orthanc of the test's own: Debian's package, in a folder, on free ports, gone with the test."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from postgres_server import free_port

PLUGIN_FOLDERS = ("/usr/share/orthanc/plugins", "/usr/lib/orthanc")
START_SECONDS = 60.0


@dataclass(frozen=True)
class Orthanc:
    """Where it answers."""

    url: str
    dicom_port: int
    auth: tuple[str, str] | None = None

    @property
    def dicomweb(self) -> str:
        return f"{self.url}/dicom-web"

    def get(self, path: str) -> object:
        return self._request("GET", path)

    def post(self, path: str, **content: Any) -> Any:
        return self._request("POST", path, **content)

    def _request(self, method: str, path: str, **content: Any) -> Any:
        answer = httpx.request(method, f"{self.url}/{path}", timeout=60, auth=self.auth, **content)
        return answer.raise_for_status().json()

    def upload(self, data: bytes) -> None:
        self.post("instances", content=data)

    def send_to_hilum(self, sop_uid: str) -> None:
        """Send an instance that it holds to the modality ``hilum`` (C-STORE)."""
        query = {"Level": "Instance", "Query": {"SOPInstanceUID": sop_uid}}
        self.post("modalities/hilum/store", json=self.post("tools/find", json=query))

    def modalities(self) -> dict[str, int]:
        """How many instances of each modality it holds."""
        counts: dict[str, int] = {}
        for series in self.get("series?expand"):  # type: ignore[attr-defined]
            modality = series["MainDicomTags"].get("Modality", "")
            counts[modality] = counts.get(modality, 0) + len(series["Instances"])
        return counts


def _find_plugin() -> str | None:
    for folder in PLUGIN_FOLDERS:
        for file in sorted(Path(folder).glob("libOrthancDicomWeb.so*")):
            return str(file)
    return None


@contextmanager
def orthanc(
    folder: Path,
    *,
    hilum_port: int = 104,
    auth: tuple[str, str] | None = None,
    **more: Any,
) -> Iterator[Orthanc]:
    """A running Orthanc with DICOMweb that lets HILUM find, get and store.

    Args:
        folder: Where it keeps everything.
        hilum_port: Of Hilum's listener.
        auth: User and password that it asks for.
        more: Settings of ``orthanc.json``.
    """
    program, plugin = shutil.which("Orthanc"), _find_plugin()
    if program is None or plugin is None:
        pytest.skip("Orthanc or its DICOMweb plug-in is not installed")
    http, dicom = free_port(), free_port()
    settings = {
        "Name": "Test archive",
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"),
        "HttpPort": http,
        "DicomPort": dicom,
        "DicomAet": "ORTHANC",
        "DicomCheckCalledAet": True,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": auth is not None,
        "RegisteredUsers": {auth[0]: auth[1]} if auth is not None else {},
        "Plugins": [plugin],
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
        "DicomModalities": {"hilum": ["HILUM", "127.0.0.1", hilum_port]},
        "OverwriteInstances": True,
        **more,
    }
    file = folder / "orthanc.json"
    file.write_text(json.dumps(settings))
    with (folder / "orthanc.log").open("w") as log:
        process = subprocess.Popen([program, str(file)], stdout=log, stderr=log)
        try:
            server = Orthanc(f"http://127.0.0.1:{http}", dicom, auth)
            limit = time.monotonic() + START_SECONDS
            while True:
                assert process.poll() is None, (folder / "orthanc.log").read_text()[-2000:]
                try:
                    server.get("system")
                    break
                except httpx.TransportError:
                    assert time.monotonic() < limit, "Orthanc did not start"
                    time.sleep(0.1)
            yield server
        finally:
            process.terminate()
            process.wait(30)
