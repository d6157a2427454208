"""Scores as Markdown and LaTeX tables; each names its variant."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hilum.evaluate.scores import Evaluation, Score

__all__ = ["score_rows", "to_latex", "to_markdown"]

HEADER = ("metric", "variant", "of", "value", "interval", "units")
_LATEX = str.maketrans(
    {c: f"\\{c}" for c in "&%$#_{}"} | {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
)


def score_rows(scores: Sequence[Score]) -> list[tuple[str, ...]]:
    """Text cells of each score, in the order of ``HEADER``."""
    rows: list[tuple[str, ...]] = []
    for score in scores:
        extra = ", ".join(f"{k} {_short(v)}" for k, v in score.parameters.items())
        variant = f"{score.metric.variant} v{score.metric.version}"
        value = f"not defined ({score.note})" if np.isnan(score.value) else f"{score.value:.3f}"
        span = score.interval
        interval = f"{span.low:.3f} to {span.high:.3f}" if span else ""
        rows.append(
            (
                score.metric.name,
                f"{variant}; {extra}" if extra else variant,
                score.subject,
                value,
                interval,
                str(score.units),
            )
        )
    return rows


def _short(value: float | str) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def to_markdown(evaluation: Evaluation) -> str:
    """A Markdown table of all scores."""
    lines = [HEADER, ("---",) * len(HEADER), *score_rows(evaluation.scores)]
    table = "\n".join(f"| {' | '.join(c.replace('|', '/') for c in row)} |" for row in lines)
    return f"{table}\n"


def to_latex(evaluation: Evaluation) -> str:
    """A LaTeX tabular of all scores, for ``booktabs``."""
    body = " \\\\\n".join(
        " & ".join(cell.translate(_LATEX) for cell in row) for row in score_rows(evaluation.scores)
    )
    head = " & ".join(HEADER)
    return (
        "\\begin{tabular}{lllrlr}\n\\toprule\n"
        f"{head} \\\\\n\\midrule\n{body} \\\\\n\\bottomrule\n\\end{{tabular}}\n"
    )
