"""Images on object storage: fetched by the worker that reads them, one at a time.

The S3 API, through ``pyarrow.fs``. Endpoint and region come from the variables that other
S3 clients use, credentials from wherever pyarrow looks for them.
"""

from __future__ import annotations

import os
import posixpath
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hilum.errors import InvalidValueError, UnreadableImageError
from hilum.io import ImageSource
from hilum.io.limits import require_file_size

__all__ = [
    "ObjectSource",
    "describe_failure",
    "fetch_image",
    "fetch_object",
    "is_uri",
    "join_uri",
    "open_bucket",
]

SCHEME = "s3"
ENDPOINT_VARIABLES = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
REGION_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")
DEFAULT_REGION = "us-east-1"
CONNECT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class ObjectSource:
    """An image on object storage."""

    uri: str


@contextmanager
def fetch_image(source: ImageSource | ObjectSource) -> Iterator[ImageSource]:
    """The image on a disk: as it is, or a copy of an object that is gone after the block.

    Raises:
        UnreadableImageError: The object cannot be fetched.
        ResourceLimitError: It is larger than Hilum reads.
    """
    if isinstance(source, ImageSource):
        yield source
        return
    with tempfile.TemporaryDirectory(prefix="hilum-") as folder:
        try:
            copy = fetch_object(source.uri, Path(folder))
        except InvalidValueError as error:
            raise UnreadableImageError(str(error)) from error
        yield ImageSource.from_path(copy)


def is_uri(path: str) -> bool:
    """Whether a path names a place by its scheme.

    >>> is_uri("s3://bucket/a.dcm"), is_uri("images/a.dcm"), is_uri(r"C:\\a.dcm")
    (True, False, False)
    """
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", path) is not None


def join_uri(root: str, path: str) -> str:
    """The URI of a path relative to the folder ``root``; it stays within the bucket.

    >>> join_uri("s3://bucket/study", "images/a.dcm")
    's3://bucket/study/images/a.dcm'
    >>> join_uri("s3://bucket/study", "../../../b.dcm")
    's3://bucket/b.dcm'
    """
    parts = urlsplit(root)
    key = posixpath.normpath(posixpath.join("/", parts.path.lstrip("/"), path))
    return f"{parts.scheme}://{parts.netloc}{key}"


def fetch_object(uri: str, folder: Path) -> Path:
    """Copy an object into a folder, under its own name.

    Raises:
        InvalidValueError: It is no S3 URI, or the object cannot be fetched.
        ResourceLimitError: It is larger than Hilum reads.
    """
    system, key = open_bucket(uri)
    target = folder / key.rpartition("/")[2]
    try:
        info = system.get_file_info(key)
        if not info.is_file:
            raise InvalidValueError("the object does not exist; check the bucket and key")
        require_file_size(info.size)
        with system.open_input_stream(key) as source, target.open("wb") as copy:
            shutil.copyfileobj(source, copy, 1 << 20)
    except OSError as error:
        raise InvalidValueError(
            f"the object cannot be fetched ({describe_failure(error)}); check the credentials and "
            f"{ENDPOINT_VARIABLES[-1]}"
        ) from error
    return target


def open_bucket(uri: str) -> tuple[Any, str]:
    """The pyarrow file system that holds an object, and ``bucket/key`` within it.

    Raises:
        InvalidValueError: It is no S3 URI of an object, or the bucket's region is not found.
    """
    scheme, separator, key = uri.partition("://")
    bucket, _, name = key.partition("/")
    if not separator or scheme.lower() != SCHEME or not bucket or not name.rpartition("/")[2]:
        raise InvalidValueError("got a URI that is not read; expected s3://bucket/key")
    endpoint = next((os.environ[n] for n in ENDPOINT_VARIABLES if os.environ.get(n)), "")
    region = next((os.environ[n] for n in REGION_VARIABLES if os.environ.get(n)), "")
    try:
        return _open_system(endpoint, region, bucket), key
    except OSError as error:
        raise InvalidValueError(
            f"the bucket cannot be opened ({describe_failure(error)}); check its name and "
            f"{ENDPOINT_VARIABLES[-1]}"
        ) from error


@lru_cache(maxsize=16)
def _open_system(endpoint: str, region: str, bucket: str) -> Any:
    """The file system of a bucket, once in a process."""
    from pyarrow import fs

    timeouts = {"connect_timeout": CONNECT_SECONDS}
    if not endpoint:
        region = region or fs.resolve_s3_region(bucket)
        return fs.S3FileSystem(region=region, **timeouts)
    # Of a server that is not Amazon's, pyarrow wants host and scheme apart.
    parts = urlsplit(endpoint if is_uri(endpoint) else f"https://{endpoint}")
    return fs.S3FileSystem(
        endpoint_override=f"{parts.netloc}{parts.path.rstrip('/')}",
        scheme=parts.scheme,
        region=region or DEFAULT_REGION,
        **timeouts,
    )


def describe_failure(error: OSError) -> str:
    """What the server said, without keys and request numbers."""
    found = re.search(r"AWS Error ([A-Z_]+)(?: \(HTTP status (\d+)\))?", str(error))
    if found is None:
        return error.strerror or type(error).__name__
    return found[1] if found[2] is None else f"{found[1]}, HTTP status {found[2]}"
