"""What happens to each DICOM attribute: Table E.1-1 of PS3.15 with the options chosen.

The table is ``deidentify_profile.csv``, the options ``deidentify_options.csv``. Where the
standard leaves a choice (``X/Z/D``: remove, empty or dummy, as the type of the attribute
demands), the choice is the one that is valid for every type: a dummy before an empty value
before removal.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources

from hilum.errors import InvalidValueError, require

__all__ = ["OPTIONS", "Option", "Profile", "read_options", "read_profile", "safe_private"]

_CHOICE = {"X/Z": "Z", "X/D": "D", "Z/D": "D", "X/Z/D": "D", "X/Z/U*": "U"}
# An option that keeps wins over one that cleans, so that order does not matter.
_STRENGTH = {"K": 2, "C": 1}


@dataclass(frozen=True, slots=True)
class Option:
    """An option of the profile with its code in the scheme DCM."""

    name: str
    code: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Profile:
    """The actions of one choice of options.

    ``actions`` maps a tag in eight lower-case hexadecimal digits to X (remove), Z (empty),
    D (dummy), K (keep), C (clean) or U (new UID); ``repeating`` the groups 50xx and 60xx,
    by ``50`` or ``60`` and the element, or ``xxxx`` for any.
    """

    options: tuple[Option, ...]
    actions: dict[str, str]
    repeating: dict[str, str]

    def has(self, option: str) -> bool:
        """Whether the option was chosen."""
        return any(chosen.name == option for chosen in self.options)

    def action(self, group: int, element: int) -> str:
        """The action for a tag; "" where the table has none."""
        if group >> 8 in (0x50, 0x60):
            prefix = f"{group >> 8:02x}xx"
            for suffix in (f"{element:04x}", "xxxx"):
                if prefix + suffix in self.repeating:
                    return self.repeating[prefix + suffix]
        return self.actions.get(f"{group:04x}{element:04x}", "")


def _rows(name: str) -> Iterator[dict[str, str]]:
    text = (resources.files("hilum.io") / name).read_text(encoding="utf-8")
    yield from csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))


@cache
def read_options() -> dict[str, Option]:
    """Every implemented option by name, ``basic`` first."""
    return {
        row["option"]: Option(row["option"], row["code"], row["meaning"])
        for row in _rows("deidentify_options.csv")
    }


OPTIONS = tuple(read_options())
"""Names of the options; ``basic`` is always in force."""


@cache
def read_profile(options: Collection[str] = frozenset()) -> Profile:
    """The profile with the options of these names.

    Raises:
        InvalidValueError: an unknown option, or both kinds of dates.
    """
    known = read_options()
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise InvalidValueError(f"no such option: {unknown[0]!r}; choose from {', '.join(known)}")
    require(
        not {"retain_full_dates", "retain_modified_dates"} <= set(options),
        "retain_full_dates and retain_modified_dates exclude each other; choose one",
    )
    actions = {}
    for row in _rows("deidentify_profile.csv"):
        chosen = [row[option] for option in options if row.get(option)]
        best = max(chosen, key=lambda action: _STRENGTH[action], default=row["basic"])
        actions[row["tag"]] = _CHOICE.get(best, best)
    return Profile(
        tuple(known[name] for name in known if name in {"basic", *options}),
        {tag: action for tag, action in actions.items() if "x" not in tag},
        {tag: action for tag, action in actions.items() if "x" in tag},
    )


@cache
def safe_private() -> frozenset[tuple[str, int, int]]:
    """Creator, group and element (below 0x100) of private elements that are safe."""
    return frozenset(
        (row["creator"], int(row["group"], 16), int(row["element"], 16))
        for row in _rows("safe_private.csv")
    )
