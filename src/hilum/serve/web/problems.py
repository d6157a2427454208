"""Every error as ``application/problem+json`` (RFC 9457): never a traceback, never patient data."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hilum.errors import (
    ArchiveError,
    ConflictError,
    ForbiddenError,
    HilumError,
    InvalidValueError,
    MissingExtraError,
    MissingModelError,
    ModelIntegrityError,
    ResourceLimitError,
    StorageError,
    UnauthorisedError,
    UnknownStudyError,
)

__all__ = ["RESPONSES", "ErrorBoundary", "Problem", "add_handlers", "problem", "status_of"]

MEDIA_TYPE = "application/problem+json"
logger = logging.getLogger(__name__)

_STATUSES: tuple[tuple[type[HilumError], int], ...] = (
    (UnknownStudyError, 404),
    (UnauthorisedError, 401),
    (ForbiddenError, 403),
    (ConflictError, 409),
    (StorageError, 507),
    (ArchiveError, 503),
    (ResourceLimitError, 413),
    (MissingModelError, 503),
    (ModelIntegrityError, 503),
    (MissingExtraError, 503),
    (InvalidValueError, 422),
)
"""The status of each error; any other error of Hilum is 422: the input could not be used."""


class Problem(BaseModel):
    """What went wrong, for people and programs."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str

    model_config = {
        "json_schema_extra": {
            "examples": [
                {
                    "type": "about:blank",
                    "title": "Not Found",
                    "status": 404,
                    "detail": "no such study",
                }
            ]
        }
    }


def _documented(status: int) -> dict[str, Any]:
    return {
        "description": HTTPStatus(status).phrase,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


RESPONSES: dict[int | str, dict[str, Any]] = {
    status: _documented(status)
    for status in (400, 401, 403, 404, 409, 413, 422, 429, 500, 503, 507)
}
"""What any route of the API may answer beside its result."""


def problem(status: int, detail: str, *, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """A response that says what went wrong."""
    content = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    return JSONResponse(content, status, dict(headers or {}), MEDIA_TYPE)


def status_of(error: HilumError) -> int:
    """The HTTP status that an error of Hilum stands for.

    >>> status_of(UnknownStudyError("no such study")), status_of(StorageError("disk full"))
    (404, 507)
    """
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 422)


def add_handlers(app: FastAPI) -> None:
    """Answer every known kind of error with a problem."""
    app.add_exception_handler(HilumError, _answer_own)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(RequestValidationError, _answer_invalid)


def _answer_own(request: Request, error: Exception) -> JSONResponse:
    del request
    assert isinstance(error, HilumError)
    return problem(status_of(error), str(error))


def _answer_http(request: Request, error: Exception) -> JSONResponse:
    del request
    assert isinstance(error, HTTPException)
    return problem(error.status_code, str(error.detail), headers=error.headers)


def _answer_invalid(request: Request, error: Exception) -> JSONResponse:
    """Say where and what was expected; what was got may be patient data and is not repeated."""
    del request
    assert isinstance(error, RequestValidationError)
    parts = []
    for item in error.errors()[:5]:
        place = ".".join(str(part) for part in item["loc"][:4])
        parts.append(f"{place[:80]}: {_expected(item)}")
    return problem(422, "; ".join(parts))


def _expected(item: Mapping[str, Any]) -> str:
    # messages of own validators ("value_error") are Hilum's and hold no value
    return str(item["msg"])


class ErrorBoundary:
    """The last resort: an error that nobody expected is logged by its kind and place only.

    The message of a foreign error may hold patient data; it goes neither out nor into a log.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application; answer 500 when it fails before its response began."""
        has_started = False

        async def watched(message: Message) -> None:
            nonlocal has_started
            has_started = has_started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:
            if scope["type"] != "http":
                raise
            logger.error(
                "unexpected error", extra={"error": type(error).__name__, "at": _place(error)}
            )
            if not has_started:
                answer = problem(
                    500, f"unexpected {type(error).__name__}; the server's log says where"
                )
                await answer(scope, receive, send)


def _place(error: BaseException) -> str:
    """File and line of the innermost frames, without values."""
    frames = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        frames.append(f"{code.co_filename.rpartition('/')[2]}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return " < ".join(reversed(frames[-6:]))
