"""Live events: server-sent events from the event table."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from hilum.errors import HilumError, UnauthorisedError
from hilum.serve import events
from hilum.serve.database.tables import EventRow, StudyState
from hilum.serve.service import Service
from hilum.serve.web.routes.context import CallDep
from hilum.serve.web.security import Authenticator

__all__ = ["router", "stream_events"]

router = APIRouter(prefix="/api/v1", tags=["events"])
POLL_SECONDS = 0.5
HEARTBEAT_SECONDS = 15.0
MAX_SECONDS = 1800.0
CHECK_SECONDS = 3.0
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
    authenticator: Authenticator = request.app.state.authenticator
    headers_asked = request.headers

    def is_known() -> bool:
        """Whether the listener may still listen: not signed out, revoked or expired."""
        try:
            authenticator.find_user(headers_asked)
        except UnauthorisedError:
            return False
        except HilumError:
            return True  # a database or provider that is away for a moment ends no stream
        return True

    stream = stream_events(
        call.service,
        start,
        request.app.state.stopping,
        expires_at=time.time() + MAX_SECONDS,
        is_known=is_known,
    )
    headers = {"cache-control": "no-cache", "x-accel-buffering": "no"}
    return StreamingResponse(stream, media_type="text/event-stream", headers=headers)


async def stream_events(
    service: Service,
    start: int | None,
    stopping: threading.Event,
    *,
    expires_at: float | None = None,
    heartbeat_seconds: float = HEARTBEAT_SECONDS,
    is_known: Callable[[], bool] = lambda: True,
    check_seconds: float = CHECK_SECONDS,
) -> AsyncIterator[str]:
    """Events as text, with a comment as heartbeat while nothing happens.

    Ends when ``stopping`` is set or ``expires_at`` (seconds since 1970) has come; the browser
    then comes back with the id of the last event that it saw. Ends with the event
    ``signed_out`` when ``is_known``, asked every ``check_seconds``, no longer holds.
    """
    position = await run_in_threadpool(events.last_id, service) if start is None else start
    yield "retry: 2000\n\n"
    last_sent = last_check = time.monotonic()
    while not stopping.is_set() and (expires_at is None or time.time() < expires_at):
        if time.monotonic() - last_check >= check_seconds:
            last_check = time.monotonic()
            if not await run_in_threadpool(is_known):
                yield "event: signed_out\ndata: {}\n\n"
                return
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
