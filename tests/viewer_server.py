"""A small server for the viewer: the HTTP contract answered from real readings of phantoms.

Serves the built page with the strict content policy and keeps everything in memory. To look at
the page by hand: ``python tests/viewer_server.py [IMAGE.dcm ...]`` (images beside the phantoms).
"""

import dataclasses
import datetime as dt
import json
import queue
import re
import sys
import tempfile
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import cv2
import numpy as np
import pydicom

import hilum
from command_line import hilum as hilum_command
from hilum import report
from hilum.export import render_html, write_reading
from hilum.export.wording import name_of
from hilum.types import DISCLAIMER, Finding, Reading, Status

CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    "--disable-background-networking",
    "--disable-dev-shm-usage",
)
"""Chromium as root, without a graphics card and without asking its maker."""
DIST = Path(hilum.__file__).parent / "viewer" / "dist"
POLICY = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; "
    "img-src 'self' data: blob:; style-src 'self'; object-src 'none'; base-uri 'none'"
)
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
}


@dataclasses.dataclass
class Held:
    """One study of the mock."""

    id: str
    summary: dict[str, Any]
    images: list[Path]
    reading: Reading | None
    folder: Path
    prior: "Held | None" = None
    feedback: list[dict[str, Any]] = dataclasses.field(default_factory=list)


class ViewerServer:
    """The mock on a port picked by the system; ``with ViewerServer(...) as server``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.studies: dict[str, Held] = {}
        self.listeners: list[queue.Queue[dict[str, Any]]] = []
        self.received: list[dict[str, Any]] = []
        self.roles = ["admin", "reader", "submitter"]
        handler = type("Handler", (_Handler,), {"server_state": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/"

    def __enter__(self) -> "ViewerServer":
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def add(self, images: list[Path], *, prior: Held | None = None, **summary: Any) -> Held:
        """Read ``images`` as one study and put it on the worklist."""
        study_id = f"{len(self.studies) + 1:032x}"
        folder = self.folder / study_id
        reading = None
        if summary.get("state", "read") == "read":
            study = hilum.open_study(images, priors=prior.images if prior else ())
            reading = hilum.read(study)
            write_reading(reading, folder)
        held = Held(study_id, _summarise(study_id, summary, reading), images, reading, folder)
        held.prior = prior
        held.summary["has_prior"] = prior is not None
        self.studies[study_id] = held
        self.tell(study_id)
        return held

    def tell(self, study_id: str) -> None:
        """Send one event to everyone who listens."""
        state = self.studies[study_id].summary["state"]
        for listener in self.listeners:
            listener.put({"kind": state, "study_id": study_id, "state": state})


def make_phantom(folder: Path, *options: str) -> list[Path]:
    """DICOM files of one phantom study, sorted by name."""
    done = hilum_command(
        "phantom", "study", "--out", folder, "--format", "dicom", "--size", "768", *options
    )
    assert done.returncode == 0, done.stderr
    return sorted(folder.rglob("*.dcm"))


def fill_server(server: ViewerServer) -> Held:
    """Phantom studies in several states; returns the one with a prior and regions."""
    phantoms = server.folder / "phantoms"
    before = make_phantom(phantoms / "a", "--seed", "5", "--finding", "cardiomegaly")
    effusion = ("--seed", "5", "--finding", "pleural_effusion:right:0.8")
    now = make_phantom(phantoms / "b", *effusion, "--lateral")
    old = server.add(
        before, patient_name="Phantom^Petra", study_date="2025-03-02T08:11:00", priority=6
    )
    current = server.add(
        now,
        prior=old,
        patient_name="Phantom^Petra",
        study_date="2025-03-09T10:30:00",
        indication="Shortness of breath.",
        priority=2,
    )
    hostile = "<script>alert(1)</script>"
    server.add(before, patient_name=hostile, state="queued", priority=5)
    server.add(before, patient_name="Phantom^Paul", state="failed", priority=5, reason="timeout")
    return current


def wait_until(page: Any, test: str, argument: Any = None) -> None:
    """Wait for a JavaScript test; Playwright's own ``wait_for_function`` needs eval in the page."""
    page.evaluate(
        f"""async argument => {{
          const test = {test};
          const end = performance.now() + 60000;
          while (!test(argument)) {{
            if (performance.now() > end) throw new Error('waited in vain');
            await new Promise(requestAnimationFrame);
          }}
        }}""",
        argument,
    )


