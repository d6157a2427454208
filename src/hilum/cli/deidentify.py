"""``hilum deidentify``: copies of DICOM files without identity."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from hilum.errors import HilumError, InvalidValueError

__all__ = ["deidentify", "read_secret"]

EXIT_NOTHING_READABLE = 3
AUDIT = "audit.jsonl"


def deidentify(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="DICOM files, or folders of them.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder of the copies; made when missing.")],
    secret_file: Annotated[
        Path,
        typer.Option(
            "--secret-file",
            help="At least 16 secret bytes, from which stand-ins, UIDs and the shift of dates "
            "are derived: the same secret gives the same copies.",
        ),
    ],
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--option",
            help="An option of PS3.15 beside the basic profile, such as clean_pixel_data or "
            "retain_modified_dates; repeatable.",
        ),
    ] = None,
    known: Annotated[
        list[str] | None, typer.Option("--known", help="A name that must not remain; repeatable.")
    ] = None,
) -> None:
    """Copy DICOM files without names, dates, identifiers and UIDs (PS3.15 Basic Profile).

    Copies are named by their new instance UID; audit.jsonl says what was done to each and which
    files could not be copied. No program finds everything: look at a sample before you share.
    Exit codes: 0 copied, 2 wrong usage, 3 no file could be copied.
    """
    from hilum.io.deidentify_profile import read_profile

    read_profile(frozenset(option or ()))  # a wrong option is told before the first file
    settings = {
        "keys": partial(_key, read_secret(secret_file)),
        "options": tuple(option or ()),
        "known": tuple(known or ()),
    }
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidValueError(f"--out {out}: {error.strerror}; name a folder") from error
    console, counts = Console(stderr=True), Counter[str]()
    with (out / AUDIT).open("w", encoding="utf-8") as audit:
        for number, source in enumerate(_files(paths), start=1):
            entry = _copy(source, out, settings)
            counts["failed" if "error" in entry else "copied"] += 1
            audit.write(json.dumps({"file": number, **entry}) + "\n")
            if "error" in entry:
                console.print(f"file {number}: {entry['error']}", markup=False, soft_wrap=True)
    console.print(
        f"{counts['copied']} copied to {out}, {counts['failed']} failed ({AUDIT}).",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    if not counts["copied"]:
        raise typer.Exit(EXIT_NOTHING_READABLE)


def read_secret(path: Path) -> bytes:
    """The bytes of a secret file.

    Raises:
        InvalidValueError: It cannot be read or is too short.
    """
    from hilum.text import PatientKey

    try:
        secret = path.read_bytes()
    except OSError as error:
        raise InvalidValueError(f"--secret-file cannot be read: {error.strerror}") from error
    PatientKey(secret, "")  # says how long it must be
    return secret


def _key(secret: bytes, patient: str) -> Any:
    from hilum.text import PatientKey

    return PatientKey(secret, patient)


def _files(paths: list[Path]) -> list[Path]:
    """Every file, folders walked in order.

    Raises:
        InvalidValueError: A path does not exist.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(child for child in path.rglob("*") if child.is_file())
        elif path.is_file():
            found.append(path)
        else:
            raise InvalidValueError(f"no file or folder {str(path)!r}")
    return found


def _copy(source: Path, out: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Copy one file; its entry in the audit, which never holds a name or a path of the source."""
    import pydicom

    from hilum.io.deidentify import deidentify_file
    from hilum.text.deidentify import clean_text

    with tempfile.TemporaryDirectory(dir=out, prefix=".part-") as folder:
        part = Path(folder) / "copy.dcm"
        try:
            audit = deidentify_file(source, part, clean_text=clean_text, **settings)
        except (HilumError, OSError) as error:
            return {"error": str(error)}
        uid = str(pydicom.dcmread(part, stop_before_pixels=True).SOPInstanceUID)
        part.replace(out / f"{uid}.dcm")
    done: dict[str, Any] = {"copy": f"{uid}.dcm", "actions": audit.counts()}
    return done | {"options": list(audit.options), "blanked_boxes": audit.blanked_boxes}
