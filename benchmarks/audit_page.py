"""The tables of docs/audit.md from readings; the text between them is written by hand.

A table stands between ``<!-- table NAME -->`` and ``<!-- end -->`` and is renewed in place.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from audit_reading import MOVING, SEVERITIES, Row

from hilum.evaluate import Evaluation, Score, read_evaluation, write_evaluation
from hilum.evaluate.audits import AuditOptions, AuditTables, evaluate_audit, list_corruptions
from hilum.evaluate.audits.subgroups import LEAST
from hilum.evaluate.findings import auroc
from hilum.evaluate.images import FeatureTable
from hilum.evaluate.resampling import bootstrap_interval
from hilum.models import load_model
from hilum.reading import DEFAULT_MODELS

Array = npt.NDArray[np.float64]
ADULT = (
    "pneumonia",
    "no_finding",
    "infiltration",
    "atelectasis",
    "edema",
    "pleural_effusion",
    "consolidation",
)
EXPLANATIONS = {
    "the opacity map": Path("runs/audit_explanations.json"),
    "the mean map of all films": Path("runs/audit_explanations_control.json"),
}
HIDDEN = ("lungs hidden", "outside hidden", "box hidden")
ATTRIBUTES = ("source", "view", "sex", "age group")


def write_page(rows: Mapping[str, Sequence[Row]], page: Path) -> None:
    """Evaluate and renew every table of the page; evaluations are kept in runs/."""
    audits = {
        "all": _audit(list(rows["clean"]), (), ["pneumonia"], ATTRIBUTES),
        "nih": _audit(
            _of(rows["clean"], "NIH"),
            _of(rows["stressed"], "NIH"),
            ADULT,
            ATTRIBUTES[1:],
        ),
        "kermany": _audit(
            _of(rows["clean"], "Kermany"),
            _of(rows["stressed"], "Kermany"),
            ["pneumonia"],
            (),
        ),
    }
    for name, audit in audits.items():
        write_evaluation(audit, Path(f"runs/audit_{name}.json"))
    tables = {
        "models": _model_table(),
        "sources": _sources(rows["clean"], audits["all"]),
        "corruptions": _corruptions(audits),
        "refusals": _refusals(rows),
        "hidden": _hidden(audits),
        "attributes": _attributes(audits),
        "subgroups": _subgroups(audits["nih"], "pneumonia"),
        "healthy": _subgroups(audits["nih"], "no_finding"),
        "gaps": _gaps(audits),
        "anatomy": _anatomy(rows["anatomy"]),
        "children": _children(_of(rows["clean"], "Kermany")),
        "explanations": _explanations(),
    }
    text = page.read_text(encoding="utf-8")
    for name, table in tables.items():
        pattern = rf"(<!-- table {name} -->\n).*?(<!-- end -->)"
        text, count = re.subn(
            pattern, lambda m, t=table: f"{m[1]}{t}\n{m[2]}", text, flags=re.DOTALL
        )
        if count != 1:
            print(f"{page} has no place for the table {name}")
    page.write_text(text, encoding="utf-8")


def _model_table() -> str:
    manifests = [load_model(name).manifest for name in DEFAULT_MODELS.values()]
    lines = [[m.name, m.version, m.sha256[:12]] for m in manifests]
    return _table(["model", "version", "SHA-256 of the weights"], lines)


def _of(rows: Iterable[Row], source: str) -> list[Row]:
    return [row for row in rows if row.case.source == source]


def _column(rows: Sequence[Row], condition: str, finding: str) -> Array:
    return np.array([r.probs.get(condition, {}).get(finding, np.nan) for r in rows])


def _audit(
    rows: Sequence[Row],
    stressed: Sequence[Row],
    findings: Sequence[str],
    attributes: Sequence[str],
) -> Evaluation:
    """The audit of some rows; ``stressed`` are readings of some of the same images."""
    texts = {
        "source": [r.case.source for r in rows],
        "view": [r.case.view for r in rows],
        "sex": [r.case.sex for r in rows],
        "age group": [r.case.age for r in rows],
    }
    place = {r.case.unit: r for r in stressed}
    again = [place.get(r.case.unit, Row(r.case, False)) for r in rows]
    conditions = [(c.name, s) for c in list_corruptions() for s in SEVERITIES] if stressed else []
    hidden = HIDDEN if stressed else ()
    tables = AuditTables(
        {n: np.array([r.case.truth.get(n, np.nan) for r in rows]) for n in findings},
        {n: _column(rows, "clean", n) for n in findings},
        {n: np.array(texts[n]) for n in attributes},
        {
            (c, s): {n: _column(again, f"{c} {s}", n) for n in findings if n == "pneumonia"}
            for c, s in conditions
        },
        {h: {n: _column(rows, h, n) for n in findings} for h in hidden},
        FeatureTable(np.stack([r.features for r in rows if r.features is not None]), rows[0].space),
        np.array([r.case.unit in place for r in rows]) if stressed else None,
    )
    # a few films are read with the other age's operating point; the usual one counts for all
    seen = {n: Counter(r.points[n] for r in rows if n in r.points) for n in findings}
    points = {n: counts.most_common(1)[0][0] for n, counts in seen.items() if counts}
    return evaluate_audit(
        [f"{r.case.source}/{r.case.unit}" for r in rows],
        tables,
        groups=[r.case.patient for r in rows],
        options=AuditOptions(thresholds=points, draws=500, chance_draws=200),
    )


def _shown(score: Score, *, digits: int = 2, is_short: bool = False) -> str:
    if np.isnan(score.value):
        return "–"
    text = f"{score.value:.{digits}f}"
    if score.interval is None or is_short:
        return text
    return f"{text} ({score.interval.low:.{digits}f} to {score.interval.high:.{digits}f})"


def _pick(audit: Evaluation, id_: str, subject: str, **parameters: object) -> Score:
    found = [
        s
        for s in audit.scores
        if s.metric.id == id_
        and s.subject == subject
        and all(s.parameters.get(k) == v for k, v in parameters.items())
    ]
    assert len(found) == 1, (id_, subject, parameters, len(found))
    return found[0]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def _sources(rows: Sequence[Row], audit: Evaluation) -> str:
    lines = []
    for source in ("NIH", "Kermany", "covid"):
        own = _of(rows, source)
        read = [r for r in own if "pneumonia" in r.probs.get("clean", {})]
        at = {"attribute": "source", "group": source}
        lines.append(
            [
                source,
                f"{len(read)} of {len(own)}",
                str(int(sum(r.case.truth["pneumonia"] for r in read))),
                *(
                    _shown(_pick(audit, id_, "pneumonia", **at))
                    for id_ in (
                        "auroc/subgroup",
                        "calibration_error/subgroup",
                        "calibration_bias/subgroup",
                    )
                ),
            ]
        )
    head = ["source", "read", "pneumonia", "AUROC", "calibration error", "probability less share"]
    return _table(head, lines)


def _corruptions(audits: Mapping[str, Evaluation]) -> str:
    clean = ["none"]
    for name in ("nih", "kermany"):
        arrays = audits[name].arrays
        clean += [f"{auroc(arrays['truth.pneumonia'], arrays['clean.pneumonia']):.2f}", ""]
    lines = [[*clean, ""]]
    for corruption in list_corruptions():
        line = [corruption.name.replace("_", " ")]
        for name in ("nih", "kermany"):
            values = [_stressed_auroc(audits[name], corruption.name, s) for s in SEVERITIES]
            error = _pick(
                audits[name],
                "corruption_error/clean_ratio",
                "pneumonia",
                corruption=corruption.name,
            )
            line += [" / ".join(values), _shown(error, digits=1)]
        shifts = [
            _pick(
                audits["nih"], "flipped_calls/threshold", "pneumonia",
                corruption=corruption.name, severity=s,
            )
            for s in SEVERITIES
        ]  # fmt: skip
        lines.append([*line, " / ".join(_shown(s, is_short=True) for s in shifts)])
    head = [
        "corruption",
        "adults: AUROC at 1 / 3 / 5",
        "error over clean",
        "children: AUROC at 1 / 3 / 5",
        "error over clean",
        "adults: calls flipped",
    ]
    everything = ["all"]
    for name in ("nih", "kermany"):
        whole = _pick(
            audits[name], "corruption_error/clean_ratio", "pneumonia", corruption="all corruptions"
        )
        everything += ["", _shown(whole, digits=1)]
    return _table(head, [*lines, [*everything, ""]])


def _stressed_auroc(audit: Evaluation, corruption: str, severity: int) -> str:
    """The AUROC, or how many images are left where they are too few of a class."""
    at = {"corruption": corruption, "severity": severity}
    score = _pick(audit, "auroc/under_stress", "pneumonia", **at)
    inputs = audit.inputs(score)
    left = inputs["truth"][~np.isnan(inputs["prob"]) & ~np.isnan(inputs["truth"])]
    if min((left == 1).sum(), (left == 0).sum()) < LEAST:
        return f"({len(left)} left)"
    return _shown(score, is_short=True)


def _refusals(rows: Mapping[str, Sequence[Row]]) -> str:
    """Share of the images read when clean of which pneumonia was not assessed."""
    lines = []
    for corruption in list_corruptions():
        line = [corruption.name.replace("_", " ")]
        for source in ("NIH", "Kermany"):
            read = [r for r in _of(rows["stressed"], source) if "pneumonia" in r.probs["clean"]]
            shares = [
                np.mean(["pneumonia" not in r.probs[f"{corruption.name} {s}"] for r in read])
                for s in SEVERITIES
            ]
            line.append(" / ".join(f"{100 * share:.0f} %" for share in shares))
        lines.append(line)
    return _table(["corruption at 1 / 3 / 5", "adults", "children"], lines)


def _hidden(audits: Mapping[str, Evaluation]) -> str:
    lines = []
    for name, findings in (("nih", ADULT), ("kermany", ("pneumonia",))):
        audit = audits[name]
        for finding in findings:
            line = [f"{'adults' if name == 'nih' else 'children'}: {finding.replace('_', ' ')}"]
            truth, prob = (audit.arrays[f"{k}.{finding}"] for k in ("truth", "prob"))
            line.append(_clean_auroc(truth, prob, audit.groups))
            for hidden in HIDDEN:
                score = _pick(audit, "auroc/under_stress", finding, hidden=hidden)
                line.append(_shown(score))
            lines.append(line)
    return _table(
        ["finding", "AUROC, whole film", "lungs hidden", "all but lungs hidden", "box hidden"],
        lines,
    )


def _clean_auroc(truth: Array, prob: Array, groups: Sequence[str]) -> str:
    interval = bootstrap_interval(
        auroc,
        {"truth": truth, "prob": prob},
        rng=np.random.default_rng(0),
        draws=1000,
        groups=groups,
    )
    assert interval is not None
    return f"{auroc(truth, prob):.2f} ({interval.low:.2f} to {interval.high:.2f})"


def _attributes(audits: Mapping[str, Evaluation]) -> str:
    lines = []
    for name, title in (("all", "all sources"), ("nih", "NIH alone")):
        for score in audits[name].scores:
            if score.metric.id == "attribute_auroc/cross_fitted":
                lines.append([title, score.subject, str(score.units), _shown(score)])
        only = _pick(audits[name], "label_auroc/attributes_only", "pneumonia")
        stated = f"*pneumonia from {only.parameters['attributes']}, no pixel*"
        lines.append([title, stated, str(only.units), _shown(only)])
    return _table(["films", "told from features", "images", "AUROC"], lines)


def _subgroups(audit: Evaluation, finding: str) -> str:
    is_healthy = finding == "no_finding"
    rate = "underdiagnosis_rate/no_finding" if is_healthy else "missed_rate/subgroup"
    lines = []
    for score in audit.scores:
        if score.metric.id == "auroc/subgroup" and score.subject == finding:
            at = {k: score.parameters[k] for k in ("attribute", "group")}
            inside = audit.arrays[f"attribute.{at['attribute']}"] == at["group"]
            truth = audit.arrays[f"truth.{finding}"][inside]
            others = [
                _shown(_pick(audit, id_, finding, **at))
                for id_ in ("auroc_difference/versus_rest", rate, "calibration_bias/subgroup")
            ]
            count = f"{int(truth.sum())} of {len(truth)}"
            lines.append([f"{at['attribute']} {at['group']}", count, _shown(score), *others])
    missed = "sick called healthy" if is_healthy else "missed"
    head = ["subgroup", "positive", "AUROC", "less the rest", missed, "probability less share"]
    return _table(head, lines)


def _gaps(audits: Mapping[str, Evaluation]) -> str:
    lines = []
    for name, title in (("all", "all sources"), ("nih", "NIH")):
        for score in audits[name].scores:
            is_gap = score.metric.name in ("auroc_gap", "equalised_odds_gap")
            is_pooled_call = name == "all" and score.metric.name == "equalised_odds_gap"
            if is_gap and not is_pooled_call and score.subject in ("pneumonia", "no_finding"):
                what = f"{score.metric.name.replace('_', ' ')}, {score.subject.replace('_', ' ')}"
                attribute = str(score.parameters["attribute"])
                lines.append([title, attribute, what, _shown(score), score.note])
    return _table(["films", "between", "gap", "value", "note of the score"], lines)


def _anatomy(rows: Sequence[Row]) -> str:
    names = ("left_lung", "right_lung", "cardiomediastinum")
    read = [r for r in rows if r.dice]

    def mean(condition: str, name: str, *, digits: int = 2) -> str:
        values = [r.dice[condition][name] for r in read if name in r.dice.get(condition, {})]
        return f"{np.mean(values):.{digits}f}" if values else "–"

    lines = [["clean", *(mean("clean", n, digits=3) for n in names), f"{len(read)}"]]
    for corruption in list_corruptions():
        if corruption.name in MOVING:
            continue
        conditions = [f"{corruption.name} {s}" for s in SEVERITIES]
        cells = [" / ".join(mean(c, n) for c in conditions) for n in names]
        counts = " / ".join(str(sum(c in r.dice for r in read)) for c in conditions)
        lines.append([corruption.name.replace("_", " "), *cells, counts])
    head = ["corruption at 1 / 3 / 5", "left lung", "right lung", "heart, mediastinum", "read"]
    return _table(head, lines)


def _children(rows: Sequence[Row]) -> str:
    lines = []
    for title, sick in (("normal", 0.0), ("pneumonia", 1.0)):
        own = [
            r
            for r in rows
            if r.case.truth["pneumonia"] == sick and "lungs" in r.dice.get("clean", {})
        ]
        values = np.array([r.dice["clean"]["lungs"] for r in own])
        interval = bootstrap_interval(
            lambda value: float(value.mean()),
            {"value": values},
            rng=np.random.default_rng(0),
            draws=1000,
            groups=[r.case.patient for r in own],
        )
        assert interval is not None
        shown = f"{values.mean():.3f} ({interval.low:.3f} to {interval.high:.3f})"
        lines.append([title, str(len(own)), shown, f"{np.mean(values < 0.85):.2f}"])
    return _table(["children", "images", "both lungs, Dice", "share below 0.85"], lines)


def _explanations() -> str:
    found = {name: read_evaluation(path) for name, path in EXPLANATIONS.items() if path.exists()}
    if not found:
        return "Not measured: run `benchmarks/audit_explanations.py` first."
    ids = dict.fromkeys(s.metric.id for audit in found.values() for s in audit.scores)
    lines = []
    for id_ in ids:
        cells = []
        for audit in found.values():
            own = [s for s in audit.scores if s.metric.id == id_]
            cells.append(_shown(own[0], digits=3) if own else "")
        name, _, variant = id_.partition("/")
        lines.append([f"{name.replace('_', ' ')} ({variant.replace('_', ' ')})", *cells])
    return _table(["check", *found], lines)
