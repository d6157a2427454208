"""Read the MeSH tags of the Indiana collection as labels of the ``mesh`` scheme.

A tag is a heading with qualifiers, ``Opacity/lung/base/left``. ``tables/mesh_tags.csv`` says
which heading, with which qualifiers, stands for which label, and which tags are left aside
and why (Demner-Fushman et al. 2016, "Preparing a collection of radiology examinations for
distribution and retrieval").
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import NamedTuple

__all__ = ["TagRow", "labels_of_tag", "labels_of_tags", "tag_rows"]


class TagRow(NamedTuple):
    """A heading stands for ``label`` when it has one of ``needs`` and none of ``unless``.

    An empty ``needs`` asks for nothing; an empty ``label`` marks a tag that has none.
    """

    head: str
    needs: frozenset[str]
    unless: frozenset[str]
    label: str
    note: str


def _cell(text: str) -> frozenset[str]:
    return frozenset(part for part in text.split("|") if part)


@cache
def tag_rows() -> tuple[TagRow, ...]:
    """Every row of the table."""
    table = resources.files("hilum.text") / "tables" / "mesh_tags.csv"
    rows = csv.DictReader(table.read_text(encoding="utf-8").splitlines())
    return tuple(
        TagRow(row["head"], _cell(row["needs"]), _cell(row["unless"]), row["label"], row["note"])
        for row in rows
    )


def labels_of_tag(tag: str) -> frozenset[str]:
    """Labels that one tag stands for; empty when it is not comparable.

    >>> sorted(labels_of_tag("Opacity/lung/base/left"))
    ['opacity']
    >>> sorted(labels_of_tag("Opacity/lung/interstitial"))
    ['interstitial_opacity']
    """
    head, *rest = tag.split("/")
    qualifiers = set(rest)
    return frozenset(
        row.label
        for row in tag_rows()
        if row.head == head
        and row.label
        and (not row.needs or row.needs & qualifiers)
        and not row.unless & qualifiers
    )


def labels_of_tags(tags: Iterable[str]) -> frozenset[str]:
    """Labels that the tags of a report stand for together."""
    return frozenset().union(*map(labels_of_tag, tags))
