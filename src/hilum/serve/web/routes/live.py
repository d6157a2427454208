"""Live events: server-sent events from the event table."""

from __future__ import annotations

import asyncio
import json
import math
import threading
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from hilum.serve import events
from hilum.serve.database.tables import EventRow, StudyState
from hilum.serve.service import Service
from hilum.serve.web.routes.context import CallDep

__all__ = ["router", "stream_events"]

router = APIRouter(prefix="/api/v1", tags=["events"])
POLL_SECONDS = 0.5
HEARTBEAT_SECONDS = 15.0
MAX_SECONDS = 1800.0
MAX_ID = 2**62
STATES = frozenset(StudyState)


@router.get(
    "/events",
    summary="What happens, live",
    response_class=StreamingResponse,
    responses={
        200: {
            "content": {"text/event-stream": {}},
            "description": "events with `id`, `event` (kind) and `data` (study_id, state)",
        }
    },
)
async def follow(
    request: Request,
    call: CallDep,
    after: Annotated[int | None, Query(ge=0, le=MAX_ID)] = None,
    last_event_id: Annotated[str | None, Header(max_length=32)] = None,
) -> StreamingResponse:
    """Events after ``after`` or ``Last-Event-ID``, else from now on; ends with the server."""
    start = after
    if last_event_id and last_event_id.isascii() and last_event_id.isdecimal():
        start = min(int(last_event_id), MAX_ID)
    # a listener comes back now and then, so that a revoked token does not listen for ever
    until = min(time.time() + MAX_SECONDS, call.user.expires_at or math.inf)
    stream = stream_events(call.service, start, request.app.state.stopping, expires_at=until)
    headers = {"cache-control": "no-cache", "x-accel-buffering": "no"}
    return StreamingResponse(stream, media_type="text/event-stream", headers=headers)


async def stream_events(
    service: Service,
    start: int | None,
    stopping: threading.Event,
    *,
    expires_at: float | None = None,
    heartbeat_seconds: float = HEARTBEAT_SECONDS,
) -> AsyncIterator[str]:
    """Events as text, with a comment as heartbeat while nothing happens.

    Ends when ``stopping`` is set or the token of the listener has expired; the browser then
    comes back with the id of the last event that it saw.
    """
    position = await run_in_threadpool(events.last_id, service) if start is None else start
    yield "retry: 2000\n\n"
    last_sent = time.monotonic()
    while not stopping.is_set() and (expires_at is None or time.time() < expires_at):
        rows = await run_in_threadpool(events.read_after, service, position)
        for row in rows:
            yield _render(row)
            position = row.id
        if rows:
            last_sent = time.monotonic()
            continue
        if time.monotonic() - last_sent >= heartbeat_seconds:
            yield ": still here\n\n"
            last_sent = time.monotonic()
        await asyncio.sleep(POLL_SECONDS)


def _render(row: EventRow) -> str:
    data: dict[str, Any] = {"study_id": row.study_id, **row.data}
    if row.kind in STATES:
        data["state"] = row.kind
    return f"id: {row.id}\nevent: {row.kind}\ndata: {json.dumps(data)}\n\n"
