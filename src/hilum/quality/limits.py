"""The limits of the rules, from ``limits.toml``."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources

__all__ = ["limits"]


@cache
def limits(section: str) -> dict[str, float]:
    """Limits of one section: ``image``, ``exposure`` or ``anatomy``."""
    text = (resources.files("hilum.quality") / "limits.toml").read_text(encoding="utf-8")
    return {name: float(value) for name, value in tomllib.loads(text)[section].items()}
