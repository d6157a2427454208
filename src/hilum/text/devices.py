"""Tips of tubes and lines: where they are said to lie, and whether that is right."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from hilum.text.rows import read_rows

__all__ = ["has_tip", "is_tip_place", "position_at"]


class _TipPlace(NamedTuple):
    position: str
    devices: frozenset[str]


@cache
def _tip_places() -> dict[str, _TipPlace]:
    return {
        row["place"]: _TipPlace(row["position"], frozenset(row["devices"].split("|")))
        for row in read_rows("tip_places.csv")
    }


@cache
def _tip_devices() -> frozenset[str]:
    return frozenset(row["name"] for row in read_rows("tip_devices.csv"))


def has_tip(device: str) -> bool:
    """Whether reports say where the tip of such a device lies."""
    return device in _tip_devices()


def is_tip_place(place: str) -> bool:
    """Whether a place said of a tube or line is that of its tip without the word tip."""
    return place in _tip_places()


def position_at(device: str, place: str) -> str:
    """What a tip at a place means for a device by itself: ``malpositioned`` or empty.

    >>> position_at("endotracheal_tube", "main_bronchus")
    'malpositioned'
    """
    known = _tip_places().get(place)
    return known.position if known and device in known.devices else ""
