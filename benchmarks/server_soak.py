"""A soak of `hilum serve`: studies come for an hour, and its memory must not grow.

Every ``--every`` seconds a study comes in, by C-STORE, STOW-RS and the HTTP API in turn. A
reading room polls the worklist and fetches reports, a listener follows the events, a monitor
fetches the metrics, and retention deletes what is older than ``--keep`` minutes (the studies are
back-dated for it). The resident memory of server and worker is sampled at every minute.

    python benchmarks/server_soak.py --minutes 60 --out soak.md

The slopes are those of a straight line through the samples after the first ten minutes.
"""

from __future__ import annotations

import argparse
import datetime as dt
import io
import itertools
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import numpy as np
import pydicom
from measuring import machine, markdown
from pynetdicom import AE
from server_load import PHANTOMS, as_new_study, make_phantoms

from hilum.serve.dicomweb.multipart import Multipart, join_parts

PROGRAM = "from hilum.cli import main; main()"
WARM_UP_MINUTES = 10.0
SAMPLE_SECONDS = 60.0
POLL_SECONDS = 2.0


class Sample(NamedTuple):
    """The state at a minute: studies sent, held and read, memory and disk in MB."""

    minute: float
    sent: int
    held: int
    server_mb: float
    worker_mb: float
    threads: int
    files: int
    data_mb: float


class Server(NamedTuple):
    """A server in processes of its own."""

    process: subprocess.Popen[str]
    url: str
    dicom_port: int
    data: Path


@contextmanager
def serving(data: Path) -> Iterator[Server]:
    environment = os.environ | {
        "HILUM_SERVE_RETENTION_DAYS": "1",
        "HILUM_SERVE_MIN_FREE_MB": "1",
        "HILUM_SERVE_REQUESTS_PER_MINUTE": "1000000",
    }
    command = [sys.executable, "-c", PROGRAM, "serve", "--data", str(data)]
    with (data.parent / "log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--port", "0", "--dicom-port", "0"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    assert process.stdout is not None
    url = process.stdout.readline().split()[-1]
    port = int(process.stdout.readline().split()[-1])
    try:
        yield Server(process, url, port, data)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(120)


def send_by_http(server: Server, data: bytes) -> None:
    files = [("files", ("a.dcm", data))]
    httpx.post(f"{server.url}/api/v1/studies", files=files, timeout=120).raise_for_status()


def send_by_stow(server: Server, data: bytes) -> None:
    multipart = Multipart("application/dicom")
    body = b"".join(join_parts([data], multipart))
    headers = {"content-type": multipart.content_type}
    url = f"{server.url}/dicom-web/studies"
    httpx.post(url, content=body, headers=headers, timeout=120).raise_for_status()


def send_by_dicom(server: Server, data: bytes) -> None:
    dataset = pydicom.dcmread(io.BytesIO(data))
    entity = AE(ae_title="SOAK")
    entity.add_requested_context(dataset.SOPClassUID, dataset.file_meta.TransferSyntaxUID)
    association = entity.associate("127.0.0.1", server.dicom_port, ae_title="HILUM")
    if not association.is_established:
        raise RuntimeError("the listener did not accept an association")
    status = association.send_c_store(dataset)
    association.release()
    if status.Status != 0:
        raise RuntimeError(f"C-STORE answered {status.Status:#06x}")


SENDERS: tuple[Callable[[Server, bytes], None], ...] = (send_by_dicom, send_by_stow, send_by_http)


def submit(server: Server, every: float, stop: threading.Event, counts: Counter[str]) -> None:
    phantoms = make_phantoms()
    for number in itertools.count():
        began = time.monotonic()
        data = as_new_study(phantoms[number % PHANTOMS], number)
        try:
            SENDERS[number % len(SENDERS)](server, data)
            counts["sent"] += 1
        except Exception as error:
            counts[f"failed: {type(error).__name__}"] += 1
        if stop.wait(max(0.0, every - (time.monotonic() - began))):
            return


def poll(server: Server, stop: threading.Event, counts: Counter[str]) -> None:
    """A reading room: the worklist, a search, the newest report, and a monitor's metrics."""
    with httpx.Client(base_url=server.url, timeout=60) as client:
        while not stop.wait(POLL_SECONDS):
            for path in ("/api/v1/studies?limit=50", "/api/v1/studies?q=LOAD-1", "/metrics"):
                counts[f"answer {client.get(path).status_code}"] += 1
            page = client.get("/api/v1/studies?state=read&sort=-received_at&limit=1").json()
            for item in page["items"]:
                for part in ("", "/report.html", "/images/1/dicom"):
                    answer = client.get(f"/api/v1/studies/{item['id']}{part}")
                    counts[f"answer {answer.status_code}"] += 1


def listen(server: Server, stop: threading.Event, counts: Counter[str]) -> None:
    """A live page: server-sent events, from where the last connection ended."""
    last = "0"
    while not stop.is_set():
        try:
            with httpx.stream(
                "GET", f"{server.url}/api/v1/events", headers={"last-event-id": last}, timeout=60
            ) as stream:
                for line in stream.iter_lines():
                    if line.startswith("id: "):
                        last = line.removeprefix("id: ")
                    counts["events"] += line.startswith("event: ")
                    if stop.is_set():
                        return
        except httpx.HTTPError:
            stop.wait(1.0)


def age(server: Server, keep_minutes: float) -> int:
    """Back-date the studies older than ``keep_minutes``, so that retention deletes them."""
    now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    limit, past = now - dt.timedelta(minutes=keep_minutes), now - dt.timedelta(days=2)
    with sqlite3.connect(server.data / "hilum.sqlite", timeout=30) as connection:
        connection.execute(
            "UPDATE studies SET received_at = ? WHERE received_at < ? AND received_at > ?",
            (str(past), str(limit), str(now - dt.timedelta(days=1))),
        )
        (held,) = connection.execute("SELECT count(*) FROM studies").fetchone()
    return int(held)


def status_of(pid: int, key: str) -> int:
    text = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in text.splitlines() if line.startswith(key)).split()[1])


