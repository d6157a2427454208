"""Files of a reading: written beside their place and then moved there, never half written."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

from hilum.errors import InvalidValueError

__all__ = ["prepare_directory", "refuse_directory", "remove_matching", "replace_file"]


def prepare_directory(directory: Path) -> None:
    """Make a folder and try to write there, so that a long run does not fail at its end.

    Raises:
        InvalidValueError: If the folder cannot be made or written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise refuse_directory(directory, error) from error


def refuse_directory(directory: Path, error: OSError) -> InvalidValueError:
    """The error that says why a folder cannot be written."""
    reason = error.strerror or type(error).__name__
    return InvalidValueError(
        f"cannot write into {str(directory)!r} ({reason}); choose a folder that can be written"
    )


def replace_file(path: Path, data: bytes) -> None:
    """Write a file, and its folder if need be, at once or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        # mkstemp allows the owner only; a report is as readable as any new file.
        mask = os.umask(0)
        os.umask(mask)
        Path(name).chmod(0o666 & ~mask)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def remove_matching(folder: Path, names: re.Pattern[str]) -> None:
    """Remove the files of a folder whose whole name matches; a missing folder is empty."""
    if folder.is_dir():
        for path in folder.iterdir():
            if names.fullmatch(path.name):
                path.unlink()
