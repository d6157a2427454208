"""Metrics count what happened; neither they nor the logs hold patient data."""

import io
import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pynetdicom import AE

from hilum.serve import studies
from hilum.serve.network.scp import start_listener
from hilum.serve.service import Service
from hilum.serve.web.logs import JsonFormatter, configure_logs
from hilum.serve.web.metrics import Metrics
from serve_web import add_study, make_client, make_dicom, make_service, store_reading


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return make_service(tmp_path)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    names = ("hilum", "uvicorn", "uvicorn.access", "httpx", "urllib3", "pydicom", "pynetdicom")
    loggers = [logging.getLogger(name) for name in names]
    before = [(lg.handlers, lg.level, lg.propagate) for lg in loggers]
    stream = io.StringIO()
    configure_logs(stream)
    yield stream
    for lg, (handlers, level, propagate) in zip(loggers, before, strict=True):
        lg.handlers, lg.level, lg.propagate = handlers, level, propagate


def values(text: str) -> dict[tuple[str, tuple[str, ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.values()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_studies_queue_and_readings(service: Service) -> None:
    metrics = Metrics(service)
    client = make_client(service, metrics=metrics)
    read = add_study(service)
    add_study(service, make_dicom(seed=2))
    store_reading(service, read)
    metrics.observe_association("accepted")
    for _ in range(2):  # a second look counts nothing twice
        found = values(client.get("/metrics").text)
        assert found["hilum_studies", ("read",)] == 1
        assert found["hilum_studies", ("failed",)] == 0
        assert found["hilum_queue_depth", ()] == 1
        assert found["hilum_reading_seconds_count", ()] == 1
        assert found["hilum_reading_seconds_sum", ()] == 1.5
        assert found["hilum_dicom_associations_total", ("accepted",)] == 1
    studies.delete(service, read, user="test", reason="test")
    add_study(service, make_dicom(seed=3))
    store_reading(service, add_study(service, make_dicom(seed=4)))
    assert values(client.get("/metrics").text)["hilum_reading_seconds_count", ()] == 2


def test_associations_are_counted_by_outcome(tmp_path: Path) -> None:
    service = make_service(tmp_path, dicom_port=0)
    metrics = Metrics(service)
    released = threading.Event()

    def observe(outcome: str) -> None:
        metrics.observe_association(outcome)
        if outcome == "released":
            released.set()

    listener = start_listener(service, observe)
    entity = AE()
    entity.add_requested_context("1.2.840.10008.1.1")
    association = entity.associate("127.0.0.1", listener.port, ae_title="HILUM")
    assert association.is_established
    association.release()
    assert released.wait(30)
    listener.stop()
    found = values(make_client(service, metrics=metrics).get("/metrics").text)
    for outcome in ("accepted", "released"):
        assert found["hilum_dicom_associations_total", (outcome,)] == 1


def test_routes_are_labels_and_identifiers_are_not(service: Service) -> None:
    client = make_client(service)
    study = add_study(service)
    client.get(f"/api/v1/studies/{study}")
    client.get("/api/v1/studies?q=PHANTOM")
    client.get("/PHANTOM")
    client.request("PHANTOM", "/api/v1/studies")
    text = client.get("/metrics").text
    found = values(text)
    name = "hilum_http_request_seconds_count"
    assert found[name, ("/api/v1/studies/{study_id}", "200", "GET")] == 1
    assert found[name, ("(other)", "404", "GET")] == 1
    assert study not in text
    assert "PHANTOM" not in text


def test_a_request_is_logged_without_its_query(service: Service, log: io.StringIO) -> None:
    client = make_client(service)
    client.get("/api/v1/studies?q=PHANTOM")
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    (entry,) = [line for line in lines if line["message"] == "request"]
    assert entry["route"] == "/api/v1/studies"
    assert (entry["method"], entry["status"], entry["user"]) == ("GET", 200, "local")
    assert entry["ms"] > 0
    assert "PHANTOM" not in log.getvalue()


def test_an_unexpected_error_is_logged_by_kind_and_place(
    service: Service, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> object:
        raise KeyError("PHANTOM^ONE")

    monkeypatch.setattr(studies, "load", fail)
    make_client(service).get(f"/api/v1/studies/{'0' * 32}")
    (entry,) = [json.loads(line) for line in log.getvalue().splitlines() if "unexpected" in line]
    assert entry["error"] == "KeyError"
    assert "test_serve_web_metrics.py" in entry["at"]
    assert "PHANTOM" not in log.getvalue()


def test_a_line_is_one_json_object_without_the_exceptions_words() -> None:
    try:
        raise ValueError("PHANTOM^ONE\nsecond line")
    except ValueError:
        import sys

        record = logging.getLogger("hilum.x").makeRecord(
            "hilum.x", logging.ERROR, "f", 1, "it %s", ("failed",), sys.exc_info()
        )
    line = JsonFormatter().format(record)
    assert json.loads(line)["message"] == "it failed"
    assert json.loads(line)["error"] == "ValueError"
    assert "PHANTOM" not in line
    assert "\n" not in line
