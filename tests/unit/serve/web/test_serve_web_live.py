"""Live events: in order, from where a listener left off, with heartbeats, to an end."""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from hilum.serve import events
from hilum.serve.service import Service
from hilum.serve.web.app import create_app
from hilum.serve.web.routes.live import stream_events
from serve_web import add_study, make_dicom, make_service, running


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return make_service(tmp_path)


async def take(stream: AsyncIterator[str], count: int) -> list[str]:
    return [await anext(stream) for _ in range(count)]


def test_events_after_an_id_in_order(service: Service) -> None:
    study = add_study(service)
    stop = threading.Event()
    first, *blocks = asyncio.run(take(stream_events(service, 0, stop), 3))
    assert first == "retry: 2000\n\n"
    kinds = [block.splitlines()[1] for block in blocks]
    assert kinds == ["event: received", "event: queued"]
    number, kind, data = blocks[1].splitlines()[:3]
    assert json.loads(data.removeprefix("data: "))["study_id"] == study
    assert json.loads(data.removeprefix("data: "))["state"] == "queued"
    after = int(number.removeprefix("id: ")) - 1
    again = asyncio.run(take(stream_events(service, after, stop), 2))
    assert again[1] == blocks[1]
    assert kind == "event: queued"


def test_from_now_on_with_a_heartbeat(service: Service) -> None:
    add_study(service)
    stream = stream_events(service, None, threading.Event(), heartbeat_seconds=0.0)
    assert asyncio.run(take(stream, 2))[1] == ": still here\n\n"


def test_it_ends_with_the_server_and_with_the_token(service: Service) -> None:
    async def drain(**options: float) -> list[str]:
        stop = threading.Event()
        if not options:
            stop.set()
        return [text async for text in stream_events(service, 0, stop, **options)]

    assert asyncio.run(drain()) == ["retry: 2000\n\n"]
    assert asyncio.run(drain(expires_at=time.time() - 1)) == ["retry: 2000\n\n"]


def test_over_a_socket_with_last_event_id(service: Service) -> None:
    add_study(service)
    last = events.last_id(service)
    app = create_app(service)
    with running(app) as address, httpx.Client(timeout=30) as client:
        headers = {"last-event-id": str(last - 1)}
        with client.stream("GET", f"{address}/api/v1/events", headers=headers) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            lines = answer.iter_lines()
            assert next(line for line in lines if line.startswith("id:")) == f"id: {last}"
            add_study(service, make_dicom(seed=2))
            assert next(line for line in lines if line.startswith("id:")) == f"id: {last + 1}"
            app.state.stopping.set()
            assert not [line for line in lines if line.startswith("retry")]  # the stream ends
