"""Say what became of each finding since the prior study.

The rule, for each finding but ``no_finding`` that is *present* or *absent* on both
radiographs (uncertain or not assessed on either one: nothing is claimed):

* absent, then present: **new**; present, then absent: **gone**; absent both times:
  nothing. Where both probabilities have intervals, these must not overlap, so that a
  probability that merely slid across its operating point is not called a change.
* present both times: **larger** (or **smaller**) when the intervals do not overlap and,
  where both radiographs show regions, the regions cover at least ``AREA_FACTOR`` times
  more (less) of the lungs. **Unchanged** when neither has moved. When the two disagree,
  nothing is claimed.

The extent of a finding is the area of the union of its boxes over the area of both lungs,
or over the image where a lung is missing on either radiograph, since resolution and
distance differ from study to study.

Cardiomegaly follows its measurement where both studies have one: the cardiothoracic ratio
has changed when the difference exceeds ``Z_95`` combined standard deviations. An AP and a
PA radiograph are never compared for it, because the AP projection magnifies the heart.
"""

from __future__ import annotations

import math

import numpy as np

from hilum.ontology import finding_names
from hilum.types import (
    Box,
    Change,
    ChangeKind,
    Finding,
    Measurement,
    RadiographReading,
    Status,
    View,
)

__all__ = ["AREA_FACTOR", "Z_95", "compare"]

AREA_FACTOR = 1.5
"""Boxes are coarse: two readers' boxes of one opacity differ by about as much."""

Z_95 = 1.96
"""Standard deviations in a two-sided 95 % interval of a normal distribution."""

_CERTAIN = (Status.PRESENT, Status.ABSENT)


def compare(current: RadiographReading, prior: RadiographReading) -> tuple[Change, ...]:
    """Compare two readings of frontal radiographs of one patient.

    Args:
        current: The newer reading, its findings and measurements carrying their ids.
        prior: The older reading, likewise.

    Returns:
        At most one change a finding, in the order of the ontology; ``evidence`` holds the
        ids of the current and the prior objects, ``id`` is left empty. Empty when either
        radiograph was refused or is a lateral view.
    """
    for reading in (current, prior):
        if not reading.quality.accepted or reading.radiograph.view is View.LATERAL:
            return ()
    changes = []
    for name in finding_names():
        if name == "no_finding":
            continue
        found = _finding_change(name, current, prior)
        if name == "cardiomegaly":
            found = _heart_change(found, current, prior)
        if found is not None:
            kind, evidence = found
            changes.append(Change(name, kind, evidence, prior.radiograph.acquired))
    return tuple(changes)


_Found = tuple[ChangeKind, tuple[str, ...]] | None


def _finding_change(name: str, current: RadiographReading, prior: RadiographReading) -> _Found:
    now, before = current.finding(name), prior.finding(name)
    if now is None or before is None:
        return None
    if now.status not in _CERTAIN or before.status not in _CERTAIN:
        return None
    kind = _kind(now, before, _area_ratio(current, prior, now, before))
    return None if kind is None else (kind, (now.id, before.id))


def _kind(now: Finding, before: Finding, area_ratio: float | None) -> ChangeKind | None:
    overlap = _intervals_overlap(now, before)
    is_present, was_present = now.status is Status.PRESENT, before.status is Status.PRESENT
    if is_present != was_present:
        if overlap:
            return None
        return ChangeKind.NEW if is_present else ChangeKind.GONE
    if not is_present:
        return None
    by_prob = 0 if overlap is not False else _sign(_probability(now) - _probability(before))
    if area_ratio is None:
        by_area = by_prob
    elif 1 / AREA_FACTOR < area_ratio < AREA_FACTOR:
        by_area = 0
    else:
        by_area = _sign(area_ratio - 1.0)
    if by_prob != by_area:
        return None
    return (ChangeKind.SMALLER, ChangeKind.UNCHANGED, ChangeKind.LARGER)[by_prob + 1]


