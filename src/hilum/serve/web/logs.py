"""Structured logs: one JSON object a line, without patient data.

Of a request only method, route, status, time, user and client are logged: neither the query
(it may hold a name that was searched for) nor the body. Messages of foreign errors are left out.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
from typing import IO, Any

__all__ = ["JsonFormatter", "configure_logs", "silence_libraries"]

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
QUIET = ("uvicorn.access", "httpx", "urllib3", "pydicom", "pynetdicom", "dicomweb_client")
"""Loggers whose lines may hold queries, names or identifiers."""


class JsonFormatter(logging.Formatter):
    """A log record as one line of JSON: time, level, logger, message and the extra fields."""

    def format(self, record: logging.LogRecord) -> str:
        """The record; of an exception its type alone."""
        entry: dict[str, Any] = {
            "time": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(
                timespec="milliseconds"
            ),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        extra = {k: v for k, v in vars(record).items() if k not in _OWN and not k.startswith("_")}
        extra.pop("color_message", None)  # uvicorn's own colouring of the same message
        entry |= extra
        if record.exc_info and record.exc_info[0] is not None:
            entry["error"] = record.exc_info[0].__name__
        return json.dumps(entry, default=str, ensure_ascii=False)


def configure_logs(stream: IO[str] | None = None, *, level: int = logging.INFO) -> logging.Handler:
    """Send the logs of Hilum and of the HTTP server to ``stream`` (standard error) as JSON.

    Returns:
        The handler, to be removed again.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    for name in ("hilum", "uvicorn"):
        log = logging.getLogger(name)
        log.handlers = [handler]
        log.setLevel(level)
        log.propagate = False
    silence_libraries()
    return handler


def silence_libraries() -> None:
    """Keep the lines and tracebacks of ``QUIET`` away from every handler.

    Without a handler of their own, Python would write warnings to standard error.
    """
    for name in QUIET:
        log = logging.getLogger(name)
        log.handlers = [logging.NullHandler()]
        log.setLevel(logging.WARNING)
        log.propagate = False
