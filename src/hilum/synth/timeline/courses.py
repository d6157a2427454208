"""Courses of disease: findings that grow and shrink, devices that come and go."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any

import numpy as np

from hilum.synth.types import DeviceSpec, FindingSpec

__all__ = ["DeviceStay", "Track", "advance", "course_table", "draw_stays", "draw_tracks"]


@dataclass(frozen=True, slots=True)
class Track:
    """One finding over time.

    ``onset`` is the index of the study at which it appears; ``rates`` are its change of extent
    a day, untreated and treated; ``doubling_days`` that of its volume where it has a size.
    """

    spec: FindingSpec
    onset: int
    rates: tuple[float, float]
    doubling_days: float = 0.0
    is_gone: bool = False


@dataclass(frozen=True, slots=True)
class DeviceStay:
    """One device over time: at the studies ``first`` to ``last``, and the names of the events."""

    spec: DeviceSpec
    first: int
    last: int
    placed: str
    removed: str

    def at(self, index: int) -> DeviceSpec | None:
        """The device at a study, None where it is not there; misplaced only at first."""
        if not self.first <= index <= self.last:
            return None
        return self.spec if index == self.first else replace(self.spec, is_correct=True)


@cache
def course_table() -> dict[str, Any]:
    """The table ``courses.toml``."""
    text = resources.files(__package__).joinpath("courses.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def draw_tracks(course: Mapping[str, Any], rng: np.random.Generator) -> list[Track]:
    """The findings of a course for one patient; each keeps its side, place and seed."""
    tracks, side = list[Track](), ""
    for row in course["findings"]:
        if rng.random() >= row.get("prob", 1.0):
            continue
        own = side if row.get("same_side") else str(rng.choice(row["sides"]))
        side = own if own in ("left", "right") else side
        place = str(rng.choice(row["places"])) if "places" in row else ""
        if place == "middle_lobe" and own == "left":
            place = "lingula"
        low, high = row.get("onset", (0, 0))
        size = float(rng.uniform(*row["size_mm"])) if "size_mm" in row else 0.0
        spec = FindingSpec(
            row["name"],
            own,
            place,
            float(rng.uniform(*row["extent"])),
            size,
            _kind(row),
            _seed(rng),
        )
        rates = [float(rng.uniform(*row.get(key, (0.0, 0.0)))) for key in ("untreated", "treated")]
        doubling = float(rng.uniform(*row["doubling_days"])) if "doubling_days" in row else 0.0
        onset = int(rng.integers(low, high + 1))
        tracks.append(Track(spec, onset, (rates[0], rates[1]), doubling))
    return [*tracks, *_background(tracks, rng)]


def _kind(row: Mapping[str, Any]) -> str:
    return str(row.get("kind", ""))


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(2**31))


def _background(tracks: Sequence[Track], rng: np.random.Generator) -> list[Track]:
    """Something old that has nothing to do with the course, and never changes."""
    table = course_table()
    if rng.random() >= table["background_prob"]:
        return []
    name = str(rng.choice(table["background"]))
    if any(track.spec.name == name for track in tracks):
        return []
    spec = FindingSpec(name, extent=float(rng.uniform(0.3, 0.8)), seed=_seed(rng))
    return [Track(spec, 0, (0.0, 0.0))]


def advance(track: Track, days: float, *, is_treated: bool) -> Track:
    """A finding some days later; one that has shrunk to nothing is gone and stays so."""
    if track.is_gone:
        return track
    spec = track.spec
    if track.doubling_days:
        grown = 2.0 ** (days / track.doubling_days / 3.0)  # of the diameter
        return replace(track, spec=replace(spec, size_mm=min(spec.size_mm * grown, 95.0)))
    extent = spec.extent + track.rates[int(is_treated)] * days
    if extent < course_table()["gone"]:
        return replace(track, is_gone=True)
    return replace(track, spec=replace(spec, extent=min(extent, 1.0)))


def draw_stays(
    course: Mapping[str, Any], tracks: Sequence[Track], count: int, rng: np.random.Generator
) -> list[DeviceStay]:
    """The devices of a course for one patient, with the studies at which they are there."""
    table, stays = course_table(), list[DeviceStay]()
    for row in course.get("devices", ()):
        followed = [t.spec.side for t in tracks if t.spec.name == row.get("follows")]
        side = row.get("side") or (followed[0] if followed else str(rng.choice(["right", "left"])))
        first = int(rng.integers(row["placed"][0], row["placed"][1] + 1))
        keeps = int(rng.integers(row["keeps"][0], row["keeps"][1] + 1)) or count
        is_correct = bool(rng.random() >= table["malpositioned"])
        spec = DeviceSpec(row["name"], side, is_correct, _seed(rng))
        placed, removed = row["events"]
        if first < count:
            stays.append(DeviceStay(spec, first, first + keeps - 1, placed, removed))
    if rng.random() < table["pacemaker_prob"] and not any(
        stay.spec.name == "pacemaker" for stay in stays
    ):
        spec = DeviceSpec("pacemaker", "left", True, _seed(rng))
        stays.append(DeviceStay(spec, 0, count, "", ""))
    return stays
