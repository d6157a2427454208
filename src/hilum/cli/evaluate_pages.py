"""What ``hilum evaluate`` writes: the JSON, the page with its plots, the tables."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hilum.errors import InvalidValueError

if TYPE_CHECKING:
    from hilum.evaluate import Evaluation
    from hilum.evaluate.display import Figure, WorstCase
    from hilum.evaluate.findings import FindingsInputs, FindingsOptions
    from hilum.evaluate.reports import ReportInputs

__all__ = ["audit_page", "findings_page", "regions_page", "reports_page", "write_results"]

MOST_CURVES = 8
MOST_WORST = 8
PICTURE_PX = 220


def write_results(evaluation: Evaluation, out: Path, page: str | None) -> None:
    """Write ``evaluation.json``, ``.html``, ``.md`` and ``.tex`` into a folder, made if missing.

    Raises:
        InvalidValueError: The folder cannot be written.
    """
    from hilum.evaluate import write_evaluation
    from hilum.evaluate.display import render_page, to_latex, to_markdown

    page = page or render_page(evaluation, title=f"Evaluation of {evaluation.kind}")
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_evaluation(evaluation, out / "evaluation.json")
        (out / "evaluation.html").write_text(page, encoding="utf-8")
        (out / "evaluation.md").write_text(to_markdown(evaluation), encoding="utf-8")
        (out / "evaluation.tex").write_text(to_latex(evaluation), encoding="utf-8")
    except OSError as error:
        raise InvalidValueError(f"cannot write into {out.name}: {error.strerror}") from error


def findings_page(
    evaluation: Evaluation,
    inputs: FindingsInputs,
    options: FindingsOptions,
    *,
    images: Path | None = None,
) -> str:
    """ROC, precision-recall, reliability, risk-coverage, forests, and the worst cases."""
    from hilum.evaluate import display

    drawable = [
        name for name, truth in inputs.truth.items() if {0.0, 1.0} <= set(truth[~np.isnan(truth)])
    ]
    drawable.sort(key=lambda name: -float(np.nansum(inputs.truth[name])))
    pairs = {name: (inputs.truth[name], inputs.prob[name]) for name in drawable[:MOST_CURVES]}
    scored = evaluation.settings["findings"]
    aurocs = [(name, evaluation.find("auroc", name)) for name in scored]
    figures = []
    if pairs:
        figures = [
            display.Figure("Ranking", display.roc_plot(pairs)),
            display.Figure("Ranking", display.precision_recall_plot(pairs)),
            display.Figure("Ranking", display.forest_plot("AUROC", aurocs, x_label="AUROC")),
            display.Figure("Calibration and abstention", display.calibration_plot(pairs)),
            display.Figure(
                "Calibration and abstention",
                display.risk_coverage_plot(pairs, threshold=options.threshold),
            ),
        ]
    figures += _subgroup_figures(inputs, options)
    title = "Evaluation of findings"
    worst = _worst_findings(inputs, images)
    return display.render_page(evaluation, title=title, figures=figures, worst=worst)


def _subgroup_figures(inputs: FindingsInputs, options: FindingsOptions) -> list[Figure]:
    """A forest of AUROCs by subgroup for each finding that has both classes in each."""
    from dataclasses import replace

    from hilum.evaluate import display
    from hilum.evaluate.findings import evaluate_findings

    rows: dict[str, list[tuple[str, object]]] = {}
    quick = replace(options, draws=min(options.draws, 500))
    for column, values in inputs.subgroups.items():
        for value in sorted(set(values)):
            mine = [row for row, own in enumerate(values) if own == value]
            part = evaluate_findings(
                [inputs.units[row] for row in mine],
                {name: truth[mine] for name, truth in inputs.truth.items()},
                {name: prob[mine] for name, prob in inputs.prob.items()},
                groups=[inputs.groups[row] for row in mine] if inputs.groups else (),
                options=quick,
            )
            for name in part.settings["findings"]:
                score = part.find("auroc", name)
                if not np.isnan(score.value):
                    label = f"{column} {value} ({score.units})"
                    rows.setdefault(name, []).append((label, score))
    return [
        display.Figure("Subgroups", display.forest_plot(name, own, x_label="AUROC"))  # type: ignore[arg-type]
        for name, own in rows.items()
        if len(own) > 1
    ]


def _worst_findings(inputs: FindingsInputs, images: Path | None) -> list[WorstCase]:
    """The most confident errors over all findings, one an image."""
    from hilum.evaluate.display import WorstCase

    errors: list[tuple[float, int, str]] = []
    for name, truth in inputs.truth.items():
        away = np.abs(truth - inputs.prob[name])
        errors += [(float(v), row, name) for row, v in enumerate(away) if v > 0.5]
    chosen: dict[int, tuple[float, int, str]] = {}
    for error in sorted(errors, reverse=True):
        chosen.setdefault(error[1], error)
    return [
        WorstCase(
            inputs.units[row],
            name,
            f"truth: {'present' if inputs.truth[name][row] else 'absent'}",
            f"probability: {inputs.prob[name][row]:.3f}",
            _picture(images, inputs.units[row]),
        )
        for _, row, name in list(chosen.values())[:MOST_WORST]
    ]


def _picture(folder: Path | None, unit: str) -> str:
    """A small JPEG as a data URI, empty without a folder or a readable file of that name."""
    if folder is None:
        return ""
    path = next((p for p in sorted(folder.rglob("*")) if p.name == unit or p.stem == unit), None)
    if path is None:
        return ""
    import cv2

    from hilum.errors import HilumError
    from hilum.io import open_study

    try:
        pixels = open_study(path).radiographs[0].pixels
    except (HilumError, IndexError):
        return ""
    scale = PICTURE_PX / max(pixels.shape)
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", np.round(small * 255).astype(np.uint8))
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode()


def regions_page(evaluation: Evaluation, *, iou: float) -> str:
    """Forests of overlap, FROC of boxes, agreement of measurements, the worst masks."""
    from hilum.evaluate import display

    arrays, figures = evaluation.arrays, []
    overlaps = [(s.subject, s) for s in evaluation.scores if s.metric.name == "dice"]
    if overlaps:
        forest = display.forest_plot("Dice", overlaps, x_label="Dice")
        figures.append(display.Figure("Overlap", forest))
    boxes = {
        name.removeprefix("found_boxes."): (values, arrays[name.replace("found_", "true_", 1)])
        for name, values in arrays.items()
        if name.startswith("found_boxes.")
    }
    if boxes:
        figures.append(display.Figure("Boxes", display.free_response_plot(boxes, iou=iou)))
    for name, values in arrays.items():
        if name.startswith("value."):
            subject = name.removeprefix("value.")
            truth = arrays[f"truth.{subject}"]
            if (~np.isnan(values - truth)).sum() > 2:
                drawn = display.agreement_plot(subject, truth, values)
                figures.append(display.Figure("Measurements", drawn))
    worst = [
        display.WorstCase(evaluation.units[row], name.removeprefix("dice."), "Dice", f"{v:.3f}")
        for v, row, name in _lowest(evaluation, "dice.")
    ]
    return display.render_page(
        evaluation, title="Evaluation of regions", figures=figures, worst=worst
    )


def audit_page(evaluation: Evaluation) -> str:
    """Forests of AUROC by subgroup, and AUROC by corruption and severity."""
    from hilum.evaluate import display

    figures = []
    for finding in evaluation.settings["findings"]:
        own = [s for s in evaluation.scores if s.subject == finding and not np.isnan(s.value)]
        rows = [
            (f"{s.parameters['attribute']} {s.parameters['group']}", s)
            for s in own
            if s.metric.id == "auroc/subgroup"
        ]
        if len(rows) > 1:
            forest = display.forest_plot(f"AUROC: {finding}", rows, x_label="AUROC")
            figures.append(display.Figure("Subgroups", forest))
        stressed = [s for s in own if s.metric.id == "auroc/under_stress"]
        stressed = [s for s in stressed if "severity" in s.parameters]
        if stressed:
            drawn = display.stress_plot(finding, stressed)
            figures.append(display.Figure("Corruption", drawn))
    return display.render_page(evaluation, title="Audit", figures=figures)


def _lowest(evaluation: Evaluation, prefix: str) -> Sequence[tuple[float, int, str]]:
    rows = [
        (float(value), row, name)
        for name, values in evaluation.arrays.items()
        if name.startswith(prefix)
        for row, value in enumerate(values)
        if not np.isnan(value)
    ]
    return sorted(rows)[:MOST_WORST]


def reports_page(evaluation: Evaluation, inputs: ReportInputs) -> str:
    """Forest of the scores in [0, 1], and the reports with most errors beside their references."""
    from hilum.evaluate import display
    from hilum.evaluate.reports import CATEGORIES

    shown = [
        (f"{s.metric.id} {s.subject}", s) for s in evaluation.scores if s.metric.range == (0.0, 1.0)
    ]
    figures = [display.Figure("Scores", display.forest_plot("All scores", shown, x_label=""))]
    worst = []
    errors = evaluation.arrays.get("errors")
    if errors is not None:
        place = {unit: row for row, unit in enumerate(inputs.units)}
        for row in np.argsort(-errors[:, :-1].sum(axis=1), kind="stable")[:MOST_WORST].tolist():
            own = place[evaluation.units[row]]
            counts = zip(CATEGORIES, errors[row], strict=False)
            title = ", ".join(f"{name} {count:.0f}" for name, count in counts if count)
            if title:
                texts = (f"Report:\n{inputs.reports[own]}", f"Reference:\n{inputs.references[own]}")
                worst.append(display.WorstCase(evaluation.units[row], title, *texts))
    return display.render_page(
        evaluation, title="Evaluation of reports", figures=figures, worst=worst
    )
