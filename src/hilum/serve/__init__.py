"""The service: studies come in over DICOM or HTTP, are read by workers, and go out again.

The same main path as everywhere (``hilum.reading.read``); this room keeps what a department
needs around it: state, a durable queue, an audit log, standards. Importing it loads nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hilum.serve.server import serve
    from hilum.serve.service import Service, open_service
    from hilum.serve.settings import Settings, load_settings

__all__ = ["Service", "Settings", "load_settings", "open_service", "serve"]

_HOMES = {
    "Service": "service",
    "Settings": "settings",
    "load_settings": "settings",
    "open_service": "service",
    "serve": "server",
}


def __getattr__(name: str) -> Any:
    """Import a name's module the first time that the name is used (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'hilum.serve' has no attribute {name!r}")
    return getattr(importlib.import_module(f"hilum.serve.{_HOMES[name]}"), name)
