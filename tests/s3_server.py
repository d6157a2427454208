"""A real S3 API server on loopback for tests: moto, in a process of its own.

It is started with the Python named in ``HILUM_MOTO_PYTHON`` or with this one; where neither
has moto, the tests skip.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

PYTHON = os.environ.get("HILUM_MOTO_PYTHON", sys.executable)
SERVE = "from moto.server import main; main(['-H', '127.0.0.1', '-p', '0'])"
BUCKET = "radiographs"


@contextmanager
def serve_s3() -> Iterator[str]:
    """Endpoint of an empty server that ends with the block."""
    probe = subprocess.run([PYTHON, "-c", "import moto.server"], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip("moto[s3,server] is not installed")
    process = subprocess.Popen(
        [PYTHON, "-c", SERVE], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stderr is not None
        found = None
        while found is None:
            line = process.stderr.readline()
            assert line, "the server ended before it listened"
            found = re.search(r"Running on (http://127\.0\.0\.1:\d+)", line)
        # Its log of requests is drained, or the pipe fills and the server stops.
        drain = subprocess.Popen(["cat"], stdin=process.stderr, stdout=subprocess.DEVNULL)
        yield found[1]
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
        if "drain" in locals():
            drain.wait()


def open_bucket(endpoint: str) -> Any:
    """A client that may write, with the bucket made."""
    from pyarrow import fs

    system = fs.S3FileSystem(
        endpoint_override=urlsplit(endpoint).netloc,
        scheme="http",
        region="us-east-1",
        access_key="test",
        secret_key="test",
        allow_bucket_creation=True,
    )
    system.create_dir(BUCKET)
    return system
