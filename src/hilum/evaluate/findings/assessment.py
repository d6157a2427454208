"""Evaluate the probabilities of a classifier: every score of every finding, with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hilum.errors import require
from hilum.evaluate.findings.delong import delong_interval
from hilum.evaluate.findings.labelled import Array
from hilum.evaluate.findings.weighted import WEIGHTED, Prepared, bootstrap_labels, prepare
from hilum.evaluate.records import find_metric
from hilum.evaluate.resampling import (
    bootstrap_interval,
    describe_bootstrap,
    percentile_interval,
)
from hilum.evaluate.scores import Evaluation, Interval, Score, hash_array

__all__ = ["FindingsOptions", "evaluate_findings"]


@dataclass(frozen=True, slots=True)
class FindingsOptions:
    """How findings are evaluated.

    ``thresholds`` are operating points by finding; those without use ``threshold``.
    ``specificity`` and ``sensitivity`` are where the ROC curve is read.
    """

    thresholds: Mapping[str, float] | None = None
    threshold: float = 0.5
    specificity: float = 0.9
    sensitivity: float = 0.9
    bins: int = 10
    draws: int = 2000
    level: float = 0.95
    seed: int = 0

    def threshold_of(self, finding: str) -> float:
        """The operating point of a finding."""
        return (self.thresholds or {}).get(finding, self.threshold)


def evaluate_findings(
    units: Sequence[str],
    truth: Mapping[str, Array],
    prob: Mapping[str, Array],
    *,
    groups: Sequence[str] = (),
    options: FindingsOptions | None = None,
) -> Evaluation:
    """Every score of every finding that stands in both tables.

    Args:
        units: Ids of the images, unique.
        truth: ``(units,)`` of 1, 0 or NaN (unlabelled) by finding.
        prob: ``(units,)`` in [0, 1] or NaN (no prediction) by finding.
        groups: Patient of each image, which resampling keeps together; empty for none.
        options: Operating points, bins, draws, seed.

    Returns:
        Scores with intervals; ``excluded`` names findings without a counterpart, or without
        a single prediction.

    Raises:
        InvalidValueError: No finding in common, lengths differ, values out of range.
    """
    options = options or FindingsOptions()
    both = [name for name in truth if name in prob]
    shared = [name for name in both if not np.isnan(np.asarray(prob[name], dtype=float)).all()]
    require(bool(shared), "no finding with a truth has a prediction")
    arrays = {f"truth.{name}": np.asarray(truth[name], dtype=float) for name in shared}
    arrays |= {f"prob.{name}": np.asarray(prob[name], dtype=float) for name in shared}
    for name, values in arrays.items():
        require(values.shape == (len(units),), f"{name} has {values.shape} for {len(units)} units")
    prepared = {n: prepare(arrays[f"truth.{n}"], arrays[f"prob.{n}"]) for n in shared}
    drawn = _draw(shared, prepared, len(units), groups, options)
    scores = [
        _scored(id_, name, parameters, arrays, groups, options, drawn.get((id_, name)))
        for name in shared
        for id_, parameters in _plan(name, options)
    ]
    scores += _pooled(shared, arrays, groups, options, drawn)
    lone = {f"finding_without_prediction:{n}": len(units) for n in truth if n not in prob}
    lone |= {f"finding_never_predicted:{n}": len(units) for n in both if n not in shared}
    lone |= {f"finding_without_truth:{n}": len(units) for n in prob if n not in truth}
    return Evaluation(
        "findings",
        tuple(units),
        arrays,
        tuple(scores),
        tuple(groups),
        lone,
        {**_plain(options), "findings": shared},
    )


def _plain(options: FindingsOptions) -> dict[str, Any]:
    names = ("threshold", "specificity", "sensitivity", "bins", "draws", "level", "seed")
    plain: dict[str, Any] = {name: getattr(options, name) for name in names}
    return plain | {"thresholds": dict(options.thresholds or {})}


def _plan(finding: str, options: FindingsOptions) -> list[tuple[str, dict[str, float]]]:
    at = {"threshold": options.threshold_of(finding)}
    bins = {"bins": float(options.bins)}
    plan: list[tuple[str, dict[str, float]]] = [
        ("auroc/empirical", {}),
        ("average_precision/step", {}),
        ("sensitivity_at_specificity/empirical", {"specificity": options.specificity}),
        ("specificity_at_sensitivity/empirical", {"sensitivity": options.sensitivity}),
        ("sensitivity/threshold", at),
        ("specificity/threshold", at),
        ("f1/threshold", at),
        ("brier/binary", {}),
        ("log_loss/nats", {}),
        ("calibration_error/equal_width", bins),
        ("calibration_error/equal_count", bins),
        ("area_under_risk_coverage/step", at),
        ("excess_area_under_risk_coverage/step", at),
    ]
    if 0.0 < at["threshold"] < 1.0:
        plan.append(("net_benefit/treat_present", at))
    return plan


def _draw(
    shared: Sequence[str],
    prepared: Mapping[str, Prepared],
    count: int,
    groups: Sequence[str],
    options: FindingsOptions,
) -> dict[tuple[str, str], npt.NDArray[np.float64]]:
    """Resampled values by metric and finding, all on the same resamples, where they are fast."""
    result: dict[tuple[str, str], npt.NDArray[np.float64]] = {}
    if not options.draws:
        return result
    thresholds = {options.threshold_of(name) for name in shared}
    for threshold in sorted(thresholds):
        names = [name for name in shared if options.threshold_of(name) == threshold]
        plan = [(i, p) for i, p in _plan(names[0], options) if i in WEIGHTED]
        values = bootstrap_labels(
            [prepared[name] for name in names],
            plan,
            count=count,
            draws=options.draws,
            rng=np.random.default_rng(options.seed),
            groups=groups,
        )
        for column, name in enumerate(names):
            for place, (id_, _) in enumerate(plan):
                result[id_, name] = values[:, column, place]
    return result


def _scored(
    id_: str,
    finding: str,
    parameters: Mapping[str, float],
    arrays: Mapping[str, Array],
    groups: Sequence[str],
    options: FindingsOptions,
    drawn: npt.NDArray[np.float64] | None,
) -> Score:
    metric = find_metric("findings", id_)
    truth, prob = arrays[f"truth.{finding}"], arrays[f"prob.{finding}"]
    value = metric.compute(truth, prob, **parameters)
    interval = None
    if id_ == "auroc/empirical" and not groups:
        interval = delong_interval(truth, prob, level=options.level)
    elif drawn is not None:
        interval = percentile_interval(
            drawn, level=options.level, method=describe_bootstrap(options.draws, groups)
        )
    elif options.draws and len(truth) <= MOST_UNITS_RESAMPLED_SLOWLY:
        interval = _slow_interval(metric.compute, truth, prob, parameters, groups, options)
    unlabelled, unpredicted = np.isnan(truth), np.isnan(prob)
    excluded = {
        "unlabelled": int(unlabelled.sum()),
        "no_prediction": int((unpredicted & ~unlabelled).sum()),
    }
    return Score(
        metric.record,
        finding,
        value,
        int((~unlabelled & ~unpredicted).sum()),
        {"truth": f"truth.{finding}", "prob": f"prob.{finding}"},
        interval if not np.isnan(value) else None,
        dict(parameters),
        {reason: n for reason, n in excluded.items() if n},
        hash_array(truth, prob),
        _why_undefined(truth[~unlabelled & ~unpredicted]) if np.isnan(value) else "",
    )


MOST_UNITS_RESAMPLED_SLOWLY = 2000
"""Beyond this many, metrics without a weighted twin get no interval: it would take minutes."""
SLOW_DRAWS = 200


def _slow_interval(
    compute: Any,
    truth: Array,
    prob: Array,
    parameters: Mapping[str, float],
    groups: Sequence[str],
    options: FindingsOptions,
) -> Interval | None:
    return bootstrap_interval(
        lambda **arrays: compute(**arrays, **parameters),
        {"truth": truth, "prob": prob},
        rng=np.random.default_rng(options.seed),
        draws=min(options.draws, SLOW_DRAWS),
        groups=groups,
        level=options.level,
    )


def _why_undefined(truth: Array) -> str:
    if not len(truth):
        return "no labelled unit has a prediction"
    kinds = set(truth.tolist())
    if kinds == {0.0}:
        return "no unit with the finding"
    if kinds == {1.0}:
        return "no unit without the finding"
    return "nothing is called present at this threshold"


def _pooled(
    shared: Sequence[str],
    arrays: Mapping[str, Array],
    groups: Sequence[str],
    options: FindingsOptions,
    drawn: Mapping[tuple[str, str], npt.NDArray[np.float64]],
) -> list[Score]:
    """Macro, weighted and micro scores over all findings."""
    truth = np.stack([arrays[f"truth.{n}"] for n in shared], axis=1)  # (units, findings)
    prob = np.stack([arrays[f"prob.{n}"] for n in shared], axis=1)
    columns = {
        "truth": tuple(f"truth.{n}" for n in shared),
        "prob": tuple(f"prob.{n}" for n in shared),
    }
    at = {"threshold": options.threshold}
    scores = []
    for id_, single, parameters in (
        ("auroc/macro", "auroc/empirical", {}),
        ("auroc/weighted", "", {}),
        ("average_precision/macro", "average_precision/step", {}),
        ("f1/macro", "f1/threshold", at),
        ("f1/weighted", "", at),
        ("f1/micro", "", at),
    ):
        metric = find_metric("findings", id_)
        value = metric.compute(truth, prob, **parameters)
        own = [drawn[single, n] for n in shared if (single, n) in drawn]
        interval = None
        if own and not np.isnan(value) and not (parameters and options.thresholds):
            # a finding that is undefined in the data itself belongs to no draw either
            usable = np.stack([d for d in own if not np.isnan(d).all()])
            interval = percentile_interval(
                usable.mean(axis=0),
                level=options.level,
                method=describe_bootstrap(options.draws, groups),
            )
        note = "undefined for every finding" if np.isnan(value) else ""
        counted = int((~np.isnan(truth) & ~np.isnan(prob)).any(axis=1).sum())
        scores.append(
            Score(
                metric.record,
                "all findings",
                value,
                counted,
                columns,
                interval,
                parameters,
                inputs_sha256=hash_array(truth, prob),
                note=note,
            )
        )
    return scores
