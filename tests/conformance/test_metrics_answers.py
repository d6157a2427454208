"""Metrics of answers by hand-worked cases, and calibration against scikit-learn."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score

from hilum.errors import InvalidValueError
from hilum.evaluate.answers import (
    Answer,
    AnswerOptions,
    box_union_iou,
    evaluate_answers,
    grounded_accuracy,
    mean_by_set,
    pair_accuracy,
    read_choices,
    score_answer,
    token_f1,
)

OPTIONS = ("Right upper lobe", "Left lower lobe", "Lingula", "None of these")


@pytest.mark.parametrize(
    ("answer", "truth", "form", "expected"),
    [
        ("Yes, there is.", "yes", "closed", 1.0),
        ("No.", "yes", "closed", 0.0),
        ("Absent", "no", "closed", 1.0),
        ("I cannot tell", "no", "closed", 0.0),
        ("B", "Left lower lobe", "single_choice", 1.0),
        ("(b) left lower lobe", "B", "single_choice", 1.0),
        ("b) lingula", "B", "single_choice", 0.0),
        ("the left lower lobe", "B", "single_choice", 1.0),
        ("E", "B", "single_choice", 0.0),
        ("A, C", "Right upper lobe; Lingula", "multiple_choice", 1.0),
        ("A and C", "C, A", "multiple_choice", 1.0),
        ("A", "A, C", "multiple_choice", 0.0),
        ("The right lung.", "right lung", "open", 1.0),
        ("2.5 cm", "25 cm", "open", 0.0),
    ],
)
def test_answers_by_form(answer: str, truth: str, form: str, expected: float) -> None:
    assert score_answer(answer, truth, form=form, options=OPTIONS) == expected


def test_options_are_read_or_not() -> None:
    assert read_choices("A; B", OPTIONS) == {0, 1}
    assert read_choices("A; maybe", OPTIONS) is None
    assert read_choices("", OPTIONS) is None


@pytest.mark.parametrize(
    ("truth", "form", "match"),
    [("perhaps", "closed", "yes or no"), ("E", "single_choice", "options"), ("x", "essay", "form")],
)
def test_a_truth_that_does_not_fit_is_refused(truth: str, form: str, match: str) -> None:
    with pytest.raises(InvalidValueError, match=match):
        score_answer("yes", truth, form=form, options=OPTIONS)


def test_word_f1_by_hand() -> None:
    assert token_f1("small right effusion", "the right effusion") == pytest.approx(4 / 5)
    assert token_f1("", "") == 1.0
    assert token_f1("", "x") == 0.0


def test_pairs_and_sets_by_hand() -> None:
    value = np.array([1.0, 1, 1, 0, 1, 0])
    pair = np.array(["a", "a", "b", "b", "c", ""])
    assert pair_accuracy(value, pair) == 0.5
    assert np.isnan(pair_accuracy(value, np.full(6, "")))
    group = np.array(["s", "s", "s", "s", "t", "t"])
    assert mean_by_set(value, group) == pytest.approx((3 / 4 + 1 / 2) / 2)


def test_saying_yes_to_everything_wins_no_pair() -> None:
    answers = [
        Answer(f"q{n}{truth}", truth, "yes", pair=f"p{n}")
        for n in range(10)
        for truth in ("yes", "no")
    ]
    found = evaluate_answers(answers, options=AnswerOptions(draws=50))
    assert found.find("accuracy", "all").value == 0.5
    assert found.find("pair_accuracy", "all").value == 0.0


def test_boxes_of_answers() -> None:
    assert box_union_iou([(0, 0, 10, 10)], [(5, 0, 10, 10)]) == pytest.approx(1 / 3, abs=0.01)
    halves = [(0, 0, 5, 10), (5, 0, 5, 10)]
    assert box_union_iou(halves, [(0, 0, 10, 10)]) == 1.0
    assert box_union_iou([], [(0, 0, 1, 1)]) == 0.0
    value, overlap = np.array([1.0, 1, 0]), np.array([0.6, 0.4, 0.9])
    assert grounded_accuracy(value, overlap) == pytest.approx(1 / 3)


def make_answers() -> list[Answer]:
    rng = np.random.default_rng(0)
    return [
        Answer(
            f"q{n}",
            "yes" if n % 2 else "no",
            "yes" if rng.random() < 0.6 else "no",
            kind=("presence", "place", "negation")[n % 3],
            group=f"patient{n // 4}",
            confidence=float(rng.random()),
        )
        for n in range(60)
    ]


def test_stated_confidence_against_scikit_learn() -> None:
    answers = make_answers()
    found = evaluate_answers(answers, options=AnswerOptions(draws=0))
    right = np.array([a.answer == a.truth for a in answers], dtype=float)
    confidence = np.array([a.confidence for a in answers], dtype=float)
    assert found.find("confidence_auroc", "all").value == pytest.approx(
        roc_auc_score(right, confidence)
    )
    assert found.find("confidence_brier", "all").value == pytest.approx(
        brier_score_loss(right, confidence)
    )


def test_kinds_add_up_to_the_whole() -> None:
    found = evaluate_answers(make_answers(), options=AnswerOptions(draws=20))
    kinds = [found.find("accuracy", f"kind.{k}") for k in ("presence", "place", "negation")]
    assert sum(score.units for score in kinds) == 60
    mean = sum(score.value * score.units for score in kinds) / 60
    assert found.find("accuracy", "all").value == pytest.approx(mean)


def test_unanswered_questions_are_wrong_or_left_out_and_counted() -> None:
    answers = [replace(a, answer=None) if n < 6 else a for n, a in enumerate(make_answers())]
    wrong = evaluate_answers(answers, options=AnswerOptions(draws=0))
    assert wrong.excluded == {"unanswered_counted_wrong": 6}
    assert wrong.find("accuracy", "all").units == 60
    left_out = evaluate_answers(answers, options=AnswerOptions(missing="excluded", draws=0))
    assert left_out.excluded == {"unanswered_excluded": 6}
    assert left_out.find("accuracy", "all").units == 54


def test_broken_answers_are_refused() -> None:
    with pytest.raises(InvalidValueError, match="confidence"):
        Answer("q", "yes", "yes", confidence=1.5)
    with pytest.raises(InvalidValueError, match="form"):
        Answer("q", "yes", "yes", form="essay")
    with pytest.raises(InvalidValueError, match="no answer"):
        evaluate_answers([])
    with pytest.raises(InvalidValueError, match="once each"):
        evaluate_answers([Answer("q", "yes", "yes")] * 2)
