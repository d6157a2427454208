"""The command line as a user runs it: another process."""

from __future__ import annotations

import os
import subprocess
import sys

__all__ = ["START", "hilum"]

START = [sys.executable, "-c", "from hilum.cli import main; main()"]


def hilum(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run ``hilum`` with arguments; a traceback fails the test, whatever it is about."""
    done = subprocess.run(
        [*START, *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "COLUMNS": "120", "PYTHONUTF8": "1"},
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done
