"""OHIF (npm ``@ohif/app``) as a department runs it: static files on an origin of their own.

``HILUM_OHIF`` names the unpacked package's ``dist``; without it, ``build/ohif/package/dist`` is
taken, which ``npm pack @ohif/app@3.13.2`` and ``tar xzf`` in ``build/ohif`` make.
"""

import json
import os
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

VERSION = "3.13.2"
RULES = """{
  onBeforeSRAddMeasurement: { $set: ({ measurement }) => {
    if (!measurement.coords.length) measurement.coords = [{}];
    return measurement;
  } },
}"""
"""OHIF breaks down at a measurement group without coordinates, of which TID 1501 needs none."""
FOLDER = Path(__file__).resolve().parents[1] / "build" / "ohif" / "package" / "dist"


def find_ohif() -> Path:
    """The folder of the built viewer; skips the test where there is none."""
    folder = Path(os.environ.get("HILUM_OHIF", FOLDER))
    if not (folder / "index.html").is_file():
        pytest.skip(
            f"needs OHIF: in build/ohif, npm pack @ohif/app@{VERSION} and tar xzf it, "
            "or set HILUM_OHIF to its dist"
        )
    return folder


def make_config(dicomweb: str) -> str:
    """OHIF's ``app-config.js`` for one DICOMweb service; the same as in docs/guides/network.md."""
    source = {
        "namespace": "@ohif/extension-default.dataSourcesModule.dicomweb",
        "sourceName": "hilum",
        "configuration": {
            "friendlyName": "Hilum",
            "name": "hilum",
            "qidoRoot": dicomweb,
            "wadoRoot": dicomweb,
            "qidoSupportsIncludeField": True,
            "supportsFuzzyMatching": False,
            "supportsWildcard": True,
            "imageRendering": "wadors",
            "thumbnailRendering": "thumbnail",
            "enableStudyLazyLoad": True,
            "bulkDataURI": {"enabled": True},
        },
    }
    config = {
        "routerBasename": "/",
        "extensions": [],
        "modes": [],
        "showStudyList": True,
        "defaultDataSourceName": "hilum",
        "dataSources": [source],
    }
    return f"window.config = {json.dumps(config)};\nwindow.config.customizationService = {RULES};"


class OhifServer:
    """The viewer on a port picked by the system; ``with OhifServer() as server``.

    ``dicomweb`` is set once the service is known: its settings name the viewer's origin, which
    is known only when this server has its port.
    """

    def __init__(self, folder: Path) -> None:
        self.dicomweb = ""
        handler = type("Handler", (_Handler,), {"viewer": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> "OhifServer":
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()


class _Handler(SimpleHTTPRequestHandler):
    viewer: OhifServer
    extensions_map = SimpleHTTPRequestHandler.extensions_map | {
        ".js": "text/javascript",
        ".wasm": "application/wasm",
    }

    def log_message(self, *_: Any) -> None:
        """Stay silent."""

    def do_GET(self) -> None:
        """A file, the configuration, or the page for every path of the application."""
        path = self.path.partition("?")[0]
        if path == "/app-config.js":
            content = make_config(self.viewer.dicomweb).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/javascript")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            return
        if not Path(self.translate_path(path)).is_file():
            self.path = "/index.html"
        super().do_GET()
