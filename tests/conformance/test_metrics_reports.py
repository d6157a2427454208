"""Metrics of reports against NLTK, rouge-score, sacrebleu, pycocoevalcap, scikit-learn, by hand."""

import contextlib
import http.server
import io
import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import sacrebleu
from nltk.stem.porter import PorterStemmer
from nltk.translate.meteor_score import single_meteor_score
from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.cider.cider import Cider
from pycocoevalcap.rouge.rouge import Rouge
from rouge_score.rouge_scorer import RougeScorer
from sklearn.metrics import f1_score

from hilum.errors import InvalidValueError, MissingExtraError, MissingModelError
from hilum.evaluate.reports import (
    ADAPTERS,
    CATEGORIES,
    EndpointJudge,
    ReportOptions,
    bag_counts,
    bert_score,
    bleu,
    bleu_counts,
    chrf,
    chrf_counts,
    cider,
    comparison_counts,
    count_errors,
    count_ngrams,
    encode_pairs,
    error_score,
    evaluate_reports,
    example_f1,
    f1_of_counts,
    inverse_document_frequency,
    judge_by_rules,
    judge_facts,
    label_matrix,
    lcs_length,
    macro_f1,
    mean_f1_of_counts,
    measurement_counts,
    meteor,
    micro_f1,
    radcliq_v1,
    rouge_l,
    rouge_n,
    score_elsewhere,
    select_sections,
    statements_of,
    stem,
    words,
)
from hilum.text import label_report, parse

REFERENCES = (
    "The heart is enlarged. There is a small right pleural effusion, increased since the prior.",
    "No acute cardiopulmonary disease.",
    "Left lower lobe consolidation suggestive of pneumonia. No pneumothorax.",
    "A 12 mm nodule in the right upper lobe. The heart size is normal.",
    "Endotracheal tube tip 4 cm above the carina. Mild pulmonary edema.",
    "Low lung volumes with bibasilar atelectasis; no effusion or pneumothorax is seen.",
)
CANDIDATES = (
    "The heart is mildly enlarged. Moderate right pleural effusion.",
    "No acute cardiopulmonary process.",
    "Right lower lobe consolidation. No pneumothorax. No pneumothorax.",
    "A 2 cm nodule in the right upper lobe is unchanged. Heart size is normal.",
    "Endotracheal tube tip above the carina.",
    "Bibasilar atelectasis.",
)
ENCODED = encode_pairs([words(c) for c in CANDIDATES], [words(r) for r in REFERENCES])
PAIRS = list(zip(CANDIDATES, REFERENCES, strict=True))


def joined(texts: tuple[str, ...]) -> dict[int, list[str]]:
    return {number: [" ".join(words(text))] for number, text in enumerate(texts)}


def test_bleu_against_pycocoevalcap_and_sacrebleu() -> None:
    counts = bleu_counts(count_ngrams(ENCODED, orders=4))
    with contextlib.redirect_stdout(io.StringIO()):
        theirs, _ = Bleu(4).compute_score(joined(REFERENCES), joined(CANDIDATES), verbose=0)
    for order, value in enumerate(theirs, start=1):
        assert bleu(counts, order=order) == pytest.approx(value, abs=1e-6)
    spaced = [" ".join(words(text)) for text in CANDIDATES]
    scored = sacrebleu.corpus_bleu(
        spaced,
        [[" ".join(words(text)) for text in REFERENCES]],
        tokenize="none",
        smooth_method="none",
        force=True,
    )
    assert 100 * bleu(counts) == pytest.approx(scored.score)


def test_chrf_against_sacrebleu() -> None:
    counts = chrf_counts(CANDIDATES, REFERENCES)
    theirs = sacrebleu.corpus_chrf(list(CANDIDATES), [list(REFERENCES)]).score
    assert 100 * chrf(counts) == pytest.approx(theirs)


def test_rouge_against_rouge_score_and_pycocoevalcap() -> None:
    from hilum.evaluate.reports import alphanumeric

    scorer = RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=False)
    for candidate, reference in PAIRS:
        theirs = scorer.score(reference, candidate)
        pair = alphanumeric(candidate), alphanumeric(reference)
        one, two = count_ngrams(encode_pairs([pair[0]], [pair[1]]), orders=2)
        assert rouge_n(one).item() == pytest.approx(theirs["rouge1"].fmeasure)
        assert rouge_n(two).item() == pytest.approx(theirs["rouge2"].fmeasure)
        assert rouge_l(*pair) == pytest.approx(theirs["rougeL"].fmeasure)
        spaced = " ".join(words(candidate)), " ".join(words(reference))
        coco = Rouge().calc_score([spaced[0]], [spaced[1]])
        assert rouge_l(words(candidate), words(reference), beta=1.2) == pytest.approx(coco)


