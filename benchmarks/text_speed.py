"""Structuring the Indiana reports beside medspaCy with ConText and its sectionizer.

    pip install --no-deps torchxrayvision    # the reports lie in this wheel
    pip install medspacy
    python benchmarks/text_speed.py [--peer-reports 60] [--repeats 3]

One process, one thread, one run. Hilum reads all 3,955 reports, its caches empty at the start
of every repeat. medspaCy, a hundred times slower, reads an evenly spaced sample of them; it is
given eight target rules, so it does less than Hilum's tables of findings, places and devices.
The label-only mode and the whole structuring (sections, sentences, mentions, assertion,
attributes, relations, the structured list, CheXpert labels, the graph, the scene graph and
unsupported comparisons) are printed apart. The published speed of the CheXpert labeler is 2.85
reports/s (mimic-cxr issue 7), on another machine.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import importlib.metadata
import platform
import time
from collections.abc import Callable, Sequence

from indiana import read_indiana

from hilum.text import (
    build_scene_graph,
    find_comparisons,
    label_report,
    parse,
    to_graph,
)
from hilum.text.reading import read_claims, read_sentence

TARGETS = (
    "pleural effusion",
    "pneumothorax",
    "consolidation",
    "cardiomegaly",
    "pneumonia",
    "atelectasis",
    "edema",
    "fracture",
)


def structure(text: str) -> None:
    """The structured list: everything that ``parse`` gives, and labels."""
    label_report(parse(text, language="en"))


def structure_with_views(text: str) -> None:
    """The structured list, the graph, the scene graph and unsupported comparisons."""
    document = parse(text, language="en")
    label_report(document)
    to_graph(document)
    build_scene_graph(document)
    find_comparisons(document)


def label_only(text: str) -> None:
    label_report(text, language="en")


def make_peer() -> Callable[[str], None]:
    """medspaCy: sentences, eight targets, ConText and sections."""
    import medspacy
    from loguru import logger
    from medspacy.ner import TargetRule

    logger.remove()  # its sentence splitter logs every token otherwise

    nlp = medspacy.load()
    nlp.add_pipe("medspacy_sectionizer")
    nlp.get_pipe("medspacy_target_matcher").add([TargetRule(term, "FINDING") for term in TARGETS])
    return nlp


def rate(run: Callable[[str], None], texts: Sequence[str], *, repeats: int) -> float:
    """Reports a second, the best of ``repeats``, each with empty caches."""
    best = 0.0
    for _ in range(repeats):
        read_claims.cache_clear()
        read_sentence.cache_clear()
        started = time.perf_counter()
        for text in texts:
            run(text)
        best = max(best, len(texts) / (time.perf_counter() - started))
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer-reports", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    texts = [report.text for report in read_indiana()]
    label_only(texts[0])  # tables are read once
    structure_with_views(texts[0])
    sample = texts[:: max(1, len(texts) // options.peer_reports)]
    peer = make_peer()
    peer(sample[0])
    peer_rate = rate(peer, sample, repeats=1)
    print(
        f"{len(texts)} reports; Python {platform.python_version()}, {platform.machine()}; ", end=""
    )
    print(f"medspaCy {importlib.metadata.version('medspacy')} on {len(sample)} of them\n")
    print("| what | reports/s | times medspaCy |\n|---|---|---|")
    print(f"| medspaCy: sentences, 8 targets, ConText, sections | {peer_rate:,.1f} | 1 |")
    for name, run in (
        ("labels only", label_only),
        ("structured list and labels", structure),
        ("the same with graph, scene graph, comparisons", structure_with_views),
    ):
        own = rate(run, texts, repeats=options.repeats)
        print(f"| Hilum: {name} | {own:,.0f} | {own / peer_rate:,.0f} |")


if __name__ == "__main__":
    main()
