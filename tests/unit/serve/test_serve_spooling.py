"""A body in a file is split as it stands there, whatever its chunks and boundaries are."""

import asyncio
import io
import re
from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.errors import InvalidValueError
from hilum.serve.dicomweb import spooling
from hilum.serve.dicomweb.multipart import Multipart, join_parts
from hilum.serve.dicomweb.spooling import split_spooled, spool_body

TYPE = "multipart/related; boundary=x"
# contents that hold pieces of the boundary and of line breaks
PIECES = st.sampled_from([b"\r\n", b"--", b"x", b"\r\n--", b"\r", b"\n", b"abc", b"\0" * 40])
CONTENTS = st.lists(PIECES, max_size=12).map(b"".join)


def as_body(contents: list[bytes]) -> bytes:
    parts = [b"--x\r\nContent-Type: application/dicom\r\n\r\n" + c + b"\r\n" for c in contents]
    return b"".join(parts) + b"--x--\r\n"


def split(body: bytes) -> list[tuple[str, bytes]]:
    return [(kind, part.read()) for kind, part in split_spooled(io.BytesIO(body), TYPE)]


@settings(max_examples=80, deadline=None)
@given(contents=st.lists(CONTENTS, min_size=1, max_size=5), chunk=st.integers(1, 90))
def test_every_part_comes_back(contents: list[bytes], chunk: int) -> None:
    whole = [content for content in contents if b"\r\n--x" not in b"\r\n" + content]
    if not whole:
        return
    body = as_body(whole)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spooling, "CHUNK_BYTES", chunk)
        assert split(body) == [("application/dicom", content) for content in whole]


def test_a_part_is_read_again_from_its_start() -> None:
    body = io.BytesIO(as_body([b"0123456789", b"abc"]))
    (_, first), (_, second) = split_spooled(body, TYPE)
    assert (first.read(4), second.read(), first.read(), first.seek(-2, io.SEEK_END)) == (
        *(b"0123", b"abc", b"456789"),
        8,
    )
    assert first.read() == b"89"


def test_our_own_bodies_are_understood() -> None:
    multipart = Multipart("application/dicom")
    body = b"".join(
        join_parts([("application/dicom", part) for part in (b"one", b"two\r\n")], multipart)
    )
    found = split_spooled(io.BytesIO(body), multipart.content_type)
    assert [part.read() for _, part in found] == [b"one", b"two\r\n"]


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        (b"", TYPE, "cut short"),
        (as_body([b"abc"])[:-6], TYPE, "cut short"),
        (b"--x\r\nno header\r\n--x--", TYPE, "no header"),
        (as_body([b"abc"]), "multipart/form-data; boundary=x", "expected multipart/related"),
        (as_body([b"abc"]), "multipart/related", "with a boundary"),
        (as_body([b""] * 2001), TYPE, "at most 2000"),
    ],
)
def test_what_is_no_body_is_refused(body: bytes, kind: str, message: str) -> None:
    with pytest.raises(InvalidValueError, match=re.escape(message)):
        split_spooled(io.BytesIO(body), kind)


def test_a_body_that_breaks_off_leaves_no_file() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"abc"
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        asyncio.run(spool_body(chunks()))

    async def whole() -> AsyncIterator[bytes]:
        yield b"abc"
        yield b"def"

    with asyncio.run(spool_body(whole())) as file:
        file.seek(0)
        assert file.read() == b"abcdef"
