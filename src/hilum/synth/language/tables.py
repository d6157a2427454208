"""The tables of the phantom's language: phrases, sentences, devices, what may be denied."""

from __future__ import annotations

import csv
import tomllib
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

__all__ = [
    "Negative",
    "device_table",
    "negatives",
    "phrase_table",
    "referring_table",
    "sentence_table",
]


class Negative(NamedTuple):
    """A finding that a report may deny, in which words, and what must not be there for it."""

    name: str
    group: str
    term: str
    blocked_by: tuple[str, ...]


def _read(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


@cache
def phrase_table() -> dict[str, dict[str, Any]]:
    """Noun phrases by finding (``phrases.toml``)."""
    return tomllib.loads(_read("phrases.toml"))


@cache
def sentence_table() -> dict[str, Any]:
    """Frames of sentences and styles (``sentences.toml``)."""
    return tomllib.loads(_read("sentences.toml"))


@cache
def device_table() -> dict[str, dict[str, Any]]:
    """Sentences by device and place of its tip (``devices.toml``)."""
    return tomllib.loads(_read("devices.toml"))


@cache
def referring_table() -> dict[str, dict[str, Any]]:
    """Structures and landmarks by words (``referring.toml``)."""
    return tomllib.loads(_read("referring.toml"))


@cache
def negatives() -> tuple[Negative, ...]:
    """The rows of ``negatives.csv``."""
    return tuple(
        Negative(row["name"], row["group"], row["term"], tuple(row["blocked_by"].split("|")))
        for row in csv.DictReader(_read("negatives.csv").splitlines())
    )