def test_the_subsequence_by_dynamic_programming() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        first, second = (list(rng.choice(list("abcd"), size=rng.integers(0, 90))) for _ in "xy")
        table = np.zeros((len(first) + 1, len(second) + 1), dtype=int)
        for i, a in enumerate(first):
            for j, b in enumerate(second):
                same = table[i, j] + 1
                table[i + 1, j + 1] = same if a == b else max(table[i, j + 1], table[i + 1, j])
        assert lcs_length(first, second) == table[-1, -1]


class NoWordNet:
    """NLTK's METEOR without synonyms: WordNet is a download."""

    def synsets(self, word: str) -> list[Any]:
        return []


def test_meteor_against_nltk() -> None:
    stemmer = PorterStemmer(mode=PorterStemmer.ORIGINAL_ALGORITHM)
    ours = meteor(ENCODED)
    for value, (candidate, reference) in zip(ours, PAIRS, strict=True):
        theirs = single_meteor_score(
            words(reference), words(candidate), stemmer=stemmer, wordnet=NoWordNet()
        )
        assert value == pytest.approx(theirs)


def test_meteor_aligns_repeated_words_and_bears_empty_texts() -> None:
    rng = np.random.default_rng(0)
    texts = [list(rng.choice(list("abc"), size=rng.integers(1, 9))) for _ in range(40)]
    ours = meteor(encode_pairs(texts[:20], texts[20:]))
    for value, candidate, reference in zip(ours, texts[:20], texts[20:], strict=True):
        theirs = single_meteor_score(reference, candidate, wordnet=NoWordNet())
        assert value == pytest.approx(theirs)
    empty = encode_pairs([[], ["a"], []], [["a"], [], []])
    np.testing.assert_array_equal(meteor(empty), [0.0, 0.0, 0.0])
    assert bleu(bleu_counts(count_ngrams(empty, orders=4))) == 0.0
    with pytest.raises(InvalidValueError, match="candidates"):
        encode_pairs([["a"]], [])


def test_stems_against_nltk() -> None:
    stemmer = PorterStemmer(mode=PorterStemmer.ORIGINAL_ALGORITHM)
    table = Path(__file__).parents[2] / "src/hilum/text/lexicon/en/terms.csv"
    vocabulary = sorted(set(words(table.read_text(encoding="utf-8"))))
    assert len(vocabulary) > 1000
    wrong = [
        w
        for w in vocabulary
        if len(w) > 2 and w.isalpha() and w.isascii() and stem(w) != stemmer.stem(w)
    ]
    assert wrong == []


def test_cider_against_pycocoevalcap() -> None:
    _, theirs = Cider().compute_score(joined(REFERENCES), joined(CANDIDATES))
    ours = cider(count_ngrams(ENCODED, orders=4))
    np.testing.assert_allclose(ours, theirs, atol=1e-9)


def test_plain_cider_is_the_cosine_of_weighted_counts() -> None:
    counted = count_ngrams(encode_pairs([["a", "b"], ["c"]], [["a", "b"], ["d"]]), orders=4)
    same = cider(counted, is_d=False)
    # orders 1 and 2 agree wholly, 3 and 4 do not occur
    np.testing.assert_allclose(same, [10 * 2 / 4, 0.0])


def test_bert_score_by_hand() -> None:
    vectors = {"a": [1.0, 0.0], "b": [0.0, 2.0], "c": [1.0, 1.0]}

    def encode(text: str) -> tuple[list[str], np.ndarray]:
        tokens = text.split()
        return tokens, np.array([vectors[t] for t in tokens]).reshape(-1, 2)

    precision, recall, f1 = bert_score("a c", "a b", encode)
    assert precision == pytest.approx((1 + 0.5**0.5) / 2)
    assert recall == pytest.approx((1 + 0.5**0.5) / 2)
    assert f1 == pytest.approx(precision)
    weights = inverse_document_frequency([["a"], ["a", "b"]])
    assert weights["a"] == pytest.approx(0.0)
    weighted = bert_score("c", "a b", encode, weights=weights)
    assert weighted[1] == pytest.approx(0.5**0.5)
    assert bert_score("", "a", encode) == (0.0, 0.0, 0.0)


def test_label_f1_against_scikit_learn() -> None:
    names = tuple(label_report(REFERENCES[0]).names)
    truth = label_matrix([label_report(r) for r in REFERENCES], names)
    found = label_matrix([label_report(c) for c in CANDIDATES], names)
    assert truth.sum() > 5
    for average, ours in (("micro", micro_f1), ("macro", macro_f1)):
        theirs = f1_score(truth, found, average=average, zero_division=0)
        assert ours(truth, found) == pytest.approx(theirs)
    theirs = f1_score(truth, found, average="samples", zero_division=1)
    assert example_f1(truth, found) == pytest.approx(theirs)


