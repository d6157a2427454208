"""One audit of an explainer: every check of its maps, image by image, with intervals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from hilum.errors import require
from hilum.evaluate.audits.explanations import (
    Explainer,
    Predictor,
    deletion,
    infidelity,
    insertion,
    max_sensitivity,
)
from hilum.evaluate.audits.sanity import attack, attack_map, compare_maps
from hilum.evaluate.scorer import Scorer
from hilum.evaluate.scores import Evaluation
from hilum.types import FloatImage

__all__ = ["ExplanationOptions", "evaluate_explanations"]


@dataclass(frozen=True, slots=True)
class ExplanationOptions:
    """Steps of deletion and insertion, noise of infidelity, radius of sensitivity and the bound
    of attacks (``attack_steps`` 0 for none)."""

    steps: int = 20
    samples: int = 50
    deviation: float = 0.1
    radius: float = 0.02
    bound: float = 0.02
    attack_steps: int = 100
    tolerance: float = 0.05
    draws: int = 1000
    level: float = 0.95
    seed: int = 0

    @property
    def around(self) -> int:
        """Samples of sensitivity, each of which needs a map."""
        return max(2, self.samples // 5)


def evaluate_explanations(
    units: Sequence[str],
    images: Iterable[FloatImage],
    model: Predictor,
    explainer: Explainer,
    *,
    randomised: Explainer | None = None,
    groups: Sequence[str] = (),
    options: ExplanationOptions | None = None,
) -> Evaluation:
    """Every check of an explainer, image by image, with bootstrap intervals over images.

    Args:
        units: Ids of the images.
        images: Upright, float32 in [0, 1].
        model: Image to probability.
        explainer: Image to map of the same shape.
        randomised: The explainer of the same model with random weights, or of one that learned
            random labels: its maps must differ.
        groups: Patient of each image, or empty.
        options: Steps, samples, bounds, seed.

    Raises:
        InvalidValueError: A map is not of its image's shape, or counts differ.
    """
    options = options or ExplanationOptions()
    rng = np.random.default_rng(options.seed)
    rows = [_row(image, model, explainer, randomised, options, rng) for image in images]
    require(len(rows) == len(units) > 0, f"{len(rows)} images for {len(units)} units")
    arrays = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    scorer = Scorer("audit", arrays, groups, options.draws, options.level, options.seed)
    scores = [
        scorer.score(id_, "maps", {"value": name}, given)
        for name, id_, given in _plans(options)
        if name in arrays
    ]
    return Evaluation(
        "audit", tuple(units), arrays, tuple(scores), tuple(groups), {}, asdict(options)
    )


def _row(
    image: FloatImage,
    model: Predictor,
    explainer: Explainer,
    randomised: Explainer | None,
    options: ExplanationOptions,
    rng: np.random.Generator,
) -> dict[str, float]:
    heat = explainer(image)
    noise: dict[str, Any] = {"deviation": options.deviation, "samples": options.samples}
    row = {
        "deletion": deletion(model, image, heat, steps=options.steps),
        "insertion": insertion(model, image, heat, steps=options.steps),
        "infidelity": infidelity(model, image, heat, rng=rng, **noise),
        "infidelity_scaled": infidelity(model, image, heat, rng=rng, **noise, is_scaled=True),
        "max_sensitivity": max_sensitivity(
            explainer, image, rng=rng, radius=options.radius, samples=options.around
        ),
    }
    if options.attack_steps:
        search: dict[str, Any] = {"bound": options.bound, "steps": options.attack_steps, "rng": rng}
        row["attack"] = attack(model, image, **search)
        row["attacked_map"] = attack_map(
            model, explainer, image, tolerance=options.tolerance, **search
        )
    if randomised is not None:
        found = compare_maps(heat, randomised(image))
        row["randomised_ssim"], row["randomised_rank"] = found.ssim, found.absolute_rank
    return row


def _plans(options: ExplanationOptions) -> list[tuple[str, str, dict[str, Any]]]:
    noise = {"deviation": options.deviation, "samples": options.samples}
    search = {"bound": options.bound, "steps": options.attack_steps}
    around = {"radius": options.radius, "samples": options.around}
    return [
        ("deletion", "deletion/blurred", {"steps": options.steps}),
        ("insertion", "insertion/blurred", {"steps": options.steps}),
        ("infidelity", "infidelity/gaussian", noise),
        ("infidelity_scaled", "infidelity/gaussian_scaled", noise),
        ("max_sensitivity", "max_sensitivity/uniform", around),
        ("attack", "attack_change/random_search", search),
        (
            "attacked_map",
            "attacked_map_similarity/rank",
            {**search, "tolerance": options.tolerance},
        ),
        ("randomised_ssim", "randomised_map_similarity/ssim", {"what": "model"}),
        ("randomised_rank", "randomised_map_similarity/rank", {"what": "model"}),
    ]
