"""Evaluations as pages and tables: self-contained HTML with plots, Markdown, LaTeX."""

from hilum.evaluate.display.page import Figure, WorstCase, render_page
from hilum.evaluate.display.plots import (
    agreement_plot,
    calibration_plot,
    forest_plot,
    free_response_plot,
    precision_recall_plot,
    risk_coverage_plot,
    roc_plot,
    stress_plot,
)
from hilum.evaluate.display.tabular import to_latex, to_markdown

__all__ = [
    "Figure",
    "WorstCase",
    "agreement_plot",
    "calibration_plot",
    "forest_plot",
    "free_response_plot",
    "precision_recall_plot",
    "render_page",
    "risk_coverage_plot",
    "roc_plot",
    "stress_plot",
    "to_latex",
    "to_markdown",
]
