"""multipart/related (RFC 2387): the body in which DICOMweb carries files."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator
from email.message import Message

from hilum.errors import InvalidValueError

__all__ = ["Multipart", "join_parts", "split_parts"]

MAX_PARTS = 2000


class Multipart:
    """A boundary and the media type of the parts."""

    def __init__(self, media_type: str) -> None:
        self.boundary = secrets.token_hex(16)
        self.part_type = media_type
        base = media_type.partition(";")[0]
        self.content_type = f'multipart/related; type="{base}"; boundary={self.boundary}'


def join_parts(parts: Iterable[bytes], multipart: Multipart) -> Iterator[bytes]:
    """The body, part by part."""
    for part in parts:
        head = f"--{multipart.boundary}\r\nContent-Type: {multipart.part_type}\r\n"
        yield f"{head}Content-Length: {len(part)}\r\n\r\n".encode()
        yield part
        yield b"\r\n"
    yield f"--{multipart.boundary}--\r\n".encode()


def split_parts(body: bytes, content_type: str) -> list[tuple[str, bytes]]:
    """Content type and content of every part.

    >>> body = b"--x\\r\\nContent-Type: a/b\\r\\n\\r\\nhello\\r\\n--x--"
    >>> split_parts(body, "multipart/related; boundary=x")
    [('a/b', b'hello')]

    Raises:
        InvalidValueError: It is no multipart body.
    """
    message = Message()
    message["Content-Type"] = content_type
    boundary = message.get_param("boundary")
    if not content_type.lower().startswith("multipart/related") or not isinstance(boundary, str):
        raise InvalidValueError("expected multipart/related with a boundary")
    chunks = (b"\r\n" + body).split(b"\r\n--" + boundary.encode("latin-1", "replace"))
    if len(chunks) < 3 or not chunks[-1].startswith(b"--"):
        raise InvalidValueError("the multipart body is cut short")
    if len(chunks) > MAX_PARTS + 2:
        raise InvalidValueError(f"send at most {MAX_PARTS} instances in one request")
    return [_split_part(chunk) for chunk in chunks[1:-1]]


def _split_part(chunk: bytes) -> tuple[str, bytes]:
    head, separator, content = chunk.lstrip(b" \t").partition(b"\r\n\r\n")
    if not separator:
        raise InvalidValueError("a part of the multipart body has no header")
    match = re.search(rb"(?im)^content-type:\s*(\S+)", head)
    return (match[1].decode("latin-1") if match else "", content)
