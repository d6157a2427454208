"""Optional libraries of the models room: imported when used, named when they are missing."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from hilum.errors import MissingExtraError

__all__ = ["import_extra"]

INSTALL = {"torchxrayvision": "pip install torchxrayvision"}


def import_extra(module: str, feature: str) -> Any:
    """Import an optional library.

    Args:
        module: Its import name, such as ``"onnx"``.
        feature: What needs it, for the message.

    Raises:
        MissingExtraError: It is not installed, or it does not load.
    """
    package = module.split(".")[0]
    try:
        return import_module(module)
    except Exception as error:  # a broken install of a large library fails in any way it likes
        how = INSTALL.get(package, "pip install 'hilum[train]'")
        raise MissingExtraError(
            f"{feature} needs {package}, which cannot be imported; {how}"
        ) from error
