"""Limits: how much one request may hold, and how many one client may send."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hilum.errors import StorageError
from hilum.serve.files import MEGABYTE, FileStore
from hilum.serve.web.problems import problem

__all__ = ["BodyLimit", "Bucket", "RateLimit", "client_of"]

MAX_CLIENTS = 10_000
JSON_BYTES = MEGABYTE
"""Largest body of a request that brings no files."""
SPACE_CHECK_BYTES = 16 * MEGABYTE
"""After so much of a body the free space is looked at again."""
LINGER_BYTES = 8 * MEGABYTE
"""A refused body up to this size is read to its end, so that the answer arrives: what is left
unread resets the connection, and the sender sees that instead (RFC 9112, 9.6)."""
UPLOADS = ("/api/v1/studies", "/dicom-web/")


def client_of(scope: Scope) -> str:
    """The address of the peer."""
    client = scope.get("client")
    return str(client[0]) if client else "unknown"


class BodyLimit:
    """Refuses bodies that are too large with 413.

    A declared length is refused before anything is read; a body that grows past its limit,
    in the middle: what came so far lies in a temporary file that is then removed. An upload
    that the disk has no room for is refused with 507 in the same two ways.
    """

    def __init__(self, app: ASGIApp, *, max_upload_mb: int, files: FileStore) -> None:
        self.app = app
        self.max_bytes = max_upload_mb * MEGABYTE
        self.files = files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a counted body."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = self._limit(scope["path"])
        declared = Headers(scope=scope).get("content-length", "0")
        if not declared.isdecimal() or int(declared) > limit:
            await _read_off(receive, declared)
            await _refused(413, _too_large(limit))(scope, receive, send)
            return
        if not self._is_upload(scope["path"]):
            await self.app(scope, _counted(receive, limit), send)
            return
        try:
            self.files.require_space(int(declared))
        except StorageError as error:
            await _read_off(receive, declared)
            await _refused(507, str(error))(scope, receive, send)
            return
        await self.app(scope, _counted(receive, limit, self.files), send)

    def _limit(self, path: str) -> int:
        return self.max_bytes if self._is_upload(path) else min(JSON_BYTES, self.max_bytes)

    def _is_upload(self, path: str) -> bool:
        return path.rstrip("/") == UPLOADS[0] or path.startswith(UPLOADS[1])


def _refused(status: int, detail: str) -> ASGIApp:
    return problem(status, detail, headers={"connection": "close"})


async def _read_off(receive: Receive, declared: str) -> None:
    """Read a refused body to its end and drop it, unless it is said or found to be large."""
    if not declared.isdecimal() or int(declared) > LINGER_BYTES:
        return
    size, has_more = 0, True
    while has_more and size <= LINGER_BYTES:
        message = await receive()
        size += len(message.get("body", b""))
        has_more = message.get("more_body", False)


def _counted(receive: Receive, limit: int, files: FileStore | None = None) -> Receive:
    size = checked = 0

    async def counted() -> Message:
        nonlocal size, checked
        message = await receive()
        size += len(message.get("body", b""))
        if size > limit:
            raise too_large(limit)
        if files is not None and size - checked > SPACE_CHECK_BYTES:
            checked = size
            try:
                files.require_space()
            except StorageError as error:
                raise HTTPException(507, str(error), {"connection": "close"}) from error
        return message

    return counted


def too_large(limit: int) -> HTTPException:
    """The one kind of error that FastAPI lets through while it reads a body."""
    return HTTPException(413, _too_large(limit), {"connection": "close"})


def _too_large(limit: int) -> str:
    return f"the request is larger than {limit // MEGABYTE} MB; send fewer files at a time"


class Bucket:
    """Tokens of each client: ``rate`` a minute, of which ``burst`` may come at once.

    Args:
        rate: Requests a minute.
        clock: Seconds that only grow.
        burst: A sixth of ``rate`` where it is not given.
    """

    def __init__(
        self,
        rate: int,
        clock: Callable[[], float] = time.monotonic,
        *,
        burst: float | None = None,
    ) -> None:
        self.per_second = rate / 60.0
        self.capacity = max(1.0, rate / 6.0 if burst is None else burst)
        self.clock = clock
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str) -> float:
        """Take one token; seconds to wait when there is none, else 0."""
        now = self.clock()
        level, then = self._levels.pop(client, (self.capacity, now))
        level = min(self.capacity, level + (now - then) * self.per_second)
        wait = 0.0 if level >= 1.0 else (1.0 - level) / self.per_second
        self._levels[client] = (level - 1.0 if wait == 0.0 else level, now)
        if len(self._levels) > MAX_CLIENTS:
            self._levels.popitem(last=False)
        return wait

    def give_back(self, client: str) -> None:
        """Give back a token that was taken: what it was for does not count."""
        if client in self._levels:
            level, then = self._levels[client]
            self._levels[client] = (min(self.capacity, level + 1.0), then)


class RateLimit:
    """Refuses what a client sends too often with 429, before its token is looked at."""

    def __init__(self, app: ASGIApp, *, bucket: Bucket) -> None:
        self.app = app
        self.bucket = bucket

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 429 with the seconds to wait."""
        if scope["type"] == "http":
            wait = self.bucket.take(client_of(scope))
            if wait > 0.0:
                headers = {"retry-after": str(max(1, round(wait + 0.5)))}
                refused = problem(429, "too many requests; wait and try again", headers=headers)
                await refused(scope, receive, send)
                return
        await self.app(scope, receive, send)
