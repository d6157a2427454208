"""A PostgreSQL of the test's own: in a folder, on a free port, gone with the test."""

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def find_programs() -> Path | None:
    """The folder of initdb and pg_ctl, None where PostgreSQL's server is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    initdb = shutil.which("initdb")
    return Path(initdb).parent if initdb else None


def _account() -> list[str]:
    """PostgreSQL does not run as root: the account that its package makes runs it."""
    if os.getuid() != 0:
        return []
    try:
        pwd.getpwnam("postgres")
    except KeyError:
        pytest.skip("PostgreSQL does not run as root and there is no account named postgres")
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """The URL of an empty database."""
    programs = find_programs()
    if programs is None:
        pytest.skip("PostgreSQL's server is not installed")
    prefix = _account()
    place = Path("/tmp") / f"hilum-postgres-{os.getpid()}-{folder.name}"
    place.mkdir(mode=0o700)
    if prefix:
        shutil.chown(place, "postgres", "postgres")
    port = free_port()

    def run(*command: str) -> None:
        subprocess.run([*prefix, *command], check=True, capture_output=True, cwd="/tmp")

    try:
        run(f"{programs}/initdb", "-D", f"{place}/data", "-U", "hilum", "--auth=trust", "-N")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -k {place} -c fsync=off"
        control = (f"{programs}/pg_ctl", "-D", f"{place}/data", "-w")
        run(*control, "-l", f"{place}/log", "-o", options, "start")
        try:
            yield f"postgresql+psycopg://hilum@127.0.0.1:{port}/postgres"
        finally:
            run(*control, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(place, ignore_errors=True)
