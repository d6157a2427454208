"""Hilum reads chest radiographs: ``hilum.read(hilum.open_study(path))``.

For research and teaching only. Not a medical device, not for diagnosis.

Importing this package loads nothing heavy; the rooms are imported when a name is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from hilum._version import __version__
from hilum.errors import HilumError

if TYPE_CHECKING:
    from hilum.export import render_html, render_text, write_reading
    from hilum.io import open_study
    from hilum.reading import read
    from hilum.types import (
        DISCLAIMER,
        Box,
        Context,
        Finding,
        Measurement,
        Radiograph,
        Reading,
        Status,
        Study,
    )

__all__ = [
    "DISCLAIMER",
    "Box",
    "Context",
    "Finding",
    "HilumError",
    "Measurement",
    "Radiograph",
    "Reading",
    "Status",
    "Study",
    "__version__",
    "open_study",
    "read",
    "render_html",
    "render_text",
    "write_reading",
]

_HOMES = {
    "open_study": "hilum.io",
    "read": "hilum.reading",
    "render_html": "hilum.export",
    "render_text": "hilum.export",
    "write_reading": "hilum.export",
}


def __getattr__(name: str) -> Any:
    """Import a public name's room the first time that the name is used (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module 'hilum' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES.get(name, "hilum.types")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
