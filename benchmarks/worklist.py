"""The worklist with 100,000 studies: time of the API for what a reading room asks.

    python benchmarks/worklist.py [--studies 100000] [--requests 200] [--database URL]

Every request goes through the whole application (headers, limits, access, audit log) in this
process, without a socket. Queries are in random order; the first of each kind is not counted. The
text searches are also timed as they were before there was an index: five columns looked through.
``--database`` names an empty PostgreSQL database in place of a fresh SQLite file.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import random
import statistics
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

from sqlalchemy import func, insert, or_, select

from hilum.serve import Settings, jobs, open_service, studies
from hilum.serve.database.search import SEARCHED
from hilum.serve.database.tables import StudyRow, StudyTextRow
from hilum.serve.service import Service
from hilum.serve.web.app import create_app

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

STATES = ("read", "read", "read", "read", "refused", "queued", "failed")
FINDINGS = ("pneumothorax", "pleural_effusion", "pneumonia", "cardiomegaly", "edema")
QUERIES = {
    "first page": "sort=priority",
    "newest first": "sort=-received_at",
    "by patient": "sort=patient_name",
    "waiting only": "state=queued&sort=priority",
    "one finding": "finding=pneumothorax&sort=priority",
    "name searched": "q=PATIENT%5E77",
    "rare text": "q=ACC0077777",
    "200 rows": "sort=-study_date&limit=200",
}


def fill(service: Service, count: int) -> None:
    random.seed(1)
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    with service.begin() as session:
        for first in range(0, count, 5000):
            rows = [make_row(n, start) for n in range(first, min(first + 5000, count))]
            session.execute(insert(StudyRow), rows)
            texts = [
                {"study_id": row["id"], "text": "\n".join(row[n] for n in SEARCHED).lower()}
                for row in rows
            ]
            session.execute(insert(StudyTextRow), texts)


def make_row(number: int, start: dt.datetime) -> dict[str, Any]:
    received = start + dt.timedelta(seconds=61 * number)
    found = random.sample(FINDINGS, random.randint(0, 3))
    return {
        "id": f"{random.getrandbits(128):032x}",
        "study_uid": f"2.25.{number}",
        "patient_id": f"P{number // 3}",
        "patient_name": f"PATIENT^{number // 3}",
        "patient_key": f"key{number // 3}",
        "accession": f"ACC{number:07d}",
        "study_date": received.replace(tzinfo=None),
        "description": "Chest PA and lateral",
        "indication": random.choice(("Cough", "Dyspnea", "Rule out pneumothorax", "")),
        "state": random.choice(STATES),
        "priority": random.choice((1, 2, 5, 5, 5, 5, 7)),
        "received_at": received,
        "changed_at": received,
        "instances": random.randint(1, 3),
        "findings": [{"name": n, "status": "present", "probability": 0.8} for n in found],
    }


def measure(client: TestClient, requests: int) -> dict[str, list[float]]:
    plan = [name for name in QUERIES for _ in range(requests)]
    random.shuffle(plan)
    times: dict[str, list[float]] = {name: [] for name in QUERIES}
    for name in [*QUERIES, *plan]:
        started = time.perf_counter()
        answer = client.get(f"/api/v1/studies?{QUERIES[name]}")
        times[name].append((time.perf_counter() - started) * 1000)
        assert answer.status_code == 200, answer.text
    return {name: values[1:] for name, values in times.items()}


def look_through(service: Service, wanted: str) -> int:
    """The search without an index: every study, five columns; the first page and the count."""
    pattern = f"%{studies.escape_like(wanted)}%"
    columns = (getattr(StudyRow, name) for name in SEARCHED)
    query = (
        select(StudyRow.id, func.count().over())
        .where(StudyRow.state != "prior", or_(*(c.ilike(pattern, escape="\\") for c in columns)))
        .order_by(StudyRow.priority, StudyRow.received_at.desc(), StudyRow.id)
        .limit(51)
    )
    with service.begin() as session:
        found = session.execute(query).all()
    return int(found[0][1]) if found else 0


def compare_searches(service: Service, requests: int) -> None:
    """Milliseconds of the search by index and without, in turn, and that they find the same."""
    print(
        f"{'search':16s} {'found':>7s} {'scan p50':>9s} {'p95':>7s} {'index p50':>10s} {'p95':>7s}"
    )
    for wanted in ("PATIENT^77", "ACC0077777", "pneumothorax", "P7", "nobody"):
        times: dict[str, list[float]] = {"scan": [], "index": []}
        for _ in range(requests + 1):
            started = time.perf_counter()
            scanned = look_through(service, wanted)
            middle = time.perf_counter()
            found = studies.query(service, studies.WorklistQuery(text=wanted)).total
            times["scan"].append((middle - started) * 1000)
            times["index"].append((time.perf_counter() - middle) * 1000)
            assert scanned == found, (wanted, scanned, found)
        shown = []
        for values in times.values():
            p95 = statistics.quantiles(values[1:], n=20)[-1]
            shown += [statistics.median(values[1:]), p95]
        print(
            f"{wanted:16s} {found:7d} {shown[0]:9.1f} {shown[1]:7.1f} {shown[2]:10.1f} "
            f"{shown[3]:7.1f}"
        )


def page_through(client: TestClient, pages: int) -> float:
    """Milliseconds of the page far down the list that cursors lead to."""
    cursor = ""
    for _ in range(pages):
        started = time.perf_counter()
        cursor = client.get(f"/api/v1/studies?sort=priority&limit=500&cursor={cursor}").json()[
            "next_cursor"
        ]
    return (time.perf_counter() - started) * 1000


def name_database(service: Service) -> str:
    """Kind and version of the database."""
    with service.begin() as session:
        dialect = session.get_bind().dialect
        version = ".".join(str(part) for part in dialect.server_version_info or ())
        return f"{dialect.name} {version}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Time the worklist.")
    parser.add_argument("--studies", type=int, default=100_000)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--database", default="", help="URL of an empty database")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            data=Path(folder),
            database_url=options.database,
            workers=0,
            min_free_mb=1,
            requests_per_minute=10**7,
        )
        service = open_service(settings)
        jobs.prepare(service)
        fill(service, options.studies)
        client = TestClient(create_app(service), "http://127.0.0.1")
        times = measure(client, options.requests)
        deep = page_through(client, min(100, options.studies // 500))
        compare_searches(service, max(20, options.requests // 4))
        kind = name_database(service)
        service.close()
    print(
        f"{options.studies} studies, {kind}, "
        f"Python {platform.python_version()}, {os.cpu_count()} cores"
    )
    print(f"{'query':16s} {'median':>9s} {'p95':>9s}")
    for name, values in times.items():
        p95 = statistics.quantiles(values, n=20)[-1]
        print(f"{name:16s} {statistics.median(values):6.1f} ms {p95:6.1f} ms")
    everything = [value for values in times.values() for value in values]
    print(
        f"{'all':16s} {statistics.median(everything):6.1f} ms "
        f"{statistics.quantiles(everything, n=20)[-1]:6.1f} ms"
    )
    print(f"page 100 of 500 rows: {deep:.1f} ms")


if __name__ == "__main__":
    main()