def _heart_change(by_image: _Found, current: RadiographReading, prior: RadiographReading) -> _Found:
    """Let the cardiothoracic ratio decide where it can; drop what the two contradict."""
    if {current.radiograph.view, prior.radiograph.view} == {View.AP, View.PA}:
        return None
    now = current.anatomy.measurement("cardiothoracic_ratio")
    before = prior.anatomy.measurement("cardiothoracic_ratio")
    by_ratio = _ratio_sign(now, before)
    if now is None or before is None or by_ratio is None:
        return by_image
    ids = (now.id, before.id)
    if by_image is None:
        # Without a status on both sides a steady ratio is not worth a sentence.
        steps = {1: ChangeKind.LARGER, -1: ChangeKind.SMALLER}
        return (steps[by_ratio], ids) if by_ratio else None
    kind, evidence = by_image
    if kind in (ChangeKind.NEW, ChangeKind.GONE):
        is_contradicted = by_ratio == (-1 if kind is ChangeKind.NEW else 1)
        return None if is_contradicted else (kind, evidence + ids)
    measured = (ChangeKind.SMALLER, ChangeKind.UNCHANGED, ChangeKind.LARGER)[by_ratio + 1]
    return measured, evidence + ids


def _ratio_sign(now: Measurement | None, before: Measurement | None) -> int | None:
    """+1, 0 or -1 for a larger, steady or smaller ratio; None when it cannot be told."""
    if now is None or before is None or now.value is None or before.value is None:
        return None
    if now.uncertainty is None or before.uncertainty is None:
        return None
    difference = now.value - before.value
    spread = Z_95 * math.hypot(now.uncertainty, before.uncertainty)
    return 0 if abs(difference) <= spread else _sign(difference)


def _intervals_overlap(now: Finding, before: Finding) -> bool | None:
    """Whether the 95 % intervals overlap; None when either finding has none."""
    if now.interval is None or before.interval is None:
        return None
    return now.interval[0] <= before.interval[1] and before.interval[0] <= now.interval[1]


def _area_ratio(
    current: RadiographReading, prior: RadiographReading, now: Finding, before: Finding
) -> float | None:
    """Relative extent now over then; None when either finding has no region."""
    if not now.regions or not before.regions:
        return None
    lungs_now, lungs_before = _lung_area(current), _lung_area(prior)
    if lungs_now is None or lungs_before is None:
        lungs_now = float(current.radiograph.rows * current.radiograph.columns)
        lungs_before = float(prior.radiograph.rows * prior.radiograph.columns)
    extent_now = _union_area([region.box for region in now.regions]) / lungs_now
    extent_before = _union_area([region.box for region in before.regions]) / lungs_before
    return extent_now / extent_before


def _lung_area(reading: RadiographReading) -> float | None:
    """Area of both lungs in square source pixels; None unless both are plausible."""
    lungs = [reading.anatomy.structures.get(name) for name in ("left_lung", "right_lung")]
    total = 0.0
    for lung in lungs:
        if lung is None or lung.problem is not None or not lung.mask.any():
            return None
        total += float(lung.mask.sum())
    return total


def _union_area(boxes: list[Box]) -> float:
    """Area covered by boxes that may overlap, on the grid of their own edges."""
    xs = np.unique([x for box in boxes for x in (box.x, box.x + box.width)])
    ys = np.unique([y for box in boxes for y in (box.y, box.y + box.height)])
    covered = np.zeros((len(ys) - 1, len(xs) - 1), dtype=bool)
    for box in boxes:
        rows = (ys[:-1] >= box.y) & (ys[:-1] < box.y + box.height)
        columns = (xs[:-1] >= box.x) & (xs[:-1] < box.x + box.width)
        covered |= rows[:, None] & columns[None, :]
    return float((np.diff(ys)[:, None] * np.diff(xs)[None, :])[covered].sum())


def _probability(finding: Finding) -> float:
    return finding.probability if finding.probability is not None else 0.0


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)
