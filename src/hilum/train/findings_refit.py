"""``hilum train context``: the second opinion and all calibration, members as installed.

The members of ``hilum-findings`` take most of the recipe's time. Their shipped network names the
fold that each of them left out, so what they say of unseen patients can be had again without
training; the context's heads, its share, the calibration and the figures are then made anew.
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hilum.findings.crop import crop_array, thorax_box
from hilum.models import Manifest, load_model
from hilum.train.context import train_context
from hilum.train.context_features import ContextRecipe
from hilum.train.findings import FindingsRecipe, fold_of
from hilum.train.findings_data import SIDE, Example, load_examples
from hilum.train.findings_run import CHILDREN, find_lungs, finish
from hilum.train.images import load_grey
from hilum.train.ship import reship_findings, ship_context

__all__ = ["installed_logits", "refit_context"]

logger = logging.getLogger(__name__)


def installed_logits(
    examples: list[Example], recipe: FindingsRecipe, cache: Path
) -> npt.NDArray[np.float32]:
    """Logits ``(examples, heads)`` of the installed members for patients they never saw.

    An example of the training split is judged by the member that left its fold out, all
    others by the members' mean.
    """
    model = load_model("hilum-findings")
    path = cache / f"members-{model.manifest.sha256[:12]}-{len(examples)}.npy"
    if not path.exists():
        found = []
        for index, example in enumerate(examples):
            pixels = load_grey(example.path, size=SIDE).astype(np.float32) / np.float32(255)
            crop = crop_array(pixels, thorax_box(find_lungs(pixels)))
            found.append(model.run(crop)["logits"])
            if index % 200 == 199:
                logger.info("members on %d of %d", index + 1, len(examples))
        np.save(path, np.stack(found))
    logits = np.load(path)
    fold = fold_of([e.patient for e in examples], recipe.folds, seed=recipe.seed)
    is_train = np.array([e.split == "train" for e in examples])
    unseen = logits[np.arange(len(examples)), fold]
    return np.asarray(np.where(is_train[:, None], unseen, logits.mean(1)), np.float32)


def refit_context(data: Path, out: Path, *, cache: Path) -> Manifest:
    """Write ``hilum-context`` and the calibration of the installed ``hilum-findings``."""
    installed = load_model("hilum-findings")
    stored = dict(installed.manifest.training["recipe"])
    recipe = FindingsRecipe(**stored)
    examples = load_examples(data, children=CHILDREN, seed=3)
    members = installed_logits(examples, recipe, cache)
    whole = ContextRecipe()
    context = train_context(examples, cache=cache, recipe=whole)
    known = installed.manifest
    calibration, figures = finish(
        members,
        context.logits,
        examples,
        located=(known.calibration["map"]["threshold"], known.figures["map"]),
        seed=recipe.seed,
    )
    ship_context(context, out, recipe=whole.as_dict(), figures=figures["shortcut"]["whole"])
    return reship_findings(installed, out, calibration=calibration, figures=figures)
