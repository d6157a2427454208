"""A multipart body that is too large for memory: kept in a file, its parts read from there."""

from __future__ import annotations

import io
import re
import tempfile
from collections.abc import AsyncIterator, Iterator
from email.message import Message
from typing import BinaryIO, cast

from starlette.concurrency import run_in_threadpool

from hilum.errors import InvalidValueError

__all__ = ["split_spooled", "spool_body"]

MAX_PARTS = 2000
MEMORY_BYTES = 1 << 20
"""Bodies up to this size stay in memory."""
CHUNK_BYTES = 1 << 20
MAX_HEAD_BYTES = 1 << 14


async def spool_body(chunks: AsyncIterator[bytes]) -> BinaryIO:
    """Write a body to a temporary file as it comes; the file is gone when it is closed."""
    file = cast(BinaryIO, tempfile.SpooledTemporaryFile(MEMORY_BYTES))  # noqa: SIM115
    try:
        async for chunk in chunks:
            await run_in_threadpool(file.write, chunk)
    except BaseException:
        file.close()
        raise
    return file


def split_spooled(body: BinaryIO, content_type: str) -> list[tuple[str, BinaryIO]]:
    """Content type and content of every part of a body.

    The contents are windows on ``body``, to be read one after the other while it is open.

    >>> body = io.BytesIO(b"--x\\r\\nContent-Type: a/b\\r\\n\\r\\nhello\\r\\n--x--")
    >>> [(kind, part.read()) for kind, part in split_spooled(body, "multipart/related; boundary=x")]
    [('a/b', b'hello')]

    Raises:
        InvalidValueError: It is no multipart body.
    """
    message = Message()
    message["Content-Type"] = content_type
    boundary = message.get_param("boundary")
    if not content_type.lower().startswith("multipart/related") or not isinstance(boundary, str):
        raise InvalidValueError("expected multipart/related with a boundary")
    delimiter = b"\r\n--" + boundary.encode("latin-1", "replace")
    places = []
    for place in _find(body, delimiter):
        places.append(place)
        if len(places) > MAX_PARTS + 1:
            raise InvalidValueError(f"send at most {MAX_PARTS} instances in one request")
    if len(places) < 2 or _read_at(body, places[-1] + len(delimiter), 2) != b"--":
        raise InvalidValueError("the multipart body is cut short")
    starts = [place + len(delimiter) for place in places[:-1]]
    return [_open_part(body, start, end) for start, end in zip(starts, places[1:], strict=True)]


def _find(body: BinaryIO, delimiter: bytes) -> Iterator[int]:
    """Where the delimiter stands; the first may begin the body, without its line break."""
    offset, held = -2, b"\r\n"
    body.seek(0)
    while chunk := body.read(CHUNK_BYTES):
        held += chunk
        at = held.find(delimiter)
        while at >= 0:
            yield offset + at
            end = at + len(delimiter)
            held, offset = held[end:], offset + end
            at = held.find(delimiter)
        keep = min(len(held), len(delimiter) - 1)
        offset += len(held) - keep
        held = held[len(held) - keep :]


def _read_at(body: BinaryIO, place: int, size: int) -> bytes:
    body.seek(place)
    return body.read(size)


def _open_part(body: BinaryIO, start: int, end: int) -> tuple[str, BinaryIO]:
    head = _read_at(body, start, min(MAX_HEAD_BYTES, end - start))
    blank = head.find(b"\r\n\r\n")
    if blank < 0:
        raise InvalidValueError("a part of the multipart body has no header")
    match = re.search(rb"(?im)^content-type:\s*(\S+)", head[:blank])
    window = io.BufferedReader(_Window(body, start + blank + 4, end))
    return (match[1].decode("latin-1") if match else "", cast(BinaryIO, window))


class _Window(io.RawIOBase):
    """Part of a file, as a file."""

    def __init__(self, file: BinaryIO, start: int, end: int) -> None:
        self._file, self._start, self._end = file, start, end
        self._at = 0

    def readable(self) -> bool:
        """It is read."""
        return True

    def seekable(self) -> bool:
        """And read again."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """As for any file."""
        base = (0, self._at, self._end - self._start)[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill the buffer from where the window stands."""
        left = max(0, self._end - self._start - self._at)
        self._file.seek(self._start + self._at)
        data = self._file.read(min(left, len(buffer)))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
