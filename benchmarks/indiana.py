"""The Indiana reports, read from TorchXRayVision's wheel (which is never imported).

3,955 reports with MeSH tags (Demner-Fushman et al. 2016), CC BY-NC-ND 4.0: for development and
evaluation only; nothing trained on them is shipped.
"""

from __future__ import annotations

import importlib.util
import tarfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = ["IndianaReport", "read_indiana"]

SECTIONS = ("COMPARISON", "INDICATION", "FINDINGS", "IMPRESSION")


class IndianaReport(NamedTuple):
    """One report: its number, its sections' texts by name, its text, its major MeSH tags."""

    number: str
    parts: dict[str, str]
    text: str
    tags: tuple[str, ...]


def archive() -> Path:
    """The archive of reports in TorchXRayVision's package."""
    spec = importlib.util.find_spec("torchxrayvision")
    if spec is None or spec.origin is None:
        raise SystemExit("install torchxrayvision (pip install --no-deps) for its reports")
    return Path(spec.origin).parent / "data" / "NLMCXR_reports.tgz"


def read_indiana() -> list[IndianaReport]:
    """Every report, in order of its number."""
    return sorted(_read(), key=lambda report: int(report.number))


def _read() -> Iterator[IndianaReport]:
    with tarfile.open(archive()) as reports:
        for member in reports:
            stream = reports.extractfile(member)
            if stream is None or not member.name.endswith(".xml"):
                continue
            root = ET.parse(stream).getroot()
            found = {node.get("Label"): node.text or "" for node in root.iter("AbstractText")}
            parts = {name: found[name] for name in SECTIONS if found.get(name)}
            text = "\n".join(f"{name}: {part}" for name, part in parts.items())
            tags = tuple(node.text or "" for node in root.iter("major"))
            yield IndianaReport(Path(member.name).stem, parts, text, tags)
