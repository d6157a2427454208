"""Where on the image a place that a report names lies: the regions of the scene graph.

The regions carry the names that Chest ImaGenome (Wu et al., 2021) gave them, so what is
said can be set beside its boxes; ``sternum`` is Hilum's own. Three tables say which region a
place of the ontology and a side mean, which region is part of which, and where a finding is
looked for when the writer names no place.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from hilum.text.rows import read_rows

__all__ = ["UNKNOWN", "DefaultPlace", "default_place", "find_regions", "part_of", "region_names"]

UNKNOWN = "unknown"
"""The region of what cannot be placed, as Chest ImaGenome calls it."""


class DefaultPlace(NamedTuple):
    """Where a finding is looked for when no place is said.

    ``category`` is Chest ImaGenome's kind of attribute (``anatomicalfinding``, ``disease``,
    ``tubesandlines``, ``device`` or ``technicalassessment``), ``is_paired`` whether the
    finding is of both sides unless one is named (oedema is, a nodule is not).
    """

    category: str
    place: str
    is_paired: bool


@cache
def _regions() -> dict[str, tuple[str, str, str]]:
    rows = read_rows("scene_regions.csv")
    return {row["place"]: (row["left"], row["right"], row["midline"]) for row in rows}


@cache
def _defaults() -> dict[str, DefaultPlace]:
    return {
        row["name"]: DefaultPlace(row["category"], row["place"], row["extent"] == "both")
        for row in read_rows("scene_findings.csv")
    }


@cache
def _parts() -> dict[str, str]:
    return {row["region"]: row["part_of"] for row in read_rows("scene_parts.csv")}


def region_names() -> tuple[str, ...]:
    """Every region, in table order, ``unknown`` last."""
    named = dict.fromkeys(name for row in _regions().values() for name in row if name)
    return (*(name for name in named if name != UNKNOWN), UNKNOWN)


def default_place(name: str) -> DefaultPlace:
    """Where a finding or device lies unless the writer says otherwise.

    >>> default_place("pleural_effusion").place
    'costophrenic_angle'

    A name that the table does not know is looked for in the whole thorax.
    """
    return _defaults().get(name, DefaultPlace("anatomicalfinding", "thorax", True))


def find_regions(place: str, side: str = "", *, is_paired: bool = False) -> tuple[str, ...]:
    """The regions that a side-neutral place name and a side mean.

    >>> find_regions("lower_lobe", "right")
    ('right lower lung zone',)
    >>> find_regions("lower_lobe")
    ('unknown',)

    Args:
        place: A name of the ontology's anatomy; one that the table lacks is ``unknown``.
        side: ``left``, ``right``, ``bilateral`` or empty.
        is_paired: Whether a paired place without a side means both sides; otherwise it is
            ``unknown``, because which side was meant was not said.
    """
    left, right, midline = _regions().get(place, ("", "", UNKNOWN))
    if side in ("left", "right"):
        return ((left if side == "left" else right) or midline or UNKNOWN,)
    if midline and (side != "bilateral" or not left):
        return (midline,)
    if side == "bilateral" or is_paired:
        return tuple(dict.fromkeys((left, right)))
    return (UNKNOWN,)


def part_of(region: str) -> str:
    """The wider region that a region lies in, empty when there is none.

    >>> part_of("left apical zone")
    'left lung'
    """
    return _parts().get(region, "")
