"""What the file declares about itself: a declared CT, MR or hand is refused unseen."""

from __future__ import annotations

import re
from functools import cache

from hilum.quality.issues import issue, read_table
from hilum.types import Issue, Radiograph

__all__ = ["check_declared", "is_declared_chest"]

CHEST_VERDICTS = ("radiograph", "unknown")


@cache
def _modalities() -> dict[str, tuple[str, str]]:
    return {
        row["modality"]: (row["verdict"], row["meaning"]) for row in read_table("modalities.csv")
    }


@cache
def _body_parts() -> dict[str, bool]:
    return {row["keyword"]: row["is_chest"] == "yes" for row in read_table("body_parts.csv")}


def _named_parts(body_part: str) -> dict[str, bool]:
    """Keywords found in a BodyPartExamined, which sites fill in freely."""
    words = re.sub(r"[^A-Z]+", " ", body_part.upper()).strip()
    found: dict[str, bool] = {}
    for keyword, is_chest in _body_parts().items():
        # chest words also inside words (CHESTABDOMEN), the others only at a word's start
        # (so that ARM is not found in PHARMA, but HANDS is a HAND)
        pattern = keyword if is_chest else rf"\b[LR]?{keyword}"
        if re.search(pattern, words):
            found[keyword] = is_chest
    return found


def is_declared_chest(radiograph: Radiograph) -> bool:
    """Whether the file says that it is a radiograph of the chest."""
    verdict = _modalities().get(radiograph.modality.upper(), ("unknown", ""))[0]
    return verdict == "radiograph" and any(_named_parts(radiograph.body_part).values())


def check_declared(radiograph: Radiograph) -> tuple[Issue, ...]:
    """Refuse by the declared Modality and BodyPartExamined (DICOM PS3.3 C.7.3.1, PS3.16 L)."""
    verdict, meaning = _modalities().get(radiograph.modality.upper(), ("unknown", ""))
    if verdict == "not_a_radiograph":
        return (issue(verdict, meaning),)
    if verdict == "not_a_chest":
        return (issue(verdict, f"the file declares {meaning}"),)
    parts = _named_parts(radiograph.body_part)
    if parts and not any(parts.values()):
        # the keyword of the table, not the free text, which may hold anything
        return (issue("not_a_chest", f"the file declares {next(iter(parts)).lower()}"),)
    return ()
