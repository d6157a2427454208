"""Audits: corruption, subgroups, shortcuts, and whether explanations explain."""

from collections.abc import Callable, Mapping

from hilum.evaluate.audits.assessment import AuditOptions, AuditTables, evaluate_audit
from hilum.evaluate.audits.corruptions import (
    SEVERITIES,
    Corruption,
    CorruptionDraw,
    corrupt,
    draw_corruption,
    find_corruption,
    list_corruptions,
    stress,
)
from hilum.evaluate.audits.explained import ExplanationOptions, evaluate_explanations
from hilum.evaluate.audits.explanations import (
    deletion,
    infidelity,
    insertion,
    max_sensitivity,
    removal_curve,
)
from hilum.evaluate.audits.readers import reader_of
from hilum.evaluate.audits.robustness import (
    corruption_error,
    flipped_calls,
    probability_shift,
    refused_share,
    relative_auroc,
    stress_reader,
)
from hilum.evaluate.audits.sanity import (
    MapSimilarity,
    attack,
    attack_map,
    compare_maps,
    search_perturbation,
)
from hilum.evaluate.audits.shortcuts import (
    age_group,
    hide_inside,
    hide_outside,
    predict_attribute,
    predict_from_attributes,
)
from hilum.evaluate.audits.subgroups import (
    SUBGROUP_METRICS,
    equalised_odds_gap,
    gap_by_chance,
    gap_of,
    versus_rest,
    within,
)
from hilum.evaluate.findings import auroc
from hilum.evaluate.regions import mean_of
from hilum.evaluate.scorer import ignoring

__all__ = [
    "METRICS",
    "SEVERITIES",
    "AuditOptions",
    "AuditTables",
    "Corruption",
    "CorruptionDraw",
    "ExplanationOptions",
    "MapSimilarity",
    "age_group",
    "attack",
    "attack_map",
    "compare_maps",
    "corrupt",
    "corruption_error",
    "deletion",
    "draw_corruption",
    "equalised_odds_gap",
    "evaluate_audit",
    "evaluate_explanations",
    "find_corruption",
    "flipped_calls",
    "gap_by_chance",
    "gap_of",
    "hide_inside",
    "hide_outside",
    "infidelity",
    "insertion",
    "list_corruptions",
    "max_sensitivity",
    "predict_attribute",
    "predict_from_attributes",
    "probability_shift",
    "reader_of",
    "refused_share",
    "relative_auroc",
    "removal_curve",
    "search_perturbation",
    "stress",
    "stress_reader",
    "versus_rest",
    "within",
]

_CONDITION = ("corruption", "severity", "hidden")

METRICS: Mapping[str, Callable[..., float]] = {
    "auroc/under_stress": ignoring(auroc, *_CONDITION),
    "relative_auroc/clean": ignoring(relative_auroc, *_CONDITION),
    "corruption_error/clean_ratio": ignoring(corruption_error, *_CONDITION),
    "probability_shift/mean_absolute": ignoring(probability_shift, *_CONDITION),
    "flipped_calls/threshold": ignoring(flipped_calls, *_CONDITION),
    "refused_share/read_when_clean": ignoring(refused_share, *_CONDITION),
    **{id_: ignoring(metric, "attribute") for id_, metric in SUBGROUP_METRICS.items()},
    "attribute_auroc/cross_fitted": ignoring(auroc, "space"),
    "label_auroc/attributes_only": ignoring(auroc, "attributes"),
    "deletion/blurred": mean_of,
    "insertion/blurred": mean_of,
    "infidelity/gaussian": mean_of,
    "infidelity/gaussian_scaled": mean_of,
    "max_sensitivity/uniform": mean_of,
    "attack_change/random_search": mean_of,
    "attacked_map_similarity/rank": mean_of,
    "randomised_map_similarity/ssim": mean_of,
    "randomised_map_similarity/rank": mean_of,
}
"""By record id of ``records/audit.toml``; means are taken over per-image values."""
