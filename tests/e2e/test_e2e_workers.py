"""Workers are killed, databases change, servers collide: nothing is lost, nothing done twice."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest
from sqlalchemy import func, select, text

from hilum.errors import InvalidValueError, StorageError
from hilum.serve import audit, jobs, studies
from hilum.serve.database.engine import open_engine, upgrade
from hilum.serve.database.tables import ReadingRow, StudyRow, StudyState
from hilum.serve.server import Running, start
from hilum.serve.service import open_service
from hilum.serve.settings import Settings
from postgres_server import postgres
from serve_web import make_dicom

pytestmark = pytest.mark.slow

SUBMITTERS = 4
STUDIES = 12
KILLS = 3
WAIT_SECONDS = 240.0


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield ""
        return
    with postgres(tmp_path) as url:
        yield url


def wait_until(condition: object, seconds: float = WAIT_SECONDS) -> None:
    limit = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < limit, "it did not happen in time"
        time.sleep(0.1)


def submit(address: str, seed: int) -> str:
    files = [("files", (f"{seed}.dcm", make_dicom(seed=seed)))]
    answer = httpx.post(f"{address}/api/v1/studies", files=files, timeout=60)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def kill_workers(running: Running, times: int, killed: list[str], stop: threading.Event) -> None:
    """Kill the worker in the midst of a study, each time another one."""
    query = select(StudyRow.id).where(StudyRow.state == StudyState.READING)
    while len(killed) < times and not stop.wait(0.005):
        with running.service.begin() as session:
            begun = [i for i in session.scalars(query) if i not in killed]
        pids = running.supervisor.pids
        if begun and pids:
            killed.append(begun[0])
            for pid in pids:
                os.kill(pid, signal.SIGKILL)


def test_killed_workers_lose_and_repeat_nothing(database_url: str, tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", port=0, database_url=database_url, min_free_mb=1)
    with start(settings) as running:
        killed: list[str] = []
        stop = threading.Event()
        killer = threading.Thread(target=kill_workers, args=(running, KILLS, killed, stop))
        killer.start()
        with ThreadPoolExecutor(SUBMITTERS) as pool:
            ids = list(pool.map(lambda seed: submit(running.url, seed), range(STUDIES)))

        def is_done() -> bool:
            page = studies.query(running.service, studies.WorklistQuery(limit=500))
            return all(row.state in ("read", "refused") for row in page.items)

        wait_until(is_done)
        stop.set()
        killer.join()
        assert killed  # at least one worker died over a study
        assert running.supervisor.restarts >= len(killed)
        with running.service.begin() as session:
            readings = session.scalars(select(ReadingRow.study_id)).all()
            tries = session.scalars(select(StudyRow.attempts)).all()
        assert Counter(readings) == Counter(ids)
        assert sum(tries) >= STUDIES
        assert audit.verify(running.service).broken_at is None


def test_a_study_that_kills_every_worker_is_set_aside(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, workers=0, min_free_mb=1, max_attempts=2)
    service = open_service(settings)
    jobs.prepare(service)
    from hilum.serve.reader import read_revision
    from serve_web import add_study

    study_id = add_study(service)
    with service.begin() as session:  # as after two workers that died over it
        row = session.get_one(StudyRow, study_id)
        row.state, row.attempts = StudyState.READING, 2
    assert read_revision(service, study_id, 1) == StudyState.FAILED
    (dead,) = jobs.list_jobs(service, StudyState.FAILED)
    assert (dead.study_id, dead.reason) == (study_id, "the worker died while it read the study")
    assert read_revision(service, study_id, 1) == "skipped"


def test_one_server_for_a_folder_and_for_a_database(database_url: str, tmp_path: Path) -> None:
    first = Settings(data=tmp_path / "a", port=0, workers=0, database_url=database_url)
    other_folder = tmp_path / ("b" if database_url else "a")
    second = Settings(data=other_folder, port=0, workers=0, database_url=database_url)
    with start(first), pytest.raises(StorageError, match="another Hilum server"), start(second):
        pass
    with start(second):
        pass  # the first has gone


def test_a_taken_port_is_said(tmp_path: Path) -> None:
    with start(Settings(data=tmp_path / "a", port=0, workers=0)) as running:
        port = int(running.url.rsplit(":", 1)[1])
        taken = Settings(data=tmp_path / "b", port=port, workers=0)
        with pytest.raises(InvalidValueError, match="choose another with --port"), start(taken):
            pass


def test_tables_are_made_once_and_a_newer_database_is_refused(
    database_url: str, tmp_path: Path
) -> None:
    engine = open_engine(database_url or f"sqlite:///{tmp_path / 'x.sqlite'}")
    upgrade(engine)
    upgrade(engine)
    with engine.begin() as connection:
        assert connection.scalar(select(func.count()).select_from(StudyRow)) == 0
        connection.execute(text("UPDATE hilum_version SET version_num = '9999'"))
    with pytest.raises(StorageError, match="another version of Hilum"):
        upgrade(engine)
    engine.dispose()


def test_ctrl_c_ends_everything(tmp_path: Path) -> None:
    program = "from hilum.cli import main; main()"
    command = [sys.executable, "-c", program, "serve", "--data", str(tmp_path), "--port", "0"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("Hilum answers at http://127.0.0.1:")
    address = line.split()[-1]
    assert "not for diagnosis" in process.stdout.readline()
    wait_until(lambda: httpx.get(f"{address}/health/ready").status_code == 200, 60)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "Traceback" not in err
    with pytest.raises(httpx.TransportError):
        httpx.get(address)
    assert np.all([not _is_worker_of(process.pid, p) for p in Path("/proc").glob("[0-9]*")])


def _is_worker_of(parent: int, process: Path) -> bool:
    try:
        fields = (process / "stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return False
    return int(fields[1]) == parent