def test_uncertain_labels_follow_the_policy() -> None:
    labels = [label_report("Possible pneumonia.")]
    assert label_matrix(labels, ["pneumonia"]).item() == 1.0
    assert label_matrix(labels, ["pneumonia"], uncertain="negative").item() == 0.0
    with pytest.raises(InvalidValueError, match="positive or negative"):
        label_matrix(labels, ["pneumonia"], uncertain="maybe")


def test_bags_and_their_f1_by_hand() -> None:
    counts = np.array([bag_counts("aab", "abc"), bag_counts("", ""), bag_counts("x", "")])
    np.testing.assert_array_equal(counts, [[2, 3, 3], [0, 0, 0], [0, 1, 0]])
    assert f1_of_counts(counts) == pytest.approx(2 * 2 / 7)
    assert mean_f1_of_counts(counts) == pytest.approx((2 / 3 + 1 + 0) / 3)


@pytest.mark.parametrize(
    ("candidate", "reference", "expected"),
    [
        ("Right effusion.", "Right effusion.", {}),
        ("Right effusion. Pneumothorax.", "Right effusion.", {"false_finding": 1}),
        ("No effusion.", "Right effusion.", {"missing_finding": 1}),
        ("Left effusion.", "Right effusion.", {"wrong_location": 1}),
        ("Large right effusion.", "Small right effusion.", {"wrong_severity": 1}),
        ("Right effusion, increased.", "Right effusion.", {"false_comparison": 1}),
        ("Right effusion.", "Right effusion, increased.", {"missing_comparison": 1}),
        ("Right effusion, decreased.", "Right effusion, increased.", {"false_comparison": 1}),
    ],
)
def test_errors_by_category(candidate: str, reference: str, expected: dict[str, int]) -> None:
    counts = count_errors(parse(candidate), parse(reference))
    assert {c: n for c, n in zip(CATEGORIES, counts, strict=False) if n} == expected


def test_the_error_score_has_greens_form() -> None:
    assert error_score(np.array([[1, 0, 0, 0, 0, 0, 3.0]])) == 0.75
    assert error_score(np.zeros((1, 7))) == 1.0


@pytest.mark.parametrize(
    ("premise", "sentence", "verdict"),
    [
        ("Small right effusion.", "Right effusion.", True),
        ("Right effusion.", "Small right effusion.", False),
        ("Right effusion.", "Left effusion.", False),
        ("No effusion.", "No right effusion.", True),
        ("No effusion.", "Right effusion.", False),
        ("Effusion.", "The patient is rotated slightly.", None),
        ("Bilateral effusions.", "Right effusion.", True),
    ],
)
def test_the_rules_as_judge(premise: str, sentence: str, verdict: bool | None) -> None:
    assert judge_by_rules(premise, sentence) is verdict


