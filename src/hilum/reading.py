"""The main path: a study goes in, a reading comes out.

files ──io──▶ Study ──quality──▶ gate ──anatomy──▶ masks, landmarks, measurements
                         └─▶ findings (probability, status, region) ──▶ change against priors
                                                └─▶ report (statements bound to evidence)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from hilum import anatomy, findings, quality, report
from hilum.errors import InvalidValueError
from hilum.models import Model, RunAhead, load_model
from hilum.types import (
    Change,
    Finding,
    Issue,
    Measurement,
    Radiograph,
    RadiographReading,
    Reading,
    Study,
)

__all__ = ["DEFAULT_MODELS", "OPTIONAL_TASKS", "read"]

DEFAULT_MODELS: Mapping[str, str] = {
    "gate": "hilum-gate",
    "anatomy": "hilum-anatomy",
    "findings": "hilum-findings",
    "context": "hilum-context",
}
OPTIONAL_TASKS: Mapping[str, str] = {
    "structures": "hilum-structures",
    "devices": "hilum-devices",
}
"""Tasks that are done only when a model is named for them, and the shipped model of each."""

SIMULATED = {"structures": anatomy.segment_simulated, "devices": anatomy.find_devices}
"""How an optional task finds its structures; all of them were learned from phantoms."""

_Item = TypeVar("_Item", Finding, Issue, Measurement)


def read(study: Study, *, models: Mapping[str, str] | None = None) -> Reading:
    """Read a study: gate, anatomy, findings, change against the newest prior, report.

    Args:
        study: What ``hilum.open_study`` returned.
        models: Model names by task (``gate``, ``anatomy``, ``findings``, ``context``) that
            replace the shipped ones; ``structures`` adds bones, hila and diaphragm, ``devices``
            tubes, lines and their tips, both as learned from phantoms only, e.g.
            ``{"devices": "hilum-devices"}``; see ``hilum models list``.

    Returns:
        The reading. Radiographs that the gate refused are part of it, with their reasons.

    Raises:
        InvalidValueError: ``models`` names an unknown task.
        MissingModelError: A model is not registered.
        ModelIntegrityError: Weights are damaged.
    """
    names = resolve_models(models or {})
    loaded = {task: load_model(name) for task, name in names.items()}
    age = study.context.age_years
    images = tuple(
        read_radiograph(image, loaded, prefix=f"r{number}", age_years=age)
        for number, image in enumerate(study.radiographs, start=1)
    )
    changes = _changes(images, study, loaded) if study.priors else ()
    return Reading(
        study=study,
        radiographs=images,
        changes=changes,
        report=report.draft(study, images, changes),
        models={model.manifest.name: model.manifest.sha256 for model in loaded.values()},
        settings={"models": dict(names)},
    )


def read_radiograph(
    image: Radiograph,
    models: Mapping[str, Model],
    *,
    prefix: str = "r1",
    age_years: float | None = None,
) -> RadiographReading:
    """Read one radiograph; evidence ids start with ``prefix``, the age is used where known."""
    # neither needs the other or, unless it turns the image, the gate: the three run side by side
    outline = RunAhead(models["anatomy"], image.pixels)
    whole = RunAhead(models["context"], image.pixels) if "context" in models else None
    image, verdict = quality.assess(image, models["gate"])
    if not verdict.accepted or not image.view.is_frontal:
        return _identified(RadiographReading(image, verdict), prefix)
    seen = anatomy.segment(image, outline)
    verdict = quality.recheck(image, verdict, seen)
    if not verdict.accepted:
        return _identified(RadiographReading(image, verdict), prefix)
    found = findings.assess(
        image,
        seen,
        verdict,
        models["findings"],
        context=whole,
        age_years=age_years,
    )
    for task, find in SIMULATED.items():
        if task in models:
            structures = {**seen.structures, **find(image, models[task], seen)}
            seen = replace(seen, structures=structures)
    return _identified(RadiographReading(image, verdict, seen, found), prefix)


def resolve_models(models: Mapping[str, str]) -> dict[str, str]:
    """The model name of every task, the shipped ones where ``models`` names none.

    Another findings model goes without a context: the second opinion belongs to the shipped one.
    """
    known = [*DEFAULT_MODELS, *OPTIONAL_TASKS]
    unknown = sorted(set(models) - set(known))
    if unknown:
        raise InvalidValueError(
            f"unknown task {unknown[0]!r}; choose a model for one of {', '.join(known)}"
        )
    resolved = {**DEFAULT_MODELS, **models}
    if resolved["findings"] != DEFAULT_MODELS["findings"]:
        if "context" in models:
            raise InvalidValueError(
                "a context model belongs to the shipped findings; name one of the two only"
            )
        del resolved["context"]
    return resolved


def _changes(
    current: tuple[RadiographReading, ...], study: Study, models: Mapping[str, Model]
) -> tuple[Change, ...]:
    """Changes since the newest prior that holds a readable frontal radiograph."""
    now = next((r for r in current if r.findings), None)
    if now is None:
        return ()
    for prior in study.priors:
        for image in prior.radiographs:
            before = read_radiograph(image, models, prefix="p1", age_years=study.context.age_years)
            if before.findings:
                changes = findings.compare(now, before)
                return tuple(replace(c, id=f"change.{c.finding}") for c in changes)
    return ()


def _identified(reading: RadiographReading, prefix: str) -> RadiographReading:
    """Give every piece of evidence its own id, e.g. ``r1.pleural_effusion``.

    What occurs twice (both lungs cut off) is numbered from the second on.
    """
    seen: Counter[str] = Counter()

    def tagged(items: tuple[_Item, ...]) -> tuple[_Item, ...]:
        result = []
        for item in items:
            name = item.code if isinstance(item, Issue) else item.name
            seen[name] += 1
            number = f"_{seen[name]}" if seen[name] > 1 else ""
            result.append(replace(item, id=f"{prefix}.{name}{number}"))
        return tuple(result)

    verdict, anatomy_seen = reading.quality, reading.anatomy
    return replace(
        reading,
        quality=replace(
            verdict, reasons=tagged(verdict.reasons), warnings=tagged(verdict.warnings)
        ),
        anatomy=replace(
            anatomy_seen,
            measurements=tagged(anatomy_seen.measurements),
            warnings=tagged(anatomy_seen.warnings),
        ),
        findings=tagged(reading.findings),
    )
