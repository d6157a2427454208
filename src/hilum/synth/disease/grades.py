"""How findings grow with their extent: the table ``findings.toml``."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any

import numpy as np

from hilum.errors import InvalidValueError
from hilum.synth.types import FindingSpec

__all__ = ["base_name", "grade", "kind_of", "kinds_of", "known_findings"]


@cache
def _table() -> dict[str, dict[str, Any]]:
    text = resources.files(__package__).joinpath("findings.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def known_findings() -> tuple[str, ...]:
    """Names of the findings that can be inserted, aliases last."""
    return (*(name for name in _table() if name != "aliases"), *_table()["aliases"])


def base_name(name: str) -> str:
    """The finding that a name means: itself, or what it is an alias of.

    Raises:
        InvalidValueError: If no finding of that name can be inserted.
    """
    if name not in known_findings():
        known = ", ".join(known_findings())
        raise InvalidValueError(f"no finding {name!r} can be inserted; use one of {known}")
    aliases = _table()["aliases"]
    return str(aliases[name][0]) if name in aliases else name


def kinds_of(name: str) -> tuple[str, ...]:
    """The kinds that a finding knows; the first is what an empty kind means.

    Raises:
        InvalidValueError: If no finding of that name can be inserted.
    """
    base = base_name(name)
    fixed = _table()["aliases"].get(name, ("", ""))[1]
    return (str(fixed),) if fixed else tuple(_table()[base]["kinds"])


def kind_of(spec: FindingSpec) -> str:
    """The kind of a spec, its finding's first where it is empty.

    Raises:
        InvalidValueError: If the finding is unknown or does not come in that kind.
    """
    kinds = kinds_of(spec.name)
    if spec.kind and spec.kind not in kinds:
        raise InvalidValueError(
            f"{spec.name} of kind {spec.kind!r} cannot be inserted; use one of {', '.join(kinds)}"
        )
    return spec.kind or kinds[0]


def grade(spec: FindingSpec, quantity: str) -> float:
    """What a quantity of a finding is at the spec's extent, as the table has it."""
    knots = np.asarray(_table()[base_name(spec.name)][quantity], float)
    return float(np.interp(spec.extent, knots[:, 0], knots[:, 1]))