def workers_of(pid: int) -> list[int]:
    """The children of a process, whichever of its threads started them."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def take_sample(server: Server, minute: float, sent: int, held: int) -> Sample:
    pid = server.process.pid
    files = [path for path in server.data.rglob("*") if path.is_file()]
    return Sample(
        minute=minute,
        sent=sent,
        held=held,
        server_mb=status_of(pid, "VmRSS") / 1024,
        worker_mb=sum(status_of(child, "VmRSS") for child in workers_of(pid)) / 1024,
        threads=status_of(pid, "Threads"),
        files=len(files),
        data_mb=sum(size_of(path) for path in files) / 1e6,
    )


def size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def slope(samples: list[Sample], name: str) -> float:
    """MB an hour after the warm-up; NaN where there are too few samples."""
    late = [sample for sample in samples if sample.minute >= WARM_UP_MINUTES]
    if len(late) < 3:
        return float("nan")
    values = [getattr(sample, name) for sample in late]
    return float(np.polyfit([sample.minute for sample in late], values, 1)[0] * 60)


def run(server: Server, options: argparse.Namespace) -> tuple[list[Sample], Counter[str]]:
    stop, counts, samples = threading.Event(), Counter[str](), []
    jobs: list[tuple[Callable[..., Any], tuple[Any, ...]]] = [
        (submit, (server, options.every, stop, counts)),
        (poll, (server, stop, counts)),
        (listen, (server, stop, counts)),
    ]
    threads = [threading.Thread(target=job, args=values) for job, values in jobs]
    for thread in threads:
        thread.start()
    began = time.monotonic()
    minute = 0.0
    while minute <= options.minutes and server.process.poll() is None:
        held = age(server, options.keep)
        samples.append(take_sample(server, minute, counts["sent"], held))
        print(*(f"{value:.1f}" for value in samples[-1]), flush=True)
        time.sleep(max(0.0, began + 60 * minute + SAMPLE_SECONDS - time.monotonic()))
        minute = (time.monotonic() - began) / 60
    stop.set()
    for thread in threads:
        thread.join()
    return samples, counts


def describe(samples: list[Sample], counts: Counter[str], peaks: list[str]) -> str:
    shown = [s for n, s in enumerate(samples) if n % 5 == 0 or n == len(samples) - 1]
    table = markdown(
        ("minute", "sent", "held", "server MB", "worker MB", "threads", "files", "data MB"),
        [[str(round(value)) for value in sample] for sample in shown],
    )
    slopes = ", ".join(
        f"{name.removesuffix('_mb')} {slope(samples, name):+.1f}"
        for name in ("server_mb", "worker_mb", "data_mb")
    )
    lines = (
        table,
        "",
        f"slope after {WARM_UP_MINUTES:.0f} minutes, MB an hour: {slopes}",
        f"peaks: {', '.join(peaks)}",
        f"counts: {dict(counts)}",
        machine("hilum", "pydicom"),
    )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--every", type=float, default=20.0, help="seconds between two studies")
    parser.add_argument("--keep", type=float, default=5.0, help="minutes that a study is kept")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        with serving(data) as server:
            samples, counts = run(server, options)
            pids = {"server": server.process.pid}
            pids |= {f"worker {n}": p for n, p in enumerate(workers_of(server.process.pid))}
            peaks = [f"{n} {status_of(p, 'VmHWM') / 1024:.0f} MB" for n, p in pids.items()]
        text = describe(samples, counts, peaks)
    print(text)
    if options.out:
        options.out.write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
