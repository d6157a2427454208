"""Where the eye goes: visits of regions and findings in an order, then landing places and times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from hilum.synth.facts import Fact
from hilum.synth.gaze.outcomes import gaze_table, is_large
from hilum.synth.gaze.types import Fixation, Outcome
from hilum.synth.truth import zone_masks
from hilum.synth.types import PhantomImage
from hilum.types import Mask, Point

__all__ = ["Visit", "background", "finding_visits", "land", "regions_of"]


class Visit(NamedTuple):
    """The eye on one thing: where to land and for how long each time (seconds)."""

    target: str
    points: tuple[Point, ...]
    durations: tuple[float, ...]


def regions_of(image: PhantomImage) -> dict[str, Mask | Point]:
    """What a systematic search visits, in its order: masks and landmarks that are on the film."""
    masks = {**image.truth.masks, **zone_masks(image.truth.masks)}
    found = dict[str, Mask | Point]()
    for name in gaze_table()["order"]["regions"]:
        if name in image.truth.landmarks:
            found[name] = image.truth.landmarks[name]
        elif name in masks and masks[name].any():
            found[name] = masks[name]
    for index, truth in enumerate(image.truth.devices):
        found[f"device_{index}"] = truth.tip
    return found


def background(
    image: PhantomImage,
    name: str,
    place: Mask | Point,
    count: int,
    hidden: Mask,
    rng: np.random.Generator,
) -> Visit:
    """Some fixations of search in a region; places that are not to be seen are left out."""
    if isinstance(place, tuple):
        count, points = min(count, 2), [place] * min(count, 2)
        rows, columns = hidden.shape
        x, y = min(max(int(place[0]), 0), columns - 1), min(max(int(place[1]), 0), rows - 1)
        points = [] if hidden[y, x] else points
    else:
        rows_in, columns_in = np.nonzero(place & ~hidden)
        points = []
        if rows_in.size:
            chosen = rng.integers(rows_in.size, size=count)
            points = [(columns_in[i] + 0.5, rows_in[i] + 0.5) for i in chosen]
    durations = tuple(_duration("search_s", rng) for _ in points)
    return Visit(name, tuple((float(x), float(y)) for x, y in points), durations)


def finding_visits(
    fact: Fact, outcome: Outcome, image: PhantomImage, rng: np.random.Generator
) -> list[Visit]:
    """The visits that a finding gets: none, one short one, or some that last."""
    if outcome is Outcome.SEARCH_ERROR or fact.truth.mask is None:
        return []
    table = gaze_table()["dwell"]
    key = outcome.value.removesuffix("_error")
    total = float(rng.uniform(*table[key]))
    visits = 1
    if outcome is not Outcome.RECOGNITION_ERROR:
        visits = int(rng.integers(table["revisits"][0], table["revisits"][1] + 1))
    durations = list[float]()
    while total - sum(durations) > gaze_table()["durations"]["least_s"]:
        durations.append(min(_duration("finding_s", rng), total - sum(durations)))
    rows, columns = np.nonzero(fact.truth.mask)
    parts = np.array_split(np.array(durations), visits)
    made = list[Visit]()
    for part in parts:
        chosen = rng.integers(rows.size, size=len(part))
        centre = (float(columns.mean()) + 0.5, float(rows.mean()) + 0.5)
        points = [
            (columns[i] + 0.5, rows[i] + 0.5) if is_large(fact, image) else centre for i in chosen
        ]
        if len(part):
            made.append(Visit(f"finding_{fact.index}", tuple(points), tuple(part.tolist())))
    return made


def _duration(key: str, rng: np.random.Generator) -> float:
    """A log-normal duration in seconds about the median of the table."""
    table = gaze_table()["durations"]
    drawn = table[key] * float(np.exp(rng.normal(0.0, table["spread"])))
    return float(np.clip(drawn, table["least_s"], table["most_s"]))


def land(
    visits: Sequence[Visit],
    image: PhantomImage,
    masks: Mapping[str, Mask],
    hidden: Mask,
    rng: np.random.Generator,
) -> tuple[Fixation, ...]:
    """Fixations of visits: landing places with their error, saccades between them, pupils.

    A landing on what is to stay unseen is pulled back to its aim; one that was aimed at a
    finding of ``masks`` stays on it.
    """
    rows, columns = image.radiograph.pixels.shape
    table, degree = gaze_table(), columns / gaze_table()["view"]["image_degrees"]
    fixations, time, last = list[Fixation](), 0.0, (columns / 2, rows / 2)
    for visit in visits:
        for aim, duration in zip(visit.points, visit.durations, strict=True):
            x, y = (a + degree * table["view"]["jitter"] * float(rng.normal()) for a in aim)
            x, y = min(max(x, 0.0), columns - 1e-3), min(max(y, 0.0), rows - 1e-3)
            on = masks.get(visit.target)
            strays = not on[int(y), int(x)] if on is not None else bool(hidden[int(y), int(x)])
            if strays:
                x = min(max(aim[0], 0.0), columns - 1e-3)
                y = min(max(aim[1], 0.0), rows - 1e-3)
            way = float(np.hypot(x - last[0], y - last[1])) / degree
            time += table["durations"]["saccade_s"]
            time += table["durations"]["saccade_s_per_degree"] * way
            load = table["scan"]["pupil_load"] if visit.target.startswith("finding") else 0.0
            pupil = table["scan"]["pupil_mm"] + load
            pupil += float(rng.normal(0.0, table["scan"]["pupil_spread"]))
            fixations.append(Fixation(x, y, time, duration, visit.target, max(1.5, pupil)))
            time, last = time + duration, (x, y)
    return tuple(fixations)
