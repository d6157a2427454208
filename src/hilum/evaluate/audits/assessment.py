"""One audit from tables: subgroups, corruption, shortcuts, on the same units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from hilum.errors import require
from hilum.evaluate.audits.robustness import Stressed
from hilum.evaluate.audits.shortcuts import predict_attribute, predict_from_attributes
from hilum.evaluate.audits.subgroups import LEAST, SUBGROUP_METRICS, gap_by_chance
from hilum.evaluate.findings.labelled import Array
from hilum.evaluate.images.features import FeatureTable
from hilum.evaluate.scorer import Scorer
from hilum.evaluate.scores import Evaluation, Score, gather

__all__ = ["AuditOptions", "AuditTables", "evaluate_audit"]

HEALTHY = "no_finding"
Texts = npt.NDArray[np.str_]


@dataclass(frozen=True, slots=True, eq=False)
class AuditTables:
    """What an audit is made of; every part but truth and prob may be missing.

    ``truth`` and ``prob`` are ``(units,)`` by finding, 1, 0 or NaN and [0, 1] or NaN (refused).
    ``attributes`` are texts ``(units,)`` by name (sex, age group, view, source), empty where
    unknown. ``stressed`` holds probabilities under corruption, by ``(corruption, severity)``;
    ``hidden`` those with the lungs or all else hidden, by condition. Where only some units
    were read under corruption, ``tried`` (bool) says which: of the others nothing is known,
    and they are not refused. ``features`` are of the reader or of a shipped space.
    """

    truth: Mapping[str, Array]
    prob: Mapping[str, Array]
    attributes: Mapping[str, Texts] = field(default_factory=dict)
    stressed: Stressed = field(default_factory=dict)
    hidden: Mapping[str, Mapping[str, Array]] = field(default_factory=dict)
    features: FeatureTable | None = None
    tried: npt.NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True)
class AuditOptions:
    """``thresholds`` are operating points by finding; those without use ``threshold``."""

    thresholds: Mapping[str, float] = field(default_factory=dict)
    threshold: float = 0.5
    bins: int = 10
    folds: int = 5
    chance_draws: int = 200
    draws: int = 1000
    level: float = 0.95
    seed: int = 0

    def threshold_of(self, finding: str) -> float:
        """The operating point of a finding."""
        return self.thresholds.get(finding, self.threshold)


def evaluate_audit(
    units: Sequence[str],
    tables: AuditTables,
    *,
    groups: Sequence[str] = (),
    options: AuditOptions | None = None,
) -> Evaluation:
    """Every score that the tables allow, with bootstrap intervals over patients.

    Args:
        units: Ids of the images.
        tables: Truth, probabilities and what is known of the images.
        groups: Patient of each image; empty when each stands alone.
        options: Operating points, draws, seed.

    Raises:
        InvalidValueError: No finding in common, lengths or values out of range.
    """
    options = options or AuditOptions()
    findings = [name for name in tables.truth if name in tables.prob]
    require(bool(findings), "no finding stands in both the truth and the predictions")
    arrays = _arrays(tables, findings, len(units))
    patients = np.asarray(groups if len(groups) else units, dtype=np.str_)
    for name, values in arrays.items():
        require(len(values) == len(units), f"{name} has {len(values)} rows for {len(units)} units")
    require(len(patients) == len(units), f"{len(patients)} groups for {len(units)} units")
    predicted = _predicted(tables, arrays, patients, options, findings)
    arrays |= {name: values for name, (values, _) in predicted.items()}
    scorer = Scorer(
        "audit",
        arrays,
        groups,
        options.draws,
        options.level,
        options.seed,
        "unlabelled_or_refused",
        UNDEFINED,
    )
    scores: list[Score] = []
    for finding in findings:
        for name in tables.attributes:
            scores += _subgroup_scores(scorer, finding, name, patients, options)
        scores += _stress_scores(scorer, finding, tables, options)
    scores += [
        scorer.score(id_, name, {"truth": f"truth of {name}", "prob": f"prob of {name}"}, given)
        for name, id_, given in _predictions(predicted)
    ]
    settings = asdict(options) | {"thresholds": dict(options.thresholds), "findings": findings}
    lone = {
        f"finding_without_prediction:{n}": len(units) for n in tables.truth if n not in findings
    }
    return Evaluation("audit", tuple(units), arrays, tuple(scores), tuple(groups), lone, settings)


UNDEFINED = {
    "auroc": "one class only among these units",
    "relative_auroc": "one class only among these units",
    "corruption_error": "no error when clean, or too few images that are not refused",
    "auroc_gap": f"fewer than two subgroups with {LEAST} present and {LEAST} absent",
    "sensitivity_gap": f"fewer than two subgroups with {LEAST} present and {LEAST} absent",
    "false_positive_gap": f"fewer than two subgroups with {LEAST} present and {LEAST} absent",
    "equalised_odds_gap": f"fewer than two subgroups with {LEAST} present and {LEAST} absent",
    "missed_rate": "none present",
    "underdiagnosis_rate": "nobody is sick",
}


def _arrays(tables: AuditTables, findings: Sequence[str], count: int) -> dict[str, Any]:
    arrays: dict[str, Any] = {}
    for finding in findings:
        arrays[f"truth.{finding}"] = np.asarray(tables.truth[finding], np.float64)
        arrays[f"prob.{finding}"] = np.asarray(tables.prob[finding], np.float64)
        conditions = {f"{c} {s}": rows for (c, s), rows in tables.stressed.items()}
        for condition, rows in (conditions | dict(tables.hidden)).items():
            if finding in rows:
                arrays[f"prob.{finding}.{condition}"] = np.asarray(rows[finding], np.float64)
    for name, values in tables.attributes.items():
        arrays[f"attribute.{name}"] = np.asarray(values, dtype=np.str_)
    tried = np.ones(count, bool) if tables.tried is None else np.asarray(tables.tried, bool)
    require(len(tried) == count, f"tried has {len(tried)} rows for {count} units")
    for finding in findings:
        # the clean side of the comparison: only images that were corrupted too
        arrays[f"clean.{finding}"] = np.where(tried, arrays[f"prob.{finding}"], np.nan)
    return arrays


def _subgroup_scores(
    scorer: Scorer, finding: str, attribute: str, patients: Texts, options: AuditOptions
) -> list[Score]:
    columns = {
        "truth": f"truth.{finding}",
        "prob": f"prob.{finding}",
        "subgroup": f"attribute.{attribute}",
    }
    at = {"threshold": options.threshold_of(finding)}
    stated = {"attribute": attribute}
    is_healthy = finding == HEALTHY
    rate = "underdiagnosis_rate/no_finding" if is_healthy else "missed_rate/subgroup"
    difference = "underdiagnosis_difference" if is_healthy else "missed_rate_difference"
    plans: list[tuple[str, dict[str, Any]]] = [
        ("auroc/subgroup", {}),
        ("auroc_difference/versus_rest", {}),
        (rate, at),
        (f"{difference}/versus_rest", at),
        ("calibration_error/subgroup", {"bins": options.bins}),
        ("calibration_bias/subgroup", {}),
    ]
    values = scorer.arrays[f"attribute.{attribute}"]
    scores = [
        scorer.score(id_, finding, columns, {**stated, **given, "group": str(group)})
        for group in np.unique(values[values != ""])
        for id_, given in plans
    ]
    for id_, given in (
        ("auroc_gap/max_min", {}),
        ("sensitivity_gap/max_min", at),
        ("false_positive_gap/max_min", at),
        ("equalised_odds_gap/max", at),
    ):
        note = _chance_note(scorer, id_, columns, given, patients, options)
        scores.append(scorer.score(id_, finding, columns, {**stated, **given}, note=note))
    return scores


def _chance_note(
    scorer: Scorer,
    id_: str,
    columns: Mapping[str, str],
    parameters: Mapping[str, float],
    patients: Texts,
    options: AuditOptions,
) -> str:
    if not options.chance_draws:
        return ""
    inputs = gather(scorer.arrays, columns)
    median, p_value = gap_by_chance(
        SUBGROUP_METRICS[id_],
        inputs["truth"],
        inputs["prob"],
        inputs["subgroup"],
        groups=patients,
        rng=np.random.default_rng(options.seed),
        draws=options.chance_draws,
        **parameters,
    )
    if np.isnan(median):
        return UNDEFINED["auroc_gap"]
    return f"by chance {median:.3f} (median of shuffled patients), p {p_value:.3f}"


def _stress_scores(
    scorer: Scorer, finding: str, tables: AuditTables, options: AuditOptions
) -> list[Score]:
    truth, clean = f"truth.{finding}", f"clean.{finding}"
    scores: list[Score] = []
    conditions: list[tuple[str, dict[str, Any], str]] = [
        (f"{c} {s}", {"corruption": c, "severity": s}, clean) for c, s in tables.stressed
    ]
    conditions += [(c, {"hidden": c}, f"prob.{finding}") for c in tables.hidden]
    for name, stated, reference in conditions:
        prob = f"prob.{finding}.{name}"
        if prob not in scorer.arrays:
            continue
        pair = {"prob": prob, "reference_prob": reference}
        at = {"threshold": options.threshold_of(finding)}
        scores += [
            scorer.score("auroc/under_stress", finding, {"truth": truth, "prob": prob}, stated),
            scorer.score("relative_auroc/clean", finding, {"truth": truth, **pair}, stated),
            scorer.score("probability_shift/mean_absolute", finding, pair, stated),
            scorer.score("flipped_calls/threshold", finding, pair, {**stated, **at}),
            scorer.score("refused_share/read_when_clean", finding, pair, stated),
        ]
    by_name: dict[str, list[str]] = {}
    for corruption, severity in tables.stressed:
        column = f"prob.{finding}.{corruption} {severity}"
        if column in scorer.arrays:
            by_name.setdefault(corruption, []).append(column)
    everything = {"all corruptions": [c for columns in by_name.values() for c in columns]}
    for name, probs in ({**by_name, **everything} if by_name else {}).items():
        columns: dict[str, str | tuple[str, ...]] = {"truth": truth, "reference_prob": clean}
        columns["prob"] = tuple(probs)
        given = {"corruption": name}
        scores.append(scorer.score("corruption_error/clean_ratio", finding, columns, given))
    return scores


Predicted = dict[str, tuple[Array, tuple[str, dict[str, Any]]]]


def _predicted(
    tables: AuditTables,
    arrays: Mapping[str, Any],
    patients: Texts,
    options: AuditOptions,
    findings: Sequence[str],
) -> Predicted:
    """Columns of attributes told from features, and of labels told from attributes."""
    result: Predicted = {}
    groups = patients.tolist()
    folds = min(options.folds, len(set(groups)))
    if folds < 2:
        return result
    names = list(tables.attributes)
    own: dict[str, Texts] = {name: arrays[f"attribute.{name}"] for name in names}
    if tables.features is not None:
        count = len(tables.features.values)
        require(count == len(groups), f"features have {count} rows for {len(groups)} units")
        for name in names:
            rng = np.random.default_rng(options.seed)
            found = predict_attribute(
                tables.features.values, own[name], groups, rng=rng, folds=folds
            )
            for value, (truth, prob) in found.items():
                given = "attribute_auroc/cross_fitted", {"space": tables.features.space}
                key = f"{name}: {value}"
                result[f"truth of {key}"], result[f"prob of {key}"] = (truth, given), (prob, given)
    for finding in findings if names else ():
        truth = arrays[f"truth.{finding}"]
        rng = np.random.default_rng(options.seed)
        prob = predict_from_attributes(own, truth, groups, rng=rng, folds=folds)
        given = "label_auroc/attributes_only", {"attributes": ", ".join(names)}
        result[f"truth of {finding}"], result[f"prob of {finding}"] = (truth, given), (prob, given)
    return result


def _predictions(predicted: Predicted) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (name.removeprefix("prob of "), id_, parameters)
        for name, (_, (id_, parameters)) in predicted.items()
        if name.startswith("prob of ")
    ]
