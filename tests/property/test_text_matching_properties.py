"""Hits slice back to their words; the fast path and the plain one agree."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from hilum.text.lexicon import load_lexicon
from hilum.text.matching import match_terms, match_tokens
from hilum.text.phrases import tokenize, tokenize_spans

LEXICON = load_lexicon("en")
WORDS = (
    "no", "evidence", "of", "the", "heart", "is", "enlarged", "right", "and", "left", "pleural",
    "effusion", "effusions", "air-space", "disease", "rib", "fracture", "old", "calcified",
    "aorta", "s/p", "(mass)", "lung,", "xxxx", "___", "1.5", "cm", "has", "resolved", "low",
    "lung volumes", "or", ";", ":", "  ", "œdème", "loculated", "\n",
)  # fmt: skip
SENTENCES = st.lists(st.sampled_from(WORDS), max_size=16).map(" ".join)
ANYTHING = st.text(max_size=80)


@given(SENTENCES | ANYTHING)
def test_the_fast_path_is_the_plain_one(sentence):
    assert match_terms(sentence, LEXICON) == match_tokens(sentence, LEXICON)


@given(SENTENCES | ANYTHING)
def test_hits_are_ordered_whole_and_never_cross(sentence):
    starts, ends = {0}, {0}
    for start, end in tokenize_spans(sentence)[1]:
        starts.add(start)
        ends.add(end)
    hits = match_terms(sentence, LEXICON)
    for hit in hits:
        assert hit.start in starts
        assert hit.end in ends
        assert sentence[hit.start : hit.end].strip() == sentence[hit.start : hit.end]
        assert hit.kind != "state"
        assert not hit.kind.startswith("cue:") or LEXICON.cue(hit.name).category == hit.kind[4:]
    for one, other in pairwise(hits):
        assert one[:2] == other[:2] or one.end <= other.start


@given(SENTENCES)
def test_a_sentence_is_found_again_behind_another(sentence):
    before = "xxxx ; "
    moved = [
        hit._replace(start=hit.start - len(before), end=hit.end - len(before))
        for hit in match_terms(before + sentence, LEXICON)
    ]
    assert moved == match_terms(sentence, LEXICON)


@given(ANYTHING)
def test_tokens_stand_where_they_are_said(text):
    tokens, spans = tokenize_spans(text)
    assert tokens == tokenize(text)
    assert all(text[start:end].strip() for start, end in spans)
    assert all(one[1] <= other[0] for one, other in pairwise(spans))