def _summarise(study_id: str, summary: dict[str, Any], reading: Reading | None) -> dict[str, Any]:
    findings = [f for image in reading.radiographs for f in image.findings] if reading else []
    shown = [f for f in findings if f.status in (Status.PRESENT, Status.UNCERTAIN)]
    shown.sort(key=lambda f: (f.status is not Status.PRESENT, -(f.probability or 0)))
    now = dt.datetime(2025, 3, 9, 11, len(study_id) % 60, tzinfo=dt.UTC).isoformat()
    plain = {
        "id": study_id, "state": "read", "priority": 5, "patient_name": None,
        "patient_id": f"P{study_id[-4:]}", "sex": "F", "age_years": 61.0,
        "accession": f"A{study_id[-4:]}", "study_date": None, "received_at": now,
        "read_at": now if reading else None, "description": "Chest radiograph",
        "indication": "", "suspicion": None, "reason": None, "has_prior": False,
        "feedback": None,
        "findings": [
            {"name": f.name, "display": name_of(f.name), "status": f.status.value,
             "probability": f.probability}
            for f in shown
        ],
    }  # fmt: skip
    return plain | summary


def _images(held: Held) -> list[dict[str, Any]]:
    rows = []
    for number, path in enumerate(held.images, start=1):
        header = pydicom.dcmread(path, stop_before_pixels=True)
        view = str(header.get("ViewPosition", "") or "")
        rows.append({
            "number": number, "sop_uid": str(header.SOPInstanceUID),
            "series_uid": str(header.SeriesInstanceUID), "rows": int(header.Rows),
            "columns": int(header.Columns), "view": "LATERAL" if view in ("LL", "RL") else view,
            "wado_uri": f"/api/v1/studies/{held.id}/images/{number}/dicom", "is_refused": False,
        })  # fmt: skip
    return rows


def _detail(held: Held) -> dict[str, Any]:
    prior = held.prior
    priors = [{**prior.summary, "images": _images(prior), "has_reading": True}] if prior else []
    return held.summary | {
        "study_uid": f"2.25.{int(held.id, 16)}", "images": _images(held), "priors": priors,
        "revision": 1, "images_count": len(held.images),
    }  # fmt: skip


def _reword(held: Held, points: dict[str, float]) -> dict[str, Any]:
    """The report drafted again with other operating points; what they do not name stays."""
    reading = held.reading
    assert reading is not None

    def move(found: Finding) -> Finding:
        point = points.get(found.name)
        if point is None or found.probability is None:
            return found
        is_present = found.probability >= point
        other = Status.UNCERTAIN if found.status is Status.PRESENT else found.status
        status = Status.PRESENT if is_present else other
        return dataclasses.replace(found, status=status, operating_point=point)

    images = tuple(
        dataclasses.replace(image, findings=tuple(move(f) for f in image.findings))
        for image in reading.radiographs
    )
    text = report.draft(reading.study, images, reading.changes)
    return {
        "findings": [
            {"id": f.id, "name": f.name, "status": f.status.value,
             "operating_point": f.operating_point}
            for image in images for f in image.findings
        ],
        "report": {
            section: [
                {"text": s.text, "evidence": [item.id for item in s.evidence]}
                for s in getattr(text, section)
            ]
            for section in ("findings", "impression")
        },
    }  # fmt: skip


def _heatmap(held: Held, number: int, name: str) -> bytes | None:
    assert held.reading is not None
    image = held.reading.radiographs[number - 1]
    for found in image.findings:
        if found.name == name and found.heatmap is not None:
            grey = (255 * np.clip(found.heatmap, 0, 1)).astype(np.uint8)
            size = image.radiograph.columns, image.radiograph.rows
            return cv2.imencode(".png", cv2.resize(grey, size))[1].tobytes()
    return None


