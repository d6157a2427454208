"""The codes that the gate may give, their kind and their sentence, from one table."""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources

from hilum.types import Issue

__all__ = ["issue", "issue_table", "read_table"]


def read_table(name: str) -> list[dict[str, str]]:
    """The rows of a CSV table of this room."""
    text = (resources.files("hilum.quality") / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@cache
def issue_table() -> dict[str, tuple[str, str]]:
    """Code to its kind (``refusal`` or ``warning``) and its sentence with ``{detail}``."""
    return {row["code"]: (row["kind"], row["message"]) for row in read_table("issues.csv")}


def issue(code: str, detail: str = "") -> Issue:
    """The issue of that code; ``detail`` fills its sentence.

    >>> issue("too_small", "8 x 8").message
    'The image has 8 x 8 pixels; at least 64 a side are needed.'
    """
    return Issue(code, issue_table()[code][1].format(detail=detail))