class Endpoint(http.server.BaseHTTPRequestHandler):
    """A chat endpoint that says yes to effusions, fails on edema and mumbles otherwise."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        statement = body["messages"][0]["content"].partition("Statement:")[2]
        if "edema" in statement:
            self.send_error(500)
            return
        answer = "Yes." if "effusion" in statement else "perhaps"
        reply = json.dumps({"choices": [{"message": {"content": answer}}]}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def endpoint() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1/chat/completions"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_failed_call_is_missing_and_not_a_no(endpoint: str) -> None:
    judge = EndpointJudge(endpoint, "any", timeout_s=5)
    found, wanted = parse("Right effusion. Mild edema. Pneumonia."), parse("Right effusion.")
    counts = judge_facts(found, wanted, judge)
    assert counts == [1.0, 1.0, 2.0, 1.0, 1.0, 0.0]
    closed = EndpointJudge("http://127.0.0.1:9/none", "any", timeout_s=2)
    assert closed("Right effusion.", "Right effusion.") is None
    with pytest.raises(InvalidValueError, match="http"):
        EndpointJudge("file:///x", "any")


def test_statements_are_said_once_and_only_where_they_count() -> None:
    text = (
        "INDICATION: Pneumonia?\nFINDINGS: Right effusion. Thank you.\nIMPRESSION: Right effusion."
    )
    assert statements_of(parse(text)) == ["Right effusion."]


def test_invented_measures_and_priors() -> None:
    assert measurement_counts("12 mm and 5.0 cm", "1.2 cm") == (1, 2)
    assert comparison_counts(parse("Unchanged effusion. Normal heart.")) == (1, 2)


def test_radcliq_has_its_published_form() -> None:
    at_mean = radcliq_v1(*(np.array([v]) for v in (0.53792312, 0.61757256, 0.76479421, 0.44738335)))
    np.testing.assert_allclose(at_mean, [0.0], atol=1e-9)
    better = radcliq_v1(*(np.array([1.0]) for _ in range(4)))
    expected = -(
        0.377083683 * (1 - 0.53792312) / 0.30282584
        + 0.3703001 * (1 - 0.61757256) / 0.22430938
        + 0.252616218 * (1 - 0.76479421) / 0.25394391
    )
    np.testing.assert_allclose(better, [expected], atol=1e-9)
    with pytest.raises(InvalidValueError, match="one length"):
        radcliq_v1(np.zeros(2), np.zeros(1), np.zeros(1), np.zeros(1))


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("findings", "Effusion."),
        ("impression", "Edema."),
        ("findings_impression", "Effusion.\nEdema."),
    ],
)
def test_sections_are_selected(policy: str, expected: str) -> None:
    text = "INDICATION: Cough.\nFINDINGS: Effusion.\nIMPRESSION: Edema."
    assert select_sections(text, policy) == expected
    assert select_sections(text, "whole") == text
    assert select_sections("Effusion.", "findings") == "Effusion."
    assert select_sections("Effusion.", "impression") == ""
    with pytest.raises(InvalidValueError, match="findings_impression"):
        select_sections(text, "conclusion")


def test_a_whole_evaluation_of_reports() -> None:
    units = [f"report{n}" for n in range(7)]
    found = evaluate_reports(
        units,
        [*CANDIDATES, "Right effusion."],
        [*REFERENCES, "INDICATION: Cough."],
        groups=["p1", "p1", "p2", "p2", "p3", "p3", "p4"],
        options=ReportOptions(draws=20),
    )
    assert found.excluded == {"empty_reference": 1}
    assert len(found.units) == 6
    perfect = evaluate_reports(
        units[:6], REFERENCES, REFERENCES, options=ReportOptions(draws=0, has_prior=True)
    )
    for score in perfect.scores:
        if score.metric.direction == "higher" and score.metric.name != "hilum_label_f1":
            best = 10.0 if score.metric.name.startswith("cider") else 1.0
            if score.metric.name == "meteor":
                assert score.value > 0.97
            elif score.metric.name.startswith("cider"):
                assert score.value > 7.0
            else:
                assert score.value == pytest.approx(best), score.key
    assert found.find("hilum_timeline_f1", "all").units == 6
    names = {score.metric.name for score in perfect.scores}
    assert "unsupported_comparison_rate" not in names


def test_empty_reports_are_scored_and_unequal_numbers_refused() -> None:
    found = evaluate_reports(["a"], [""], ["Right effusion."], options=ReportOptions(draws=0))
    assert found.find("bleu", "all", order=1).value == 0.0
    with pytest.raises(InvalidValueError, match="2 reports"):
        evaluate_reports(["a"], ["", ""], ["x"])
    with pytest.raises(InvalidValueError, match="no reference"):
        evaluate_reports(["a"], ["x"], [""])


def test_adapters_refuse_without_weights_or_package(tmp_path: Path) -> None:
    for name in ADAPTERS:
        with pytest.raises(MissingModelError, match="local copy"):
            score_elsewhere(name, ["a"], ["b"], weights=tmp_path / "nowhere")
        with pytest.raises(MissingExtraError, match="pip install"):
            score_elsewhere(name, ["a"], ["b"], weights=tmp_path)
    with pytest.raises(InvalidValueError, match="radgraph"):
        score_elsewhere("bleurt", ["a"], ["b"], weights=tmp_path)


def test_adapters_hand_over_pairs_in_the_right_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    class Scorer:
        def __init__(self, *args: Any, **options: Any) -> None:
            asked["options"] = (args, options)

        def __call__(self, *args: Any, **named: Any) -> tuple[Any, ...]:
            asked["call"] = (args, named)
            return (0.5, [0.25, 0.75], [], []) if named else (0, 0, [0.25, 0.75], 0, 0)

    monkeypatch.setitem(sys.modules, "radgraph", SimpleNamespace(F1RadGraph=Scorer))
    monkeypatch.setitem(sys.modules, "green_score", SimpleNamespace(GREEN=Scorer))
    found = evaluate_reports(
        ["1", "2"],
        ["No effusion.", "Edema."],
        ["Effusion.", "No edema."],
        elsewhere={"radgraph": tmp_path, "green": tmp_path},
        options=ReportOptions(draws=0),
    )
    assert found.find("radgraph_f1", "all").value == 0.5
    assert found.find("green", "all").metric.variant == "original"
    assert asked["call"][0] == (["Effusion.", "No edema."], ["No effusion.", "Edema."])
    score_elsewhere("radgraph", ["c1", "c2"], ["r1", "r2"], weights=tmp_path)
    assert asked["call"][1] == {"hyps": ["c1", "c2"], "refs": ["r1", "r2"]}
