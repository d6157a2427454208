"""Whatever the phantom: its language stays within its truth and its grammar."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.synth import ask, compare, report_styles, simulate_reader, write_report
from hilum.synth.gaze import PATTERNS
from hilum.types import ChangeKind, Status
from phantom_factory import draw, varied_spec

seeds = st.integers(0, 2**31)


@settings(deadline=None, max_examples=60)
@given(seed=seeds, style=st.sampled_from(report_styles()))
def test_a_report_never_says_both(seed: int, style: str) -> None:
    rng = np.random.default_rng(seed)
    image = draw(varied_spec(rng))
    said = dict[str, set[Status]]()
    for claim in write_report(image, rng=rng, style=style).claims:
        assert claim.truth in (Status.PRESENT, Status.ABSENT, Status.UNCERTAIN)
        said.setdefault(claim.name, set()).add(claim.status)
    for name, statuses in said.items():
        assert not {Status.ABSENT, Status.PRESENT} <= statuses, name
        assert not {Status.ABSENT, Status.UNCERTAIN} <= statuses, name


@settings(deadline=None, max_examples=40)
@given(seed=seeds, style=st.sampled_from(report_styles()))
def test_a_film_compared_with_itself_has_not_changed(seed: int, style: str) -> None:
    rng = np.random.default_rng(seed)
    image = draw(varied_spec(rng))
    assert {change.kind for change in compare(image, image)} <= {ChangeKind.UNCHANGED}
    claims = write_report(image, rng=rng, style=style, prior=image).claims
    assert {claim.change for claim in claims} <= {None, ChangeKind.UNCHANGED}


@settings(deadline=None, max_examples=40)
@given(seed=seeds, count=st.integers(0, 20))
def test_questions_are_balanced_and_no_more_than_asked(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    questions = ask(draw(varied_spec(rng)), rng=rng, count=count)
    closed = [question.answer for question in questions if question.form == "closed"]
    assert len(questions) <= count
    assert closed.count("yes") == closed.count("no")
    assert all(q.question.endswith(("?", ".")) and "{" not in q.question for q in questions)


@settings(deadline=None, max_examples=40)
@given(seed=seeds, skill=st.floats(0, 1), pattern=st.sampled_from(PATTERNS))
def test_every_finding_on_the_film_has_an_outcome(seed: int, skill: float, pattern: str) -> None:
    rng = np.random.default_rng(seed)
    image = draw(varied_spec(rng))
    reader = simulate_reader(image, rng=rng, skill=skill, pattern=pattern)
    assert set(reader.outcomes) == set(range(len(image.truth.findings)))
    assert all(fixation.duration_s > 0 for fixation in reader.fixations)
