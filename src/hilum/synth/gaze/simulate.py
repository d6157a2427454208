"""Simulate how a reader looks at a phantom: a model after published statistics, not a record.

The numbers and their sources are in ``gaze.toml``. Three patterns: ``systematic`` goes through
regions in a fixed order and meets findings where they lie; ``holistic`` sees the whole, goes to
what stands out, then searches freely; ``random`` looks anywhere. Nothing here was fitted to a
recording, and it must not be taken for one.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from hilum.errors import InvalidValueError, require
from hilum.synth.facts import Fact, find_facts
from hilum.synth.gaze.outcomes import draw_outcome, gaze_table, is_large
from hilum.synth.gaze.scanpath import Visit, background, finding_visits, land, regions_of
from hilum.synth.gaze.types import Fixation, SimulatedReader
from hilum.synth.types import PhantomImage
from hilum.types import Mask, Point

__all__ = ["PATTERNS", "simulate_gaze", "simulate_reader"]

PATTERNS = ("systematic", "holistic", "random")
Visits = dict[int, list[Visit]]


def simulate_gaze(
    image: PhantomImage,
    *,
    rng: np.random.Generator,
    skill: float = 0.8,
    pattern: str = "systematic",
) -> tuple[Fixation, ...]:
    """The fixations of ``simulate_reader``, in order of time."""
    return simulate_reader(image, rng=rng, skill=skill, pattern=pattern).fixations


def simulate_reader(
    image: PhantomImage,
    *,
    rng: np.random.Generator,
    skill: float = 0.8,
    pattern: str = "systematic",
) -> SimulatedReader:
    """Simulate one reading of a film.

    Every finding is detected with a probability that rises with its visibility and the skill.
    What is missed was never looked at (search error), looked at for less than a second
    (recognition error) or for longer (decision error); what is detected is looked at for long
    and again.

    Args:
        image: The phantom.
        rng: The same state gives the same scanpath.
        skill: 0 a beginner, 1 an expert.
        pattern: One of ``PATTERNS``.

    Returns:
        Fixations in pixels and seconds, and the outcome for each finding on the film.

    Raises:
        InvalidValueError: If the skill lies outside [0, 1] or the pattern is unknown.
    """
    require(0.0 <= skill <= 1.0, f"skill lies in [0, 1], got {skill}")
    if pattern not in PATTERNS:
        raise InvalidValueError(f"no pattern {pattern!r}; use one of {', '.join(PATTERNS)}")
    facts = find_facts(image)
    outcomes = {fact.index: draw_outcome(fact, image, skill, rng) for fact in facts}
    hidden = _hidden(image, facts)
    own = {f.index: finding_visits(f, outcomes[f.index], image, rng) for f in facts}
    if pattern == "systematic":
        visits = _systematic(image, facts, own, hidden, skill, rng)
    elif pattern == "holistic":
        visits = _holistic(image, facts, own, hidden, skill, rng)
    else:
        visits = _random(image, own, hidden, rng)
    masks = {f"finding_{f.index}": f.truth.mask for f in facts if f.truth.mask is not None}
    return SimulatedReader(land(visits, image, masks, hidden, rng), outcomes)


def _hidden(image: PhantomImage, facts: Sequence[Fact]) -> Mask:
    """Where only a visit of a finding may land: around all that are not large."""
    rows, columns = image.radiograph.pixels.shape
    hidden = np.zeros((rows, columns), np.uint8)
    for fact in facts:
        if fact.truth.mask is not None and not is_large(fact, image):
            hidden |= fact.truth.mask.astype(np.uint8)
    view = gaze_table()["view"]
    reach = max(1, round(view["useful_field"] * columns / view["image_degrees"]))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    return np.asarray(cv2.dilate(hidden, disc), np.bool_)


def _counts(skill: float, rng: np.random.Generator) -> int:
    low, high = gaze_table()["scan"]["fixations"]
    more = 1.0 + float(gaze_table()["scan"]["unskilled_more"]) * (1.0 - skill)
    return max(1, round(int(rng.integers(low, high + 1)) * more))


def _systematic(
    image: PhantomImage,
    facts: Sequence[Fact],
    own: Visits,
    hidden: Mask,
    skill: float,
    rng: np.random.Generator,
) -> list[Visit]:
    """Region by region; a finding is met in the region it lies nearest to, and revisited later."""
    visits, regions = list[Visit](), regions_of(image)
    home = {fact.index: _nearest(fact, regions) for fact in facts}
    later = list[Visit]()
    for name, place in regions.items():
        met = [visit for fact in facts if home[fact.index] == name for visit in own[fact.index][:1]]
        later += [v for fact in facts if home[fact.index] == name for v in own[fact.index][1:]]
        skipped = rng.random() < gaze_table()["scan"]["skip"] * (1.0 - skill)
        if not skipped:
            visits.append(background(image, name, place, _counts(skill, rng), hidden, rng))
        visits += met
        if later and rng.random() < 0.5:
            visits.append(later.pop(0))
    return visits + later


def _holistic(
    image: PhantomImage,
    facts: Sequence[Fact],
    own: Visits,
    hidden: Mask,
    skill: float,
    rng: np.random.Generator,
) -> list[Visit]:
    """The whole first; then what stands out, the sooner the higher the skill; then the rest."""
    low, high = gaze_table()["scan"]["global_fixations"]
    lungs = image.truth.masks["right_lung"] | image.truth.masks["left_lung"]
    count = round(int(rng.integers(low, high + 1)) * (2.0 - skill))
    visits = [background(image, "overview", lungs, count, hidden, rng)]
    regions = list(regions_of(image).items())
    order = [regions[int(i)] for i in rng.permutation(len(regions))]
    before = round(len(order) * gaze_table()["scan"]["late"] * (1.0 - skill))
    search = [
        background(image, name, place, _counts(skill, rng), hidden, rng)
        for name, place in order
        if rng.random() >= gaze_table()["scan"]["skip"]
    ]
    salient = sorted(facts, key=lambda fact: -fact.visibility)
    focal = [visit for fact in salient for visit in own[fact.index][:1]]
    visits += [*search[:before], *focal]
    later = [visit for fact in salient for visit in own[fact.index][1:]]
    for visit in search[before:]:
        visits.append(visit)
        if later and rng.random() < 0.5:
            visits.append(later.pop(0))
    return visits + later


def _random(
    image: PhantomImage, own: Visits, hidden: Mask, rng: np.random.Generator
) -> list[Visit]:
    """Anywhere in the chest, findings in between in any order."""
    chest = image.truth.masks["right_lung"] | image.truth.masks["left_lung"]
    chest = chest | image.truth.masks["heart"]
    low, high = gaze_table()["scan"]["random_fixations"]
    count = int(rng.integers(low, high + 1))
    visits = [background(image, "overview", chest, 1, hidden, rng) for _ in range(count)]
    visits += [visit for visits_of in own.values() for visit in visits_of]
    return [visits[int(i)] for i in rng.permutation(len(visits))]


def _nearest(fact: Fact, regions: dict[str, Mask | Point]) -> str:
    """The region whose middle is nearest to a finding's."""
    assert fact.truth.mask is not None
    rows, columns = np.nonzero(fact.truth.mask)
    x, y = float(columns.mean()), float(rows.mean())

    def distance(name: str) -> float:
        place = regions[name]
        if isinstance(place, tuple):
            return float(np.hypot(place[0] - x, place[1] - y))
        down, across = np.nonzero(place)
        return float(np.hypot(across.mean() - x, down.mean() - y))

    return min(regions, key=distance)
