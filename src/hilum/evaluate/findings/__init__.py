"""Findings: ranking, calls, calibration, abstention, prevalence, agreement of readers."""

from collections.abc import Callable, Mapping

from hilum.evaluate.findings.abstention import (
    ConformalThresholds,
    area_under_risk_coverage,
    conformal_sets,
    excess_area_under_risk_coverage,
    fit_conformal,
    risk_coverage_curve,
)
from hilum.evaluate.findings.assessment import FindingsOptions, evaluate_findings
from hilum.evaluate.findings.calibration import (
    adaptive_calibration_error,
    brier,
    brier_parts,
    calibration_error,
    calibration_line,
    log_loss,
    reliability_bins,
)
from hilum.evaluate.findings.decisions import (
    count_calls,
    decision_curve,
    f1,
    f1_micro,
    net_benefit,
    predictive_value,
    sensitivity,
    specificity,
)
from hilum.evaluate.findings.delong import delong_interval, delong_test
from hilum.evaluate.findings.discrimination import (
    auroc,
    average_precision,
    precision_recall_curve,
    roc_curve,
    sensitivity_at_specificity,
    specificity_at_sensitivity,
)
from hilum.evaluate.findings.inputs import FindingsInputs, match_findings
from hilum.evaluate.findings.labelled import macro
from hilum.evaluate.findings.prevalence import estimate_prevalence, shift_prevalence
from hilum.evaluate.findings.readers import (
    cohen_kappa,
    fleiss_kappa,
    krippendorff_alpha,
    over_plausible_truths,
    vote_shares,
)
from hilum.evaluate.findings.weighted import bootstrap_labels, prepare

__all__ = [
    "METRICS",
    "ConformalThresholds",
    "FindingsInputs",
    "FindingsOptions",
    "adaptive_calibration_error",
    "area_under_risk_coverage",
    "auroc",
    "average_precision",
    "bootstrap_labels",
    "brier",
    "brier_parts",
    "calibration_error",
    "calibration_line",
    "cohen_kappa",
    "conformal_sets",
    "count_calls",
    "decision_curve",
    "delong_interval",
    "delong_test",
    "estimate_prevalence",
    "evaluate_findings",
    "excess_area_under_risk_coverage",
    "f1",
    "f1_micro",
    "fit_conformal",
    "fleiss_kappa",
    "krippendorff_alpha",
    "log_loss",
    "match_findings",
    "net_benefit",
    "over_plausible_truths",
    "precision_recall_curve",
    "predictive_value",
    "prepare",
    "reliability_bins",
    "risk_coverage_curve",
    "roc_curve",
    "sensitivity",
    "sensitivity_at_specificity",
    "shift_prevalence",
    "specificity",
    "specificity_at_sensitivity",
    "vote_shares",
]

METRICS: Mapping[str, Callable[..., float]] = {
    "auroc/empirical": auroc,
    "auroc/macro": macro(auroc),
    "auroc/weighted": macro(auroc, is_weighted=True),
    "average_precision/step": average_precision,
    "average_precision/macro": macro(average_precision),
    "sensitivity_at_specificity/empirical": sensitivity_at_specificity,
    "specificity_at_sensitivity/empirical": specificity_at_sensitivity,
    "sensitivity/threshold": sensitivity,
    "specificity/threshold": specificity,
    "f1/threshold": f1,
    "f1/macro": macro(f1),
    "f1/weighted": macro(f1, is_weighted=True),
    "f1/micro": f1_micro,
    "brier/binary": brier,
    "log_loss/nats": log_loss,
    "calibration_error/equal_width": calibration_error,
    "calibration_error/equal_count": adaptive_calibration_error,
    "net_benefit/treat_present": net_benefit,
    "area_under_risk_coverage/step": area_under_risk_coverage,
    "excess_area_under_risk_coverage/step": excess_area_under_risk_coverage,
}
"""By record id of ``records/findings.toml``."""
