"""What truly became of the findings and devices of a phantom between two of its films."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hilum.synth.facts import Fact, device_side, fact_table, find_facts
from hilum.synth.types import DeviceTruth, PhantomImage
from hilum.types import ChangeKind

__all__ = ["PhantomChange", "compare"]


@dataclass(frozen=True, slots=True)
class PhantomChange:
    """A true change of one finding or device.

    ``subject`` is ``finding`` or ``device``; a device is ``new``, ``gone`` or ``unchanged``.
    ``kind`` uses the words of readings (``gone`` is what a report calls resolved or removed).
    ``current`` and ``prior`` index the truth's findings or devices of each image, -1 where it
    is not there. ``amounts`` are what was compared, prior then current: millilitres,
    millimetres or the extent, 0 where it is not there.
    """

    subject: str
    name: str
    side: str
    kind: ChangeKind
    current: int
    prior: int
    amounts: tuple[float, float]


def compare(current: PhantomImage, prior: PhantomImage) -> tuple[PhantomChange, ...]:
    """True changes between two films of one patient, findings first.

    A finding is the same one if it was inserted under the same name with the same seed, or
    else on an overlapping side. Volume decides where a finding has one that grows with it,
    diameter for nodules, the extent for all others; the thresholds are in ``facts.toml``.

    Args:
        current: The later film.
        prior: The earlier film.
    """
    changes = _finding_changes(find_facts(current), find_facts(prior))
    return (*changes, *_device_changes(current.truth.devices, prior.truth.devices))


def _finding_changes(current: Sequence[Fact], prior: Sequence[Fact]) -> list[PhantomChange]:
    left, found = list(prior), list[tuple[Fact, Fact | None]]()
    for strict in (True, False):
        for fact in current:
            if any(fact is seen for seen, _ in found):
                continue
            match = next((p for p in left if _is_same(fact, p, strict=strict)), None)
            if match is not None:
                left.remove(match)
                found.append((fact, match))
            elif not strict:
                found.append((fact, None))
    found.sort(key=lambda pair: pair[0].index)
    changes = [_change(fact, match) for fact, match in found]
    gone = [
        PhantomChange("finding", p.name, p.side, ChangeKind.GONE, -1, p.index, (_amount(p, p), 0.0))
        for p in left
    ]
    return changes + gone


def _is_same(fact: Fact, prior: Fact, *, strict: bool) -> bool:
    if fact.base != prior.base:
        return False
    if strict:
        return fact.truth.spec.seed == prior.truth.spec.seed and fact.side == prior.side
    return fact.side == prior.side or "bilateral" in (fact.side, prior.side)


def _change(fact: Fact, prior: Fact | None) -> PhantomChange:
    if prior is None:
        amounts = (0.0, _amount(fact, fact))
        return PhantomChange(
            "finding", fact.name, fact.side, ChangeKind.NEW, fact.index, -1, amounts
        )
    before, after = _amount(prior, fact), _amount(fact, prior)
    table = fact_table()["changes"]
    if fact.size_mm and prior.size_mm:
        ratio = float(table["size_ratio"])
        is_larger, is_smaller = after > before * ratio, after < before / ratio
    elif before > 1.0 and after > 1.0:
        ratio = float(table["volume_ratio"])
        is_larger, is_smaller = after > before * ratio, after < before / ratio
    else:
        is_larger = after > before + table["extent"]
        is_smaller = after < before - table["extent"]
    kind = ChangeKind.LARGER if is_larger else ChangeKind.UNCHANGED
    kind = ChangeKind.SMALLER if is_smaller else kind
    return PhantomChange(
        "finding", fact.name, fact.side, kind, fact.index, prior.index, (before, after)
    )


def _amount(fact: Fact, other: Fact) -> float:
    """What is compared of a finding, the same quantity for both."""
    if fact.size_mm and other.size_mm:
        return fact.size_mm
    volumes = (fact.truth.volume_ml, other.truth.volume_ml)
    is_volume = fact.base in fact_table()["changes"]["by_volume"] and fact.kind == other.kind
    if is_volume and min(volumes) > 1.0:
        return volumes[0]
    return fact.truth.spec.extent


def _device_changes(
    current: Sequence[DeviceTruth], prior: Sequence[DeviceTruth]
) -> list[PhantomChange]:
    def known_as(truth: DeviceTruth) -> tuple[str, str]:
        return truth.spec.name, device_side(truth.spec)

    changes, left = list[PhantomChange](), dict(enumerate(prior))
    for index, truth in enumerate(current):
        name, side = known_as(truth)
        match = next((i for i, p in left.items() if known_as(p) == (name, side)), -1)
        left.pop(match, None)
        kind = ChangeKind.NEW if match < 0 else ChangeKind.UNCHANGED
        changes.append(PhantomChange("device", name, side, kind, index, match, (0.0, 0.0)))
    for index, truth in left.items():
        name, side = known_as(truth)
        changes.append(PhantomChange("device", name, side, ChangeKind.GONE, -1, index, (0.0, 0.0)))
    return changes
