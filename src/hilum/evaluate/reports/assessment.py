"""Evaluate generated reports against references: lexical, clinical and factual scores."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hilum.errors import require
from hilum.evaluate.reports.adapters import score_elsewhere
from hilum.evaluate.reports.embedding import Encoder, bert_score
from hilum.evaluate.reports.encoding import encode_pairs
from hilum.evaluate.reports.errors import count_errors
from hilum.evaluate.reports.facts import Judge, judge_by_rules, judge_facts
from hilum.evaluate.reports.labels import FIVE, label_matrix
from hilum.evaluate.reports.meteor import meteor
from hilum.evaluate.reports.ngrams import (
    bleu_counts,
    chrf_counts,
    cider,
    count_ngrams,
    rouge_n,
)
from hilum.evaluate.reports.sequences import rouge_l
from hilum.evaluate.reports.sets import bag_counts
from hilum.evaluate.reports.structure import (
    attribute_items,
    entity_items,
    graph_items,
    relation_items,
    timeline_items,
)
from hilum.evaluate.reports.style import comparison_counts, measurement_counts
from hilum.evaluate.reports.tokens import alphanumeric, select_sections, words
from hilum.evaluate.scorer import Scorer
from hilum.evaluate.scores import Evaluation
from hilum.text import (
    DatedReport,
    Document,
    build_timeline,
    label_names,
    label_report,
    parse,
    to_graph,
)

__all__ = ["ReportOptions", "evaluate_reports"]

Array = npt.NDArray[np.float64]
Plan = tuple[str, str, dict[str, str], dict[str, float | str]]


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """How reports are compared.

    ``sections`` is a section policy (``tokens.SECTION_POLICIES``), ``uncertain`` what an
    uncertain label counts as (``positive`` or ``negative``). ``has_prior`` says whether the
    writer saw an earlier study: without one, every comparison is unsupported.
    """

    sections: str = "findings_impression"
    uncertain: str = "positive"
    has_prior: bool = False
    clinical: bool = True
    draws: int = 500
    level: float = 0.95
    seed: int = 0


def evaluate_reports(
    units: Sequence[str],
    candidates: Sequence[str],
    references: Sequence[str],
    *,
    groups: Sequence[str] = (),
    dates: Sequence[dt.date | None] = (),
    judge: Judge = judge_by_rules,
    encoder: Encoder | None = None,
    elsewhere: Mapping[str, Path] | None = None,
    options: ReportOptions | None = None,
) -> Evaluation:
    """All scores of reports against references, one reference a report.

    Pairs whose reference is empty under the section policy are left out and counted; an empty
    report is scored as what it is.

    Args:
        units: Ids, unique.
        candidates: Generated reports.
        references: Reports to compare with.
        groups: Patient of each, or empty; timelines need it.
        dates: Day of each report, which orders a patient's timeline; empty keeps the order.
        judge: Of sentences; see ``facts``.
        encoder: Token encoder for BERTScore, None to leave it out.
        elsewhere: Other people's scorers (``adapters.ADAPTERS``) and where their weights lie.
        options: Sections, uncertain labels, draws.

    Raises:
        InvalidValueError: Numbers differ, or no reference holds a text.
    """
    options = options or ReportOptions()
    count = len(units)
    require(
        len(candidates) == len(references) == count,
        f"{count} ids, {len(candidates)} reports and {len(references)} references",
    )
    whole = [parse(text) for text in references]
    wanted = [select_sections(document, options.sections) for document in whole]
    kept = [row for row, text in enumerate(wanted) if text.strip()]
    require(bool(kept), f"no reference has text under the section policy {options.sections!r}")
    pairs = [
        (select_sections(parse(candidates[row]), options.sections), wanted[row]) for row in kept
    ]
    own_groups = tuple(groups[row] for row in kept) if groups else ()
    own_dates = [dates[row] for row in kept] if dates else [None] * len(kept)
    columns = _lexical(pairs) | (_embedded(pairs, encoder) if encoder else {})
    if options.clinical:
        documents = [(parse(found), parse(text)) for found, text in pairs]
        columns |= _clinical(documents, judge, options)
        if own_groups:
            columns |= _timelines(documents, own_groups, own_dates)
    more: list[Plan] = []
    for name, weights in (elsewhere or {}).items():
        found, texts = [p[0] for p in pairs], [p[1] for p in pairs]
        id_, own = score_elsewhere(name, found, texts, weights=weights)
        columns |= {f"{name}.{argument}": values for argument, values in own.items()}
        arrays = {argument: f"{name}.{argument}" for argument in own}
        more.append((id_, "all", arrays, {"sections": options.sections}))
    scorer = Scorer("reports", columns, own_groups, options.draws, options.level, options.seed)
    scores = [scorer.score(*plan) for plan in (*_plans(columns, options), *more)]
    lost = {"empty_reference": count - len(kept)} if len(kept) < count else {}
    return Evaluation(
        "reports",
        tuple(units[row] for row in kept),
        columns,
        tuple(scores),
        own_groups,
        lost | _unjudged(columns),
        asdict(options) | {"judge": getattr(judge, "__name__", type(judge).__name__)},
    )


def _lexical(pairs: Sequence[tuple[str, str]]) -> dict[str, Array]:
    tokens = [(words(found), words(text)) for found, text in pairs]
    plain = [(alphanumeric(found), alphanumeric(text)) for found, text in pairs]
    encoded = encode_pairs([t[0] for t in tokens], [t[1] for t in tokens])
    counted = count_ngrams(encoded, orders=4)
    unigrams, bigrams = count_ngrams(
        encode_pairs([t[0] for t in plain], [t[1] for t in plain]), orders=2
    )
    return {
        "bleu": bleu_counts(counted),
        "chrf": chrf_counts([p[0] for p in pairs], [p[1] for p in pairs]),
        "rouge_1": rouge_n(unigrams),
        "rouge_2": rouge_n(bigrams),
        "rouge_l": _column(rouge_l(*pair) for pair in plain),
        "rouge_l_coco": _column(rouge_l(*pair, beta=1.2) for pair in tokens),
        "meteor": meteor(encoded),
        "cider_d": cider(counted),
        "cider": cider(counted, is_d=False),
        "length": _column(len(pair[0]) for pair in tokens),
        "length_ratio": _table((len(pair[0]), len(pair[1])) for pair in tokens),
    }


def _embedded(pairs: Sequence[tuple[str, str]], encoder: Encoder) -> dict[str, Array]:
    return {"bert_score": _column(bert_score(*pair, encoder)[2] for pair in pairs)}


def _table(rows: Any) -> Array:
    return np.array([list(row) for row in rows], dtype=np.float64)


def _column(values: Any) -> Array:
    return np.array(list(values), dtype=np.float64)


def _clinical(
    documents: Sequence[tuple[Document, Document]], judge: Judge, options: ReportOptions
) -> dict[str, Array]:
    names = label_names("chexpert")
    labels = [(label_report(found), label_report(text)) for found, text in documents]
    found = label_matrix([pair[0] for pair in labels], names, uncertain=options.uncertain)
    truth = label_matrix([pair[1] for pair in labels], names, uncertain=options.uncertain)
    five = [names.index(name) for name in FIVE]
    graphs = [(to_graph(mine), to_graph(text)) for mine, text in documents]
    columns = {
        "found_14": found,
        "truth_14": truth,
        "found_5": found[:, five],
        "truth_5": truth[:, five],
        "errors": _table(count_errors(*pair) for pair in documents),
        "facts": _table(judge_facts(*pair, judge) for pair in documents),
        "invented_measures": _table(measurement_counts(a.text, b.text) for a, b in documents),
        "comparisons": _table(comparison_counts(mine) for mine, _ in documents),
    }
    for level in ("simple", "partial", "complete"):
        columns[f"graph_{level}"] = _table(
            bag_counts(graph_items(mine, level=level), graph_items(text, level=level))
            for mine, text in graphs
        )
    items: Mapping[str, Callable[[Document], list[tuple[str, ...]]]] = {
        "entities": entity_items,
        "attributes": attribute_items,
        "relations": relation_items,
    }
    for name, of in items.items():
        columns[f"structure_{name}"] = _table(bag_counts(of(a), of(b)) for a, b in documents)
    return columns


def _timelines(
    documents: Sequence[tuple[Document, Document]],
    groups: Sequence[str],
    dates: Sequence[dt.date | None],
) -> dict[str, Array]:
    """Timeline counts of each patient, in the row of its first report; zeros elsewhere."""
    rows: dict[str, list[int]] = {}
    for row, group in enumerate(groups):
        rows.setdefault(group, []).append(row)
    table = np.zeros((len(documents), 3))
    for own in rows.values():
        if len(own) < 2:
            continue
        known = [dates[row] for row in own]
        days = known if all(day is not None for day in known) else [None] * len(own)
        timelines = [
            build_timeline(
                [DatedReport(documents[r][side], day) for r, day in zip(own, days, strict=True)]
            )
            for side in (0, 1)
        ]
        table[own[0]] = bag_counts(timeline_items(timelines[0]), timeline_items(timelines[1]))
    return {"timeline": table}


_SINGLE: Mapping[str, tuple[str, str]] = {
    "rouge_1": ("rouge_1/f1", "value"),
    "rouge_2": ("rouge_2/f1", "value"),
    "rouge_l": ("rouge_l/f1", "value"),
    "rouge_l_coco": ("rouge_l/beta_1_2", "value"),
    "meteor": ("meteor/exact_stem", "value"),
    "cider_d": ("cider_d/corpus", "value"),
    "cider": ("cider/corpus", "value"),
    "bert_score": ("bert_score/user_encoder", "value"),
    "chrf": ("chrf/corpus", "counts"),
    "length": ("length/words", "value"),
    "length_ratio": ("length_ratio/words", "counts"),
    "graph_simple": ("hilum_graph_f1/simple", "counts"),
    "graph_partial": ("hilum_graph_f1/partial", "counts"),
    "graph_complete": ("hilum_graph_f1/complete", "counts"),
    "structure_entities": ("hilum_structure_f1/entities", "counts"),
    "structure_attributes": ("hilum_structure_f1/attributes", "counts"),
    "structure_relations": ("hilum_structure_f1/relations", "counts"),
    "timeline": ("hilum_timeline_f1/pooled", "counts"),
    "errors": ("error_rules/green_form", "counts"),
    "invented_measures": ("invented_measurement_rate/pooled", "counts"),
}
"""Record id and argument by the column that it is computed from."""


def _plans(columns: Mapping[str, Array], options: ReportOptions) -> list[Plan]:
    sections: dict[str, float | str] = {"sections": options.sections}
    plans: list[Plan] = []
    for order in (1, 2, 3, 4):
        plans.append(("bleu/corpus", "all", {"counts": "bleu"}, {"order": order, **sections}))
    for column, (id_, argument) in _SINGLE.items():
        if column in columns:
            plans.append((id_, "all", {argument: column}, sections))
    if "found_14" in columns:
        policy: dict[str, float | str] = {"uncertain": options.uncertain, **sections}
        for size in ("14", "5"):
            names = {"truth": f"truth_{size}", "found": f"found_{size}"}
            for kind in ("micro", "macro", "example"):
                plans.append((f"hilum_label_f1/{kind}", f"{size} labels", names, policy))
        for kind in ("precision", "recall"):
            plans.append((f"fact_{kind}/judged", "all", {"counts": "facts"}, sections))
        if not options.has_prior:
            plans.append(
                ("unsupported_comparison_rate/pooled", "all", {"counts": "comparisons"}, sections)
            )
    return plans


def _unjudged(columns: Mapping[str, Array]) -> dict[str, int]:
    """Sentences that the judge could not judge: they count for neither precision nor recall."""
    if "facts" not in columns:
        return {}
    counts = {
        "report_sentence_not_judged": int(columns["facts"][:, 2].sum()),
        "reference_sentence_not_judged": int(columns["facts"][:, 5].sum()),
    }
    return {why: count for why, count in counts.items() if count}
