"""What every benchmark here shares: the files, the quartiles, the table, the versions."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import statistics
from collections.abc import Sequence
from pathlib import Path

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def demo_image() -> Path:
    """The chest PA of the pydicom-data wheel (JPEG 2000, 1955 x 1841)."""
    from data_store import DataStore

    return Path(DataStore().get_path("RG1_J2KR.dcm"))


def radiographs(count: int) -> dict[str, list[Path]]:
    """Real chest radiographs by kind: DICOM files, and ``count`` JPEGs of 512 pixels."""
    dicom = sorted((SHARED_DATA / "dicom").glob("chest_*.dcm")) or [demo_image()]
    jpeg = sorted((SHARED_DATA / "nih" / "images").glob("*.jpg"))
    spread = jpeg[:: max(1, len(jpeg) // count)][:count] if jpeg else []
    groups = {"DICOM, 1024 to 1955 px": dicom, "JPEG, 512 px": spread}
    return {name: files for name, files in groups.items() if files}


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Lower quartile, median and upper quartile."""
    if len(values) < 2:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


def spread(values: Sequence[float], *, scale: float = 1.0, digits: int = 0) -> str:
    """``median (lower to upper quartile)``."""
    low, middle, high = (f"{value * scale:.{digits}f}" for value in quartiles(values))
    return f"{middle} ({low} to {high})"


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def machine(*packages: str) -> str:
    """One line on the processor and the versions of the packages."""
    info = Path("/proc/cpuinfo")
    names = [
        line.partition(":")[2].strip()
        for line in (info.read_text().splitlines() if info.exists() else [])
        if line.startswith("model name")
    ]
    processor = names[0] if names else platform.processor() or platform.machine()
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    return (
        f"{processor}, {os.cpu_count()} cores; Python {platform.python_version()}, {versions}; "
        f"load average at the end {os.getloadavg()[0]:.1f}"
    )