class _Handler(BaseHTTPRequestHandler):
    server_state: ViewerServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Stay silent."""

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        path = unquote(address.path)
        if not path.startswith("/api/v1/"):
            self._send_page(path)
        elif path == "/api/v1/me":
            self._send(
                {"user": "local", "roles": self.server_state.roles, "disclaimer": DISCLAIMER,
                 "is_loopback": True, "is_deidentified": False, "version": "0", "languages": [],
                 "signed_in_by": "nothing", "expires_at": None}
            )  # fmt: skip
        elif path == "/api/v1/session":
            self._send({"is_needed": False, "is_signed_in": True, "provider": None})
        elif path == "/api/v1/events":
            self._stream()
        elif path == "/api/v1/studies":
            self._send(self._worklist(parse_qs(address.query)))
        else:
            self._send_part(path.removeprefix("/api/v1/studies/").split("/"))

    def do_POST(self) -> None:
        state = self.server_state
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = urlsplit(self.path).path
        if path == "/api/v1/studies":
            files = len(re.findall(rb'name="files"', body))
            state.received.append({"path": path, "files": files})
            first = next(iter(state.studies.values()))
            held = state.add(first.images, state="queued", patient_name="Phantom^New", priority=1)
            self._send({"id": held.id, "state": "queued", "url": f"/#/studies/{held.id}"}, 202)
            return
        study_id, action = path.removeprefix("/api/v1/studies/").split("/")
        held = state.studies[study_id]
        sent = json.loads(body or b"{}")
        state.received.append({"path": path, **sent})
        if action == "reword":
            self._send(_reword(held, sent["operating_points"]))
        elif action == "feedback":
            stamp = dt.datetime.now(dt.UTC).isoformat()
            stored = {"id": str(len(held.feedback)), "user": "local", "created_at": stamp}
            held.feedback.append(sent | stored)
            held.summary["feedback"] = sent["kind"]
            self._send(stored, 201)
        else:
            self._send({"id": study_id, "state": "queued"}, 202)

    def _worklist(self, query: dict[str, list[str]]) -> dict[str, Any]:
        def wanted(key: str) -> str:
            return query.get(key, [""])[0]

        tests: list[Callable[[dict[str, Any]], bool]] = [
            lambda s: not wanted("state") or s["state"] == wanted("state"),
            lambda s: not wanted("priority") or str(s["priority"]) == wanted("priority"),
            lambda s: wanted("q").lower() in str(s["patient_name"]).lower(),
            lambda s: (
                not wanted("finding") or wanted("finding") in [f["name"] for f in s["findings"]]
            ),
        ]
        rows = [held.summary for held in self.server_state.studies.values()]
        items = [row for row in rows if all(test(row) for test in tests)]
        sort = wanted("sort") or "priority"
        items.sort(key=lambda s: str(s[sort.lstrip("-")] or ""), reverse=sort.startswith("-"))
        return {"items": items, "total": len(rows), "next_cursor": None}

    def _send_part(self, parts: list[str]) -> None:
        held = self.server_state.studies.get(parts[0])
        if held is None:
            self._send({"title": "Not found", "detail": "no such study"}, 404)
        elif len(parts) == 1:
            self._send(_detail(held))
        elif parts[1] == "reading":
            self._send_file(held.folder / "reading.json", "application/json")
        elif parts[1] == "feedback":
            self._send(held.feedback)
        elif parts[1] == "masks":
            self._send_file(held.folder / "masks" / Path(parts[2]).name, "image/png")
        elif parts[1] == "images":
            self._send_file(held.images[int(parts[2]) - 1], "application/dicom")
        elif parts[1] == "heatmaps":
            picture = _heatmap(held, int(parts[2]), parts[3].removesuffix(".png"))
            self._send_bytes(picture or b"", "image/png", 200 if picture else 404)
        elif parts[1] == "report.html" and held.reading is not None:
            self._send_bytes(render_html(held.reading).encode(), TYPES[".html"])
        else:
            self._send({"title": "Not found", "detail": ""}, 404)

    def _stream(self) -> None:
        mine: queue.Queue[dict[str, Any]] = queue.Queue()
        self.server_state.listeners.append(mine)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        number = 0
        try:
            self.wfile.write(b": open\n\n")
            while True:
                event = mine.get()
                number += 1
                data = json.dumps({k: v for k, v in event.items() if k != "kind"})
                self.wfile.write(f"id: {number}\nevent: {event['kind']}\ndata: {data}\n\n".encode())
                self.wfile.flush()
        except OSError:
            self.server_state.listeners.remove(mine)
            self.close_connection = True

    def _send_page(self, path: str) -> None:
        file = (DIST / path.lstrip("/")).resolve() if path != "/" else DIST / "index.html"
        if not file.is_relative_to(DIST) or not file.is_file():
            self._send({"title": "Not found", "detail": path}, 404)
            return
        self._send_file(file, TYPES.get(file.suffix, "application/octet-stream"))

    def _send_file(self, file: Path, kind: str) -> None:
        self._send_bytes(file.read_bytes(), kind)

    def _send(self, value: Any, status: int = 200) -> None:
        kind = "application/json" if status < 400 else "application/problem+json"
        self._send_bytes(json.dumps(value).encode(), kind, status)

    def _send_bytes(self, body: bytes, kind: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()
        self.wfile.write(body)


def main(images: list[str]) -> None:
    """Serve until interrupted."""
    with tempfile.TemporaryDirectory() as folder, ViewerServer(Path(folder)) as server:
        fill_server(server)
        for image in images:
            server.add([Path(image)], patient_name="Sample^Image", priority=4)
        print(server.url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1:])
