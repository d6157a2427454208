"""Orthanc of the test's own: Debian's package, in a folder, on free ports, gone with the test."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

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

    @property
    def dicomweb(self) -> str:
        return f"{self.url}/dicom-web"

    def get(self, path: str) -> object:
        return httpx.get(f"{self.url}/{path}", timeout=30).raise_for_status().json()

    def upload(self, data: bytes) -> None:
        httpx.post(f"{self.url}/instances", content=data, timeout=30).raise_for_status()

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
def orthanc(folder: Path, *, hilum_port: int = 104) -> Iterator[Orthanc]:
    """A running Orthanc with DICOMweb that lets HILUM find, get and store."""
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
        "AuthenticationEnabled": False,
        "Plugins": [plugin],
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
        "DicomModalities": {"hilum": ["HILUM", "127.0.0.1", hilum_port]},
        "OverwriteInstances": True,
    }
    file = folder / "orthanc.json"
    file.write_text(json.dumps(settings))
    with (folder / "orthanc.log").open("w") as log:
        process = subprocess.Popen([program, str(file)], stdout=log, stderr=log)
        try:
            server = Orthanc(f"http://127.0.0.1:{http}", dicom)
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
