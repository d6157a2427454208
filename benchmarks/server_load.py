"""Load on the server: studies submitted at once while its worker is killed again and again.

Prints how many results there are, how many twice, the latency of the API meanwhile (in every
mix of requests that a reading room makes), the rate of reading and the memory of the server at
the start and at the end. Everything runs on this machine, over loopback.

    python benchmarks/server_load.py --studies 200 --clients 20 --kills 10
    python benchmarks/server_load.py --minutes 60        # a soak: one study after another
"""

from __future__ import annotations

import argparse
import io
import os
import signal
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pydicom
from pydicom.uid import generate_uid
from sqlalchemy import select

from hilum._version import __version__
from hilum.serve import studies
from hilum.serve.database.tables import ReadingRow, StudyRow, StudyState
from hilum.serve.server import Running, start
from hilum.serve.settings import Settings
from hilum.synth import render, sample_spec
from hilum.synth.files.dicom import to_dicom

PHANTOMS = 4
BROWSE = ("/api/v1/studies?limit=50", "/api/v1/studies?state=read&sort=-received_at", "/api/v1/me")


def make_phantoms() -> list[pydicom.Dataset]:
    return [to_dicom(render(sample_spec(np.random.default_rng(seed)))) for seed in range(PHANTOMS)]


def as_new_study(dataset: pydicom.Dataset, number: int) -> bytes:
    dataset.StudyInstanceUID = generate_uid()
    dataset.SeriesInstanceUID = generate_uid()
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.PatientID = f"LOAD-{number}"
    target = io.BytesIO()
    pydicom.dcmwrite(target, dataset, enforce_file_format=True)
    return target.getvalue()


def kill_workers(running: Running, times: int, killed: list[str]) -> None:
    """Kill the worker in the midst of a study, each time another one."""
    while len(killed) < times:
        with running.service.begin() as session:
            query = select(StudyRow.id).where(StudyRow.state == StudyState.READING)
            under_way = [i for i in session.scalars(query) if i not in killed]
        if under_way and running.supervisor.pids:
            killed.append(under_way[0])
            for pid in running.supervisor.pids:
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def browse(address: str, stop: threading.Event, seconds: list[float], codes: Counter[int]) -> None:
    with httpx.Client(base_url=address, timeout=60) as client:
        while not stop.wait(0.05):
            for path in BROWSE:
                began = time.perf_counter()
                codes[client.get(path).status_code] += 1
                seconds.append(time.perf_counter() - began)


def submit(address: str, data: bytes) -> tuple[str, float]:
    began = time.perf_counter()
    files = [("files", ("a.dcm", data))]
    answer = httpx.post(f"{address}/api/v1/studies", files=files, timeout=120).raise_for_status()
    return str(answer.json()["id"]), time.perf_counter() - began


def memory_mb() -> float:
    text = Path("/proc/self/status").read_text()
    line = next(line for line in text.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def finish(running: Running) -> None:
    while True:
        page = studies.query(running.service, studies.WorklistQuery(limit=1, states=OPEN))
        if not page.total:
            return
        time.sleep(0.2)


OPEN = ("receiving", "queued", "reading")


def measure_load(running: Running, count: int, clients: int, kills: int) -> None:
    phantoms = make_phantoms()
    files = [as_new_study(phantoms[n % PHANTOMS], n) for n in range(count)]
    stop, latencies, codes, killed = threading.Event(), [], Counter[int](), []
    browsers = [
        threading.Thread(target=browse, args=(running.url, stop, latencies, codes))
        for _ in range(2)
    ]
    killer = threading.Thread(target=kill_workers, args=(running, kills, killed))
    began = time.perf_counter()
    for thread in (*browsers, killer):
        thread.start()
    with ThreadPoolExecutor(clients) as pool:
        submitted = list(pool.map(lambda data: submit(running.url, data), files))
    taken = time.perf_counter() - began
    finish(running)
    killer.join()
    whole = time.perf_counter() - began
    stop.set()
    for thread in browsers:
        thread.join()
    with running.service.begin() as session:
        readings = Counter(session.scalars(select(ReadingRow.study_id)).all())
        states = Counter(session.scalars(select(StudyRow.state)).all())
    twice = sum(n > 1 for n in readings.values())
    missing = len({i for i, _ in submitted} - set(readings))
    print(f"{count} studies by {clients} clients, worker killed {len(killed)} times")
    print(f"results {len(readings)}, twice {twice}, missing {missing}, states {dict(states)}")
    print(f"taken in {taken:.1f} s, all read after {whole:.1f} s ({count / whole:.2f} a second)")
    show("submit", [s for _, s in submitted])
    show("browse", latencies)
    print(f"answers {dict(codes)}")


def show(name: str, seconds: list[float]) -> None:
    p50, p95, p99 = np.percentile(seconds, [50, 95, 99]) * 1000
    print(f"{name}: n {len(seconds)}, p50 {p50:.0f} ms, p95 {p95:.0f} ms, p99 {p99:.0f} ms")


def soak(running: Running, minutes: float) -> None:
    phantoms = make_phantoms()
    limit, count, shown = time.monotonic() + 60 * minutes, 0, 0.0
    while time.monotonic() < limit:
        submit(running.url, as_new_study(phantoms[count % PHANTOMS], count))
        count += 1
        finish(running)
        for path in BROWSE:
            httpx.get(running.url + path, timeout=60).raise_for_status()
        if time.monotonic() - shown > 60:
            shown = time.monotonic()
            print(f"{count} studies, server {memory_mb():.0f} MB, worker {worker_mb(running)}")
    print(f"{count} studies, server {memory_mb():.0f} MB, worker {worker_mb(running)}")


def worker_mb(running: Running) -> str:
    sizes = []
    for pid in running.supervisor.pids:
        text = Path(f"/proc/{pid}/status").read_text()
        line = next(line for line in text.splitlines() if line.startswith("VmRSS"))
        sizes.append(f"{int(line.split()[1]) / 1024:.0f} MB")
    return ", ".join(sizes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--minutes", type=float, default=0.0)
    parser.add_argument("--database-url", default="")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            data=Path(folder),
            port=0,
            min_free_mb=1,
            requests_per_minute=10**6,
            database_url=options.database_url,
        )
        with start(settings) as running:
            print(f"hilum {__version__}, memory of the server {memory_mb():.0f} MB")
            if options.minutes:
                soak(running, options.minutes)
            else:
                measure_load(running, options.studies, options.clients, options.kills)
            print(f"memory of the server {memory_mb():.0f} MB")


if __name__ == "__main__":
    main()
