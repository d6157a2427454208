"""Sentences about devices: where the tip lies, whether it belongs there, what came and went."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hilum.synth.changes import PhantomChange
from hilum.synth.evidence import Evidence, device_evidence
from hilum.synth.facts import device_side
from hilum.synth.language.plan import Plan
from hilum.synth.language.tables import device_table, sentence_table
from hilum.synth.language.types import Claim, PhantomSentence
from hilum.synth.language.words import capital, fill, pick, with_article
from hilum.synth.types import DeviceSpec, PhantomImage
from hilum.types import ChangeKind, Status

__all__ = [
    "device_phrase",
    "distance_words",
    "say_device",
    "say_new_device",
    "say_removed_device",
]

OTHER = {"left": "right", "right": "left"}


def device_phrase(spec: DeviceSpec) -> str:
    """What a device is called: "right central venous line"."""
    return f"{device_side(spec)} {device_table()[spec.name]['words']}".strip()


def distance_words(image: PhantomImage, index: int) -> str:
    """The true distance of a tip above the carina in centimetres, empty without a spacing."""
    above = image.truth.devices[index].above_carina_mm
    if above is None or above <= 0 or image.radiograph.spacing is None:
        return ""
    return f"{above / 10:.1f} cm"


def say_device(
    image: PhantomImage, index: int, voice: str, rng: np.random.Generator
) -> PhantomSentence:
    """The sentence on one device of an image."""
    truth, table = image.truth.devices[index], device_table()
    spec, row = truth.spec, table[truth.spec.name]
    distance, side = distance_words(image, index), device_side(truth.spec)
    knows_tip = "any" not in row
    if knows_tip:
        places = table.get(table["shared"].get(spec.name, spec.name), row)
        frames = _frames(places[truth.tip_place], spec.is_correct, voice)
        frames = [frame for frame in frames if distance or "{distance}" not in frame]
    else:
        frames = list(row["any"])
    frame = pick(rng, frames)
    text = capital(fill(frame, _words(spec, distance, OTHER.get(side, ""))))
    claim = Claim(
        spec.name,
        Status.PRESENT,
        Status.PRESENT,
        side=side,
        tip=truth.tip_place if knows_tip and "tip" in text else "",
        is_correct=spec.is_correct if knows_tip else None,
    )
    evidence = [device_evidence(image, index)]
    if "{distance}" in frame:
        evidence.append(Evidence("landmark", "carina", point=image.truth.landmarks["carina"]))
    return PhantomSentence(text, "findings", "devices", (claim,), tuple(evidence))


def _frames(row: dict[str, list[str]], is_correct: bool, voice: str) -> list[str]:
    key = "correct" if is_correct else "wrong"
    return row.get(f"terse_{key}", row[key]) if voice == "terse" else row[key]


def _words(spec: DeviceSpec, distance: str, other: str) -> dict[str, str]:
    device = device_phrase(spec)
    is_many = bool(device_table()[spec.name].get("is_many", False))
    article = device if is_many else with_article(device)
    return {
        "device": device,
        "Device": capital(device),
        "the_device": f"the {device}",
        "A_device": capital(article),
        "distance": distance,
        "other": other,
    }


def say_new_device(
    plan: Plan, index: int, voice: str, rng: np.random.Generator
) -> list[PhantomSentence]:
    """The sentences on a device that was not there on the prior film."""
    said, table = say_device(plan.image, index, voice, rng), device_table()["change"]
    claim = replace(said.claims[0], change=ChangeKind.NEW)
    if ";" not in said.text and "recommended" not in said.text:
        since = table["terse_new"] if voice == "terse" else table["since"]
        prior = pick(rng, sentence_table()["prior"]["words"])
        text = said.text.removesuffix(".") + since.format(prior=prior)
        return [replace(said, text=text, claims=(claim,))]
    text = capital(
        fill(pick(rng, table["new"]), _words(plan.image.truth.devices[index].spec, "", ""))
    )
    claim = Claim(claim.name, Status.PRESENT, Status.PRESENT, claim.side, change=ChangeKind.NEW)
    return [replace(said, text=text, claims=(claim,)), said]


def say_removed_device(
    plan: Plan, change: PhantomChange, voice: str, rng: np.random.Generator
) -> PhantomSentence:
    """That a device of the prior film is there no more."""
    assert plan.prior is not None
    table = device_table()
    spec = plan.prior.truth.devices[change.prior].spec
    key = "terse_gone" if voice == "terse" else "gone"
    frames = table["change"]["many_gone" if table[spec.name].get("is_many") else key]
    claim = Claim(
        spec.name, Status.ABSENT, Status.ABSENT, side=device_side(spec), change=ChangeKind.GONE
    )
    text = capital(fill(pick(rng, frames), _words(spec, "", "")))
    evidence = (device_evidence(plan.prior, change.prior, is_prior=True),)
    return PhantomSentence(text, "findings", "devices", (claim,), evidence)
