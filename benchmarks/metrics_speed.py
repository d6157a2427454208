"""Metrics beside their peers in one run, as ratios: report scores and bootstrapped AUROCs.

    pip install --no-deps torchxrayvision          # the Indiana reports lie in this wheel
    pip install pycocoevalcap nltk scikit-learn
    python benchmarks/metrics_speed.py [--pairs 3800] [--peer-pairs 400] [--draws 2000]

Report pairs are Indiana reports against the report that follows them. Lexical: BLEU-1 to 4,
ROUGE-L, METEOR and CIDEr-D on the same tokens; pycocoevalcap's Python parts and NLTK's METEOR
(without WordNet, which is a download) score a sample and are scaled by the number of pairs,
except CIDEr, which has to see all. Clinical: every score of ``hilum.text``. Bootstrap: 14
AUROCs of 100,000 images; scikit-learn loops over a few draws and is scaled.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import contextlib
import io
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from indiana import read_indiana
from measuring import machine, markdown
from nltk.translate.meteor_score import single_meteor_score
from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.cider.cider import Cider
from pycocoevalcap.rouge.rouge import Rouge
from sklearn.metrics import roc_auc_score

from hilum.evaluate.findings import bootstrap_labels, prepare
from hilum.evaluate.reports import (
    ReportOptions,
    bleu,
    bleu_counts,
    cider,
    count_ngrams,
    encode_pairs,
    evaluate_reports,
    meteor,
    rouge_l,
    words,
)

Pairs = list[tuple[str, str]]


class NoWordNet:
    """NLTK's METEOR without synonyms."""

    def synsets(self, word: str) -> list[Any]:
        """None of any word."""
        return []


def timed(work: Callable[[], object], *, repeats: int = 1) -> float:
    """Median processor seconds of ``work``: other processes count less than on the clock."""
    seconds = []
    for _ in range(repeats):
        began = time.process_time()
        work()
        seconds.append(time.process_time() - began)
    return float(np.median(seconds))


def lexical(pairs: Pairs) -> dict[str, float]:
    tokens = [(words(found), words(text)) for found, text in pairs]
    encoded = encode_pairs([t[0] for t in tokens], [t[1] for t in tokens])
    counted = count_ngrams(encoded, orders=4)
    counts = bleu_counts(counted)
    scores = {f"bleu_{n}": bleu(counts, order=n) for n in (1, 2, 3, 4)}
    scores["rouge_l"] = float(np.mean([rouge_l(*pair, beta=1.2) for pair in tokens]))
    scores["meteor"] = float(meteor(encoded).mean())
    return scores | {"cider_d": float(cider(counted).mean())}


def peer_without_cider(pairs: Pairs) -> dict[str, float]:
    found = {n: [" ".join(words(pair[0]))] for n, pair in enumerate(pairs)}
    wanted = {n: [" ".join(words(pair[1]))] for n, pair in enumerate(pairs)}
    with contextlib.redirect_stdout(io.StringIO()):
        values, _ = Bleu(4).compute_score(wanted, found, verbose=0)
    rouge, _ = Rouge().compute_score(wanted, found)
    net = NoWordNet()
    exact = [single_meteor_score(words(b), words(a), wordnet=net) for a, b in pairs]
    scores = {f"bleu_{n}": value for n, value in enumerate(values, start=1)}
    return scores | {"rouge_l": float(rouge), "meteor": float(np.mean(exact))}


def peer_cider(pairs: Pairs) -> float:
    found = {n: [" ".join(words(pair[0]))] for n, pair in enumerate(pairs)}
    wanted = {n: [" ".join(words(pair[1]))] for n, pair in enumerate(pairs)}
    return float(Cider().compute_score(wanted, found)[0])


def report_rows(count: int, peer_count: int) -> list[list[str]]:
    texts = [r.text for r in read_indiana() if "IMPRESSION" in r.parts][: count + 1]
    pairs = list(zip(texts[1:], texts[:-1], strict=True))
    sample = pairs[:: max(1, len(pairs) // peer_count)][:peer_count]
    own = timed(lambda: lexical(pairs), repeats=3)
    scale = len(pairs) / len(sample)
    theirs = timed(lambda: peer_without_cider(sample)) * scale + timed(lambda: peer_cider(pairs))
    agree, peer = lexical(sample), peer_without_cider(sample)
    for name in ("bleu_4", "rouge_l"):
        assert abs(agree[name] - peer[name]) < 1e-6, (name, agree[name], peer[name])
    ids = [str(n) for n in range(len(pairs))]
    found, wanted = [a for a, _ in pairs], [b for _, b in pairs]
    everything = timed(lambda: evaluate_reports(ids, found, wanted, options=ReportOptions(draws=0)))
    words_only = timed(
        lambda: evaluate_reports(ids, found, wanted, options=ReportOptions(draws=0, clinical=False))
    )
    ratio = f"{theirs / own:.0f}"
    return [
        [f"lexical, {len(pairs)} pairs", f"{own:.2f} s", f"{theirs:.1f} s", ratio],
        [f"clinical, {len(pairs)} pairs", f"{everything - words_only:.1f} s", "", ""],
    ]


def bootstrap_row(images: int, labels: int, draws: int) -> list[str]:
    rng = np.random.default_rng(0)
    truth = (rng.random((images, labels)) < rng.uniform(0.02, 0.3, labels)).astype(float)
    prob = 1 / (1 + np.exp(-(rng.normal(size=truth.shape) + truth)))

    def ours() -> None:
        ready = [prepare(t, p) for t, p in zip(truth.T, prob.T, strict=True)]
        bootstrap_labels(
            ready,
            [("auroc/empirical", {})],
            count=images,
            draws=draws,
            rng=np.random.default_rng(1),
        )

    few = 3

    def theirs() -> None:
        for _ in range(few):
            rows = rng.integers(images, size=images)
            for label in range(labels):
                roc_auc_score(truth[rows, label], prob[rows, label])

    own, peer = timed(ours), timed(theirs) * draws / few
    name = f"{draws} draws of {labels} AUROCs, {images} images"
    return [name, f"{own:.1f} s", f"{peer:.0f} s (from {few} draws)", f"{peer / own:.0f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=3800)
    parser.add_argument("--peer-pairs", type=int, default=400)
    parser.add_argument("--draws", type=int, default=2000)
    given = parser.parse_args()
    rows = [
        *report_rows(given.pairs, given.peer_pairs),
        bootstrap_row(100_000, 14, given.draws),
    ]
    print(markdown(["what", "Hilum", "peer", "ratio"], rows))
    print(machine("numpy", "pycocoevalcap", "nltk", "scikit-learn"))


if __name__ == "__main__":
    main()
