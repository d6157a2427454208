"""multipart/related (RFC 2387): the body in which DICOMweb carries files."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator

__all__ = ["Multipart", "Part", "join_parts"]

Part = tuple[str, bytes]
"""Content type and content."""


class Multipart:
    """A boundary and the media type of the parts."""

    def __init__(self, media_type: str) -> None:
        self.boundary = secrets.token_hex(16)
        self.content_type = f'multipart/related; type="{media_type}"; boundary={self.boundary}'


def join_parts(parts: Iterable[Part], multipart: Multipart) -> Iterator[bytes]:
    """The body, part by part."""
    for kind, content in parts:
        head = f"--{multipart.boundary}\r\nContent-Type: {kind}\r\n"
        yield f"{head}Content-Length: {len(content)}\r\n\r\n".encode()
        yield content
        yield b"\r\n"
    yield f"--{multipart.boundary}--\r\n".encode()
