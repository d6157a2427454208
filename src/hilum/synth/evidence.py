"""What a sentence, an answer or a phrase about a phantom points at in its truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hilum.synth.facts import Fact
from hilum.synth.truth import zone_masks
from hilum.synth.types import PhantomImage
from hilum.types import Box, Mask, Point

__all__ = [
    "Evidence",
    "box_of",
    "device_evidence",
    "fact_evidence",
    "mask_of",
    "structure_evidence",
]

KINDS = ("finding", "device", "structure", "landmark", "measurement")


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing of a phantom's truth.

    ``kind`` is ``finding``, ``device``, ``structure``, ``landmark`` or ``measurement``;
    ``name`` its name there (an ontology name, a key of ``Truth.masks`` or a zone of a lung, of
    ``landmarks`` or ``measurements``). ``index`` points into ``Truth.findings`` or
    ``devices``, -1 else; it is an index of the *prior* image's truth where ``is_prior``.
    ``box`` and ``point`` are in pixels of the image.
    """

    kind: str
    name: str
    index: int = -1
    box: Box | None = None
    point: Point | None = None
    is_prior: bool = False

    @property
    def mask(self) -> str:
        """Name of its mask: ``finding_0``, ``device_1``, a structure's name, or empty."""
        if self.kind in ("finding", "device"):
            return f"{self.kind}_{self.index}"
        return self.name if self.kind == "structure" else ""


def fact_evidence(fact: Fact, *, is_prior: bool = False) -> Evidence:
    """The finding behind a fact."""
    return Evidence("finding", fact.name, fact.index, fact.truth.box, is_prior=is_prior)


def device_evidence(image: PhantomImage, index: int, *, is_prior: bool = False) -> Evidence:
    """A device with the box of its mask (None outside the film) and its tip."""
    truth = image.truth.devices[index]
    box = box_of(truth.mask)
    return Evidence("device", truth.spec.name, index, box, truth.tip, is_prior=is_prior)


def structure_evidence(image: PhantomImage, name: str) -> Evidence:
    """A projected structure with the box of its mask."""
    return Evidence("structure", name, box=box_of(_structures(image)[name]))


def mask_of(image: PhantomImage, evidence: Evidence) -> Mask | None:
    """The mask that evidence of this image (not of its prior) points at, or None."""
    if evidence.kind == "finding":
        return image.truth.findings[evidence.index].mask
    if evidence.kind == "device":
        return image.truth.devices[evidence.index].mask
    return _structures(image).get(evidence.name) if evidence.kind == "structure" else None


def _structures(image: PhantomImage) -> dict[str, Mask]:
    masks = image.truth.masks
    return {**masks, **zone_masks(masks)}


def box_of(mask: Mask) -> Box | None:
    """The box around a mask in pixels, None where it is empty."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not rows.size:
        return None
    left, top = float(columns[0]), float(rows[0])
    return Box(left, top, float(columns[-1]) + 1 - left, float(rows[-1]) + 1 - top)
