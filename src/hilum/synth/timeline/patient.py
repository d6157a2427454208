"""Draw a patient over time: a course, films at intervals, treatment between them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hilum.errors import require
from hilum.synth.sampling import sample_imaging
from hilum.synth.thorax.build import Build, sample_build
from hilum.synth.timeline.context import sample_context
from hilum.synth.timeline.context_types import PhantomContext
from hilum.synth.timeline.courses import (
    DeviceStay,
    Track,
    advance,
    course_table,
    draw_stays,
    draw_tracks,
)
from hilum.synth.timeline.types import PatientEvent, PatientStudy, PhantomPatient
from hilum.synth.types import DeviceSpec, FindingSpec, Imaging, PhantomSpec
from hilum.types import View

__all__ = ["sample_patient"]

EPOCH = dt.datetime(2021, 1, 4)
YOUNGEST, OLDEST = 20.0, 92.0
PROB_FOLLOW_UP = 0.7
PROB_WARD_AP = 0.7
FILMING_HOURS = (7.0, 20.0)


def sample_patient(
    rng: np.random.Generator, *, studies: tuple[int, int] = (2, 5)
) -> PhantomPatient:
    """Draw an adult, what becomes of them, and every film that is taken of it.

    A finding keeps its side, place and seed from film to film, only its extent changes; so does
    a device. Ventilated patients are filmed lying, from the front; those who leave upright.

    Args:
        rng: The same state gives the same patient.
        studies: Least and greatest number of films.

    Raises:
        InvalidValueError: If the numbers of films are not a range of at least one.
    """
    least, most = studies
    require(1 <= least <= most, f"studies is a range of at least 1, got {studies}")
    table = course_table()["courses"]
    weights = np.array([course["weight"] for course in table.values()])
    name = str(rng.choice(list(table), p=weights / weights.sum()))
    course, count = table[name], int(rng.integers(least, most + 1))
    build = sample_build(rng, age_years=float(rng.uniform(YOUNGEST, OLDEST)))
    tracks = draw_tracks(course, rng)
    stays = draw_stays(course, tracks, count, rng)
    responds, begin = bool(rng.random() < course["response"]), _treated_from(course, stays)
    start = EPOCH + dt.timedelta(days=float(rng.integers(1200)) + float(rng.random()))
    done, day, before = list[PatientStudy](), 0.0, -1.0
    for index in range(count):
        if index:
            before, day = day, day + float(rng.uniform(*course["gap_days"]))
            is_treated = responds and index > begin
            tracks = [
                advance(t, day - before, is_treated=is_treated) if t.onset < index else t
                for t in tracks
            ]
        events = _events(course, stays, index, (before, day), rng)
        is_last = index == count - 1
        spec = _spec(build, course, tracks, stays, (index, is_last), rng)
        context = _context(course, spec, index, day, rng)
        time = _by_day(start + dt.timedelta(days=day))
        done.append(PatientStudy(round(day, 3), time, spec, context, events))
    return PhantomPatient(build, name, tuple(done))


def _treated_from(course: Mapping[str, Any], stays: Sequence[DeviceStay]) -> int:
    """The study after which treatment works; a misplaced drain works once it is put right."""
    is_drain = course["treatment"] == "chest_tube_placed"
    wrong = [s for s in stays if s.spec.name == "chest_tube" and not s.spec.is_correct]
    return int(course.get("treated_after", 0)) + (1 if is_drain and wrong else 0)


def _by_day(time: dt.datetime) -> dt.datetime:
    """The same date at an hour when films are taken; earlier times stay earlier."""
    first, last = FILMING_HOURS
    midnight = dt.datetime.combine(time.date(), dt.time())
    share = (time - midnight) / dt.timedelta(days=1)
    return midnight + dt.timedelta(minutes=round(60 * (first + (last - first) * share)))


def _events(
    course: Mapping[str, Any],
    stays: Sequence[DeviceStay],
    index: int,
    days: tuple[float, float],
    rng: np.random.Generator,
) -> tuple[PatientEvent, ...]:
    """What happened between the film before and this one."""
    kinds = [stay.placed for stay in stays if stay.first == index and stay.placed]
    kinds += [stay.removed for stay in stays if stay.last == index - 1 and stay.removed]
    kinds += [
        f"{stay.spec.name}_repositioned"
        for stay in stays
        if stay.first == index - 1 and not stay.spec.is_correct and stay.last >= index
    ]
    treatment = course["treatment"]
    is_begun = index == course.get("treated_after", 0) + 1
    if treatment and is_begun and not treatment.endswith("_placed"):
        kinds.append(treatment)
    times = np.sort(rng.uniform(days[0], days[1], len(kinds)))
    return tuple(
        PatientEvent(round(float(t), 3), kind) for t, kind in zip(times, kinds, strict=True)
    )


def _spec(
    build: Build,
    course: Mapping[str, Any],
    tracks: Sequence[Track],
    stays: Sequence[DeviceStay],
    place: tuple[int, bool],
    rng: np.random.Generator,
) -> PhantomSpec:
    index, is_last = place
    devices = [device for stay in stays if (device := stay.at(index)) is not None]
    imaging = _imaging(build, course, devices, is_last, rng)
    findings = [t.spec for t in tracks if t.onset <= index and not t.is_gone]
    if imaging.is_supine:
        build = replace(build, inspiration=build.inspiration * course_table()["supine_inspiration"])
        findings = [_lying(finding) for finding in findings]
    return PhantomSpec(build, tuple(findings), tuple(devices), imaging)


def _lying(finding: FindingSpec) -> FindingSpec:
    """Free fluid runs to the back of a lying patient."""
    is_free = finding.name == "pleural_effusion" and not finding.kind
    return replace(finding, kind="supine") if is_free else finding


def _imaging(
    build: Build,
    course: Mapping[str, Any],
    devices: Sequence[DeviceSpec],
    is_last: bool,
    rng: np.random.Generator,
) -> Imaging:
    is_ventilated = any(device.name == "endotracheal_tube" for device in devices)
    at_bed = course["setting"] == "ward" and not is_last and rng.random() < PROB_WARD_AP
    if is_ventilated:
        return sample_imaging(build, rng, prob_supine=1.0)
    if at_bed:
        return replace(sample_imaging(build, rng, prob_supine=1.0), is_supine=False, view=View.AP)
    return sample_imaging(build, rng, prob_supine=0.0)


def _context(
    course: Mapping[str, Any], spec: PhantomSpec, index: int, day: float, rng: np.random.Generator
) -> PhantomContext:
    context = sample_context(spec, rng=rng)
    if index and rng.random() < PROB_FOLLOW_UP:
        requests = course["requests"]
        text = str(requests[int(rng.integers(len(requests)))])
        context = replace(context, indication=text.format(day=max(1, round(day))))
    return context
