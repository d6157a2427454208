"""What must hold of parsing whatever the text."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.text.parsing import claims, parse
from hilum.text.types import Assertion

FINDINGS = {
    "pneumothorax": "pneumothorax",
    "effusion": "pleural_effusion",
    "consolidation": "consolidation",
    "pulmonary edema": "edema",
    "nodule": "nodule",
    "atelectasis": "atelectasis",
}
SENTENCES = [
    "The heart is enlarged.",
    "No pneumothorax or pleural effusion.",
    "Small right pleural effusion, unchanged.",
    "There is a 5 mm nodule in the left upper lobe.",
    "Bibasilar opacities, likely atelectasis.",
    "Heart size is normal and the lungs are clear.",
    "Right upper and left lower lobe opacities.",
    "Pneumonia cannot be excluded.",
    "The left effusion has resolved.",
    "Right PICC with its tip in the SVC.",
    "Stable cardiomegaly with possible mild edema.",
    "Neither consolidation nor edema is seen.",
    "Degenerative changes of the thoracic spine.",
]
WORDS = [
    "no", "not", "possible", "left", "right", "effusion", "pneumothorax", "and", "or", ",", ";",
    "is", "in the", "upper", "lower lobe", "but", "with", "small", "5 mm", "heart", "normal",
    "unchanged", "cannot be excluded", "has resolved", "likely", "?", "(", ")", "tube", "tip",
    "above", "carina", "since prior", "may represent", "versus", "two", "\n", "clear", "enlarged",
]  # fmt: skip

reports = st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=6)
word_salads = st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join)


def facts(text: str) -> set[tuple[str, str, str]]:
    return {(o.name, str(o.assertion), o.side) for o in parse(text, language="en").observations}


@settings(deadline=None)
@given(st.one_of(word_salads, st.text(max_size=200)))
def test_spans_lie_within_the_text_and_hold_words(text):
    document = parse(text, language="en")
    spans = [span for mention in document.mentions for span in mention.spans]
    spans += [attribute.span for attribute in document.attributes]
    spans += [mention.cue for mention in document.mentions if mention.cue is not None]
    spans += [size.span for row in document.observations for size in row.sizes]
    for start, end in spans:
        assert 0 <= start < end <= len(text)
        assert document.text[start:end].strip() == document.text[start:end] != ""


@settings(deadline=None)
@given(word_salads)
def test_claims_are_the_names_and_assertions_of_the_observations(text):
    rows = parse(text, language="en").observations
    expected = {(row.name, row.assertion, row.degree) for row in rows}
    assert {tuple(claim) for claim in claims(text, language="en")} == expected


@settings(deadline=None)
@given(word_salads)
def test_degrees_agree_with_assertions(text):
    for claim in claims(text, language="en"):
        if claim.assertion is Assertion.PRESENT:
            assert claim.degree == 1
        elif claim.assertion is Assertion.ABSENT:
            assert claim.degree == 0
        elif claim.assertion is Assertion.UNCERTAIN:
            assert claim.degree is not None
            assert 0 < claim.degree < 1
        else:
            assert claim.degree is None


@settings(deadline=None)
@given(reports)
def test_case_changes_nothing(sentences):
    text = " ".join(sentences)
    assert facts(text) == facts(text.lower()) == facts(text.upper())


@settings(deadline=None)
@given(reports, st.sampled_from(["  ", "\t", "   "]))
def test_white_space_changes_nothing(sentences, blank):
    text = " ".join(sentences)
    assert facts(text) == facts(text.replace(" ", blank))


@settings(deadline=None)
@given(reports, st.randoms(use_true_random=False))
def test_the_order_of_sentences_changes_nothing(sentences, random):
    shuffled = list(sentences)
    random.shuffle(shuffled)
    assert facts(" ".join(sentences)) == facts(" ".join(shuffled))


@settings(deadline=None)
@given(reports, st.sampled_from(sorted(FINDINGS)))
def test_no_evidence_of_a_finding_never_makes_it_present(sentences, finding):
    name = FINDINGS[finding]
    before = facts(" ".join(sentences))
    after = facts(" ".join([*sentences, f"No evidence of {finding}."]))
    assert after - before <= {(name, "absent", "")}
    assert (name, "absent", "") in after


@settings(max_examples=300, deadline=None)
@given(st.text())
def test_any_unicode_is_parsed_without_error(text):
    document = parse(text)
    assert document.text == text
    assert len(claims(text)) <= len(text)
