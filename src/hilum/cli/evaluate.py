"""``hilum evaluate``: measure findings, regions, reports and answers, and compare two systems."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from hilum.cli.evaluate_pages import (
    audit_page,
    findings_page,
    regions_page,
    reports_page,
    write_results,
)
from hilum.errors import InvalidValueError

if TYPE_CHECKING:
    from hilum.evaluate import Evaluation
    from hilum.evaluate.findings import FindingsInputs

__all__ = ["app"]

SPACE = "hilum-context/pooled"


class DefaultGroup(TyperGroup):
    """``hilum evaluate TABLE --truth LABELS`` stands for ``hilum evaluate findings``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the name of the default command before a first word that is none."""
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            args = ["findings", *args]
        return list(super().parse_args(ctx, args))


app = typer.Typer(
    cls=DefaultGroup,
    help="Measure a reader against the truth; `hilum evaluate READINGS --truth LABELS` for short.",
    no_args_is_help=True,
)

Predictions = Annotated[Path, typer.Argument(help="Parquet, CSV, TSV or JSONL.")]
Truth = Annotated[Path, typer.Option("--truth", help="The table (or folder) of the truth.")]
Out = Annotated[Path, typer.Option("--out", help="Folder for evaluation.json, .html, .md, .tex.")]
Id = Annotated[str | None, typer.Option("--id", help="Column of ids in both tables.")]
Draws = Annotated[int, typer.Option("--draws", min=0, help="Bootstrap draws; 0 for no interval.")]
Seed = Annotated[int, typer.Option("--seed", help="Of the bootstrap.")]
Where = Annotated[
    list[str] | None,
    typer.Option("--where", metavar="COLUMN=VALUE", help="Rows of the truth that count."),
]
Group = Annotated[str | None, typer.Option("--patient", help="Column of patients.")]


def _conditions(
    where: Sequence[str] | None, form: str = "--where COLUMN=VALUE"
) -> list[tuple[str, str]]:
    pairs = []
    for item in where or ():
        name, sign, value = item.partition("=")
        if not sign or not name:
            raise InvalidValueError(f"expected {form}, got {item!r}")
        pairs.append((name, value))
    return pairs


def _matched(
    predictions: Path, truth: Path, where: Sequence[str] | None, **columns: Any
) -> FindingsInputs:
    """Predictions and labels of the rows that count, brought together by image."""
    from hilum.evaluate import tables
    from hilum.evaluate.findings import match_findings

    rows = tables.read_table(truth).where(_conditions(where))
    return match_findings(tables.read_table(predictions), rows, **columns)


@app.command("findings")
def evaluate_findings(
    predictions: Predictions,
    truth: Truth,
    out: Out = Path("evaluation"),
    id_column: Id = None,
    labels: Annotated[
        str | None, typer.Option("--labels", help="Column of labels joined by |.")
    ] = None,
    dataset: Annotated[
        str, typer.Option("--dataset", help="Whose label names the truth uses.")
    ] = "chestxray14",
    patient: Group = None,
    where: Where = None,
    subgroup: Annotated[
        list[str] | None, typer.Option("--subgroup", help="Column of the truth; repeatable.")
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option("--threshold", help="Of calls; the reader's own where its table has them."),
    ] = None,
    images: Annotated[
        Path | None, typer.Option("--images", help="Folder of the images, for worst cases.")
    ] = None,
    draws: Draws = 2000,
    seed: Seed = 0,
) -> None:
    """Probabilities of findings against labels: ranking, calls, calibration, abstention."""
    from hilum.evaluate.findings import FindingsOptions, evaluate_findings

    inputs = _matched(
        predictions,
        truth,
        where,
        id_column=id_column,
        label_column=labels,
        dataset=dataset,
        group_column=patient,
        subgroups=subgroup or (),
    )
    options = FindingsOptions(
        thresholds=inputs.thresholds if threshold is None else None,
        threshold=0.5 if threshold is None else threshold,
        draws=draws,
        seed=seed,
    )
    result = evaluate_findings(
        inputs.units, inputs.truth, inputs.prob, groups=inputs.groups, options=options
    )
    result = _with_excluded(result, inputs.excluded)
    page = findings_page(result, inputs, options, images=images)
    _finish(result, out, page)


@app.command("regions")
def evaluate_regions(
    found: Annotated[Path, typer.Argument(help="Folder of masks, or a table of boxes or values.")],
    truth: Truth,
    out: Out = Path("evaluation"),
    id_column: Id = None,
    iou: Annotated[float, typer.Option("--iou", help="Overlap that makes a box a hit.")] = 0.5,
    tolerance: Annotated[
        float, typer.Option("--tolerance", help="Of the surface Dice, pixels.")
    ] = 3.0,
    radius: Annotated[
        float, typer.Option("--radius", help="Within which a landmark is found, pixels.")
    ] = 10.0,
    draws: Draws = 1000,
    seed: Seed = 0,
) -> None:
    """Masks, boxes, landmarks and measurements against the truth."""
    from hilum.evaluate import tables
    from hilum.evaluate.regions import (
        RegionOptions,
        cases_of_boxes,
        cases_of_masks,
        cases_of_values,
        evaluate_regions,
    )

    if found.is_dir() and truth.is_dir():
        cases, lost = cases_of_masks(found, truth)
    else:
        mine, theirs = tables.read_table(found), tables.read_table(truth)
        is_boxes = {"x", "y", "width", "height"} <= set(theirs.columns)
        read = cases_of_boxes if is_boxes else cases_of_values
        cases, lost = read(mine, theirs, id_column=id_column)
    options = RegionOptions(tolerance=tolerance, radius=radius, iou=iou, draws=draws, seed=seed)
    result = _with_excluded(evaluate_regions(cases, options=options), lost)
    _finish(result, out, regions_page(result, iou=iou))


@app.command("reports")
def evaluate_reports(
    reports: Annotated[Path, typer.Argument(help="Table of reports, one a row.")],
    truth: Annotated[
        Path | None, typer.Option("--truth", help="Table of references, where not in the same.")
    ] = None,
    out: Out = Path("evaluation"),
    id_column: Id = None,
    report_column: Annotated[str, typer.Option("--report", help="Column of reports.")] = "report",
    reference_column: Annotated[
        str, typer.Option("--reference", help="Column of references.")
    ] = "reference",
    sections: Annotated[
        str, typer.Option("--sections", help="whole, findings, impression, findings_impression.")
    ] = "findings_impression",
    patient: Group = None,
    has_prior: Annotated[
        bool, typer.Option("--has-prior", help="The writer saw an earlier study.")
    ] = False,
    judge_url: Annotated[
        str, typer.Option("--judge-url", help="Chat endpoint that judges facts; rules if empty.")
    ] = "",
    judge_model: Annotated[str, typer.Option("--judge-model", help="Its model's name.")] = "",
    others: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            metavar="NAME=PATH",
            help="Also radgraph, chexbert, ratescore or green, with weights at PATH.",
        ),
    ] = None,
    draws: Draws = 500,
    seed: Seed = 0,
) -> None:
    """Generated reports against references: words, labels, graphs, facts, errors, priors."""
    from hilum.evaluate import tables
    from hilum.evaluate.reports import (
        EndpointJudge,
        ReportOptions,
        evaluate_reports,
        judge_by_rules,
        match_reports,
    )

    inputs = match_reports(
        tables.read_table(reports),
        tables.read_table(truth) if truth else None,
        id_column=id_column,
        report_column=report_column,
        reference_column=reference_column,
        group_column=patient,
    )
    result = evaluate_reports(
        inputs.units,
        inputs.reports,
        inputs.references,
        groups=inputs.groups,
        judge=EndpointJudge(judge_url, judge_model) if judge_url else judge_by_rules,
        elsewhere={name: Path(path) for name, path in _conditions(others, "--with NAME=PATH")},
        options=ReportOptions(sections=sections, has_prior=has_prior, draws=draws, seed=seed),
    )
    result = _with_excluded(result, inputs.excluded)
    _finish(result, out, reports_page(result, inputs))


@app.command("answers")
def evaluate_answers(
    answers: Annotated[Path, typer.Argument(help="Table or JSONL of answers, one a row.")],
    out: Out = Path("evaluation"),
    missing: Annotated[
        str, typer.Option("--missing", help="An unanswered question is wrong or excluded.")
    ] = "wrong",
    draws: Draws = 1000,
    seed: Seed = 0,
) -> None:
    """Answers to questions: by kind and form, in adversarial pairs, grounded, calibrated."""
    from hilum.evaluate import tables
    from hilum.evaluate.answers import AnswerOptions, evaluate_answers, read_answers

    rows = read_answers(tables.read_table(answers))
    options = AnswerOptions(missing=missing, draws=draws, seed=seed)
    _finish(evaluate_answers(rows, options=options), out, None)


@app.command("images")
def evaluate_images(
    synthetic: Annotated[Path, typer.Argument(help="Folder of synthetic radiographs.")],
    real: Annotated[Path, typer.Option("--real", help="Folder of those it was learned from.")],
    held_out: Annotated[
        Path | None, typer.Option("--held-out", help="Folder of real ones it never saw.")
    ] = None,
    out: Out = Path("evaluation"),
    space: Annotated[
        str, typer.Option("--space", help="Feature space of the shipped weights.")
    ] = SPACE,
    pixels: Annotated[
        bool, typer.Option("--pixels/--no-pixels", help="Variety and copied patches too; slower.")
    ] = True,
    seed: Seed = 0,
) -> None:
    """Synthetic radiographs beside real ones: distance, fidelity, variety, memorisation."""
    from hilum.cli.evaluate_images import measure_images

    folders = {"real": real, "synthetic": synthetic}
    if held_out is not None:
        folders["held_out"] = held_out
    with _progress() as show:
        result = measure_images(folders, space=space, with_pixels=pixels, seed=seed, show=show)
    _finish(result, out, None)


@app.command("audit")
def evaluate_audit(
    predictions: Predictions,
    truth: Truth,
    out: Out = Path("evaluation"),
    attribute: Annotated[
        list[str] | None,
        typer.Option("--attribute", help="Column of the truth (sex, age, view); repeatable."),
    ] = None,
    images: Annotated[
        Path | None, typer.Option("--images", help="Folder of the images: features, corruption.")
    ] = None,
    stressed: Annotated[
        int, typer.Option("--stress", min=0, help="How many images are read under corruption.")
    ] = 0,
    space: Annotated[
        str, typer.Option("--space", help="Feature space of the shipped weights.")
    ] = SPACE,
    id_column: Id = None,
    labels: Annotated[
        str | None, typer.Option("--labels", help="Column of labels joined by |.")
    ] = None,
    dataset: Annotated[
        str, typer.Option("--dataset", help="Whose label names the truth uses.")
    ] = "chestxray14",
    patient: Group = None,
    where: Where = None,
    seed: Seed = 0,
) -> None:
    """Gaps between subgroups, shortcuts, and behaviour under corruption."""
    from hilum.cli.evaluate_images import audit_readings

    if stressed and images is None:
        raise InvalidValueError("--stress needs the images; name their folder with --images")
    inputs = _matched(
        predictions,
        truth,
        where,
        id_column=id_column,
        label_column=labels,
        dataset=dataset,
        group_column=patient,
        subgroups=attribute or (),
    )
    with _progress() as show:
        result, lost = audit_readings(
            inputs, images=images, stressed=stressed, space=space, seed=seed, show=show
        )
    result = _with_excluded(result, {**inputs.excluded, **lost})
    _finish(result, out, audit_page(result))


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """A bar on standard error, a line for each kind of work."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        lines: dict[str, Any] = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in lines:
                lines[what] = bar.add_task(what, total=total)
            bar.update(lines[what], completed=done, total=total)

        yield show


