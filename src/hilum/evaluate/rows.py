"""The room's own tables: rows of TOML files beside the code, found by name."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Any, TypeVar

from hilum.errors import InvalidValueError

__all__ = ["find_named", "read_rows"]

Row = TypeVar("Row")


def read_rows(package: str, *path: str, key: str) -> list[dict[str, Any]]:
    """The tables ``[[key]]`` of a TOML file inside a package, in their order."""
    text = resources.files(package).joinpath(*path).read_text(encoding="utf-8")
    rows: list[dict[str, Any]] = tomllib.loads(text)[key]
    return rows


def find_named(rows: Mapping[str, Row], name: str, *, what: str) -> Row:
    """The row of that name; ``what`` says in the message what a row is.

    Raises:
        InvalidValueError: There is none; the message lists those there are.
    """
    if name not in rows:
        raise InvalidValueError(f"unknown {what} {name!r}; one of {', '.join(rows)}")
    return rows[name]
