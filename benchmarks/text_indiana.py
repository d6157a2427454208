"""Labels of the Indiana reports beside the MeSH tags that annotators gave them.

    python benchmarks/text_indiana.py [--half development] [--disagreements 100 --out FILE]

The 3,955 reports come with TorchXRayVision's package (Demner-Fushman et al. 2016); those
that were never indexed, or hold neither findings nor impression, are left out. Labels are
those of the ``mesh`` scheme, which says what each tag and each concept stands for. A label
is given when it is present, or uncertain but more likely than not, since annotators tagged
what a report holds likely. Reports are split in half by the hash of their number. Mappings
were tuned on the development half; the lexicon's words were drawn from both, so the test
half is not unseen (``docs/text_indiana.md``).
``--out`` writes sampled disagreements of the test half with the whole report, as JSON lines,
to read them by hand; keep that file out of the repository.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from indiana import read_indiana
from measuring import machine, markdown

from hilum.text.labels import label_names, label_report
from hilum.text.mesh_tags import labels_of_tags

MORE_LIKELY_THAN_NOT = 0.5
FEWEST_TAGGED = 10  # a label tagged less often in a half says little about the labeller


class Case(NamedTuple):
    """One report: its number, its text with headings, the labels of its tags."""

    number: str
    text: str
    tags: tuple[str, ...]
    half: str


def read_cases() -> list[Case]:
    """Every indexed report that holds findings or an impression, in order of its number."""
    cases = []
    for report in read_indiana():
        if "No Indexing" in report.tags or not {"FINDINGS", "IMPRESSION"} & set(report.parts):
            continue
        digest = hashlib.sha256(report.number.encode()).digest()
        half = "test" if digest[-1] % 2 else "development"
        cases.append(Case(report.number, report.text, report.tags, half))
    return cases


def tagged(cases: Sequence[Case]) -> np.ndarray:
    """(reports, labels) booleans of the tags."""
    names = label_names("mesh")
    sets = [labels_of_tags(case.tags) for case in cases]
    return np.array([[name in labels for name in names] for labels in sets])


def labelled(cases: Sequence[Case]) -> np.ndarray:
    """(reports, labels) booleans of the labeller.

    The tag ``normal`` says that an annotator found nothing to tag, so a report of which
    something was understood has it when no other label is given.
    """
    degrees, is_understood = [], []
    for case in cases:
        labels = label_report(case.text, scheme="mesh", language="en")
        degrees.append([degree or 0.0 for degree in labels.degrees])
        is_understood.append(any(value != "not_mentioned" for value in labels.values()))
    given = np.array(degrees) > MORE_LIKELY_THAN_NOT
    normal = label_names("mesh").index("normal")
    given[:, normal] = False
    given[:, normal] = np.array(is_understood) & ~given.any(axis=1)
    return given


def f1(truth: np.ndarray, ours: np.ndarray, axis: int | None) -> np.ndarray:
    """F1 over all cells, or of each label."""
    both = (truth & ours).sum(axis=axis)
    return 2 * both / np.maximum(truth.sum(axis=axis) + ours.sum(axis=axis), 1)


def interval(
    truth: np.ndarray, ours: np.ndarray, rng: np.random.Generator, draws: int = 1000
) -> tuple[str, str]:
    """Micro and macro F1 with 95 % bootstrap intervals by report."""
    values = np.empty((draws, 2))
    for draw in range(draws):
        pick = rng.integers(0, len(truth), len(truth))
        sample, answer = truth[pick], ours[pick]
        values[draw] = f1(sample, answer, None), f1(sample, answer, 0).mean()
    low, high = np.quantile(values, [0.025, 0.975], axis=0)
    micro, macro = float(f1(truth, ours, None)), float(f1(truth, ours, 0).mean())
    cells = [
        f"{point:.3f} ({a:.3f} to {b:.3f})"
        for point, a, b in zip((micro, macro), low, high, strict=True)
    ]
    return cells[0], cells[1]


def table(truth: np.ndarray, ours: np.ndarray, kept: np.ndarray) -> str:
    """One row a label: tagged, labelled, precision, recall, F1."""
    rows = []
    for index in sorted(np.flatnonzero(kept), key=lambda i: -truth[:, i].sum()):
        t, o = truth[:, index], ours[:, index]
        both = (t & o).sum()
        precision, recall = both / max(o.sum(), 1), both / max(t.sum(), 1)
        score = float(f1(t, o, None))
        cells = [str(t.sum()), str(o.sum()), f"{precision:.3f}", f"{recall:.3f}", f"{score:.3f}"]
        rows.append([label_names("mesh")[index], *cells])
    return markdown(["label", "tagged", "labelled", "precision", "recall", "F1"], rows)


def sample(cases: Sequence[Case], wrong: np.ndarray, truth: np.ndarray, count: int) -> list[str]:
    """JSON lines of ``count`` disagreements drawn with a fixed seed."""
    cells = np.argwhere(wrong)
    rng = np.random.default_rng(3955)
    chosen = cells[rng.permutation(len(cells))[:count]]
    names = label_names("mesh")
    return [
        json.dumps(
            {
                "report": cases[row].number,
                "label": names[column],
                "kind": "missed" if truth[row, column] else "added",
                "tags": cases[row].tags,
                "text": cases[row].text,
            }
        )
        for row, column in chosen
    ]


def report_half(cases: list[Case], half: str, arguments: argparse.Namespace) -> None:
    """Print the figures of one half; write its disagreements if asked."""
    chosen = [case for case in cases if case.half == half]
    truth = tagged(chosen)
    started = time.perf_counter()
    ours = labelled(chosen)
    seconds = time.perf_counter() - started
    kept = truth.sum(axis=0) >= FEWEST_TAGGED
    rng = np.random.default_rng(0)
    micro, macro = interval(truth[:, kept], ours[:, kept], rng)
    rare = truth.any(axis=0)
    all_micro = float(f1(truth[:, rare], ours[:, rare], None))
    all_macro = float(f1(truth[:, rare], ours[:, rare], 0).mean())
    print(f"\n{half} half: {len(chosen)} reports, {kept.sum()} labels tagged {FEWEST_TAGGED} times")
    print(f"micro F1 {micro}; macro F1 {macro}")
    print(
        f"all {rare.sum()} labels ever tagged: micro F1 {all_micro:.3f}, macro F1 {all_macro:.3f}"
    )
    print(f"{len(chosen) / seconds:,.0f} reports a second\n")
    print(table(truth, ours, kept if not arguments.all else truth.any(axis=0)))
    if arguments.out and half == "test":
        wrong = (truth != ours) & kept
        lines = sample(chosen, wrong, truth, arguments.disagreements)
        arguments.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
        print(f"\n{wrong.sum()} disagreements, {len(lines)} written")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--half", choices=("development", "test", "both"), default="both")
    parser.add_argument("--disagreements", type=int, default=100)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--all", action="store_true", help="list the rare labels too")
    arguments = parser.parse_args()
    cases = read_cases()
    for half in ("development", "test"):
        if arguments.half in (half, "both"):
            report_half(cases, half, arguments)
    print("\n" + machine("hilum", "numpy"))


if __name__ == "__main__":
    main()