@app.command("compare")
def compare(
    first: Annotated[Path, typer.Argument(help="evaluation.json of one system.")],
    second: Annotated[Path, typer.Argument(help="evaluation.json of another, on the same units.")],
    draws: Draws = 2000,
    seed: Seed = 0,
    correction: Annotated[
        str, typer.Option("--correction", help="bonferroni, holm or benjamini_hochberg.")
    ] = "holm",
) -> None:
    """Second minus first, in pairs; refuses what does not mean the same."""
    import numpy as np
    from rich.console import Console
    from rich.table import Table

    from hilum.evaluate import compare_evaluations, read_evaluation

    results = compare_evaluations(
        read_evaluation(first),
        read_evaluation(second),
        rng=np.random.default_rng(seed),
        draws=max(draws, 1),
        correction=correction,
    )
    table = Table("score", "first", "second", "difference", "95 % interval", "p", "p corrected")
    for row in results:
        test = row.test
        table.add_row(
            row.first.key,
            f"{row.first.value:.3f}",
            f"{row.second.value:.3f}",
            f"{test.difference:+.3f}" if test else "not defined",
            f"{test.interval.low:+.3f} to {test.interval.high:+.3f}" if test else "",
            f"{row.permutation_p:.4f}",
            f"{row.adjusted_p:.4f}",
        )
    Console().print(table)


def _with_excluded(evaluation: Evaluation, more: Mapping[str, int]) -> Evaluation:
    from dataclasses import replace

    return replace(evaluation, excluded={**evaluation.excluded, **more})


def _finish(evaluation: Evaluation, out: Path, page: str | None) -> None:
    from hilum.types import DISCLAIMER

    write_results(evaluation, out, page)
    typer.echo(f"{len(evaluation.scores)} scores of {len(evaluation.units)} units in {out}")
    for why, count in evaluation.excluded.items():
        typer.echo(f"left out: {why}: {count}", err=True)
    typer.echo(DISCLAIMER)
