"""Labels do not depend on order, case, spacing or denials; policies only touch doubt."""

from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.text.label_rules import Fact, label_facts
from hilum.text.label_tables import SCHEMES, load_scheme, mapping_rows
from hilum.text.labels import label_report
from hilum.text.types import Assertion

CONCEPTS = sorted({row.concept for row in mapping_rows("chexpert")})
SENTENCES = (
    "Small right pleural effusion.",
    "No pneumothorax.",
    "The heart is mildly enlarged.",
    "Possible left lower lobe pneumonia.",
    "Stable calcified granuloma.",
    "Endotracheal tube tip is 4 cm above the carina.",
    "Bibasilar atelectasis.",
    "Old healed rib fracture.",
    "The lungs are clear.",
    "There is no focal consolidation or edema.",
)
DENIABLE = {
    "pleural effusion": "pleural_effusion",
    "pneumothorax": "pneumothorax",
    "pneumonia": "pneumonia",
    "consolidation": "consolidation",
    "atelectasis": "atelectasis",
    "fracture": "fracture",
    "cardiomegaly": "cardiomegaly",
    "pulmonary edema": "edema",
}

facts = st.lists(
    st.builds(
        Fact,
        st.sampled_from(CONCEPTS),
        st.sampled_from(Assertion),
        st.none() | st.floats(0.05, 0.95),
        st.lists(st.sampled_from(["lung", "pleura", "apex", "calcified"])).map(tuple),
    ),
    max_size=8,
)
schemes = st.sampled_from(SCHEMES)
reports = st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=6)


@given(facts, schemes, st.randoms(use_true_random=False))
def test_the_order_of_claims_does_not_matter(claimed, scheme, random):
    shuffled = random.sample(claimed, len(claimed))
    assert label_facts(shuffled, scheme=scheme) == label_facts(claimed, scheme=scheme)


@given(facts, schemes)
def test_a_denial_never_makes_a_label_present(claimed, scheme):
    before = label_facts(claimed, scheme=scheme)
    normal = before.names[load_scheme(scheme).normal]
    for concept in ("pneumothorax", "honeycombing", "heart_failure"):
        after = label_facts([*claimed, Fact(concept, Assertion.ABSENT, 0.0)], scheme=scheme)
        assert set(after.having("present")) - {normal} == set(before.having("present")) - {normal}


@given(facts, schemes)
def test_hierarchy_only_adds(claimed, scheme):
    plain = label_facts(claimed, scheme=scheme)
    raised = label_facts(claimed, scheme=scheme, hierarchy="ontology")
    assert set(plain.having("present")) <= set(raised.having("present"))
    for child, parent in load_scheme(scheme).rises:
        if raised.values_in_order[child] == "present":
            assert raised.values_in_order[parent] == "present"


@given(facts, schemes, st.sampled_from(["ones", "zeros", "ignore", "probability"]))
def test_a_policy_only_touches_doubt(claimed, scheme, policy):
    kept = label_facts(claimed, scheme=scheme)
    other = label_facts(claimed, scheme=scheme, uncertain=policy)
    for label in kept:
        if kept[label] != "uncertain":
            assert other[label] == kept[label]
    if policy != "probability":
        assert other.having("uncertain") == ()
    numbers = [number for number in other.numbers() if number is not None]
    assert all(0.0 <= number <= 1.0 for number in numbers)


@settings(deadline=None)
@given(reports, schemes, st.randoms(use_true_random=False))
def test_case_spacing_and_order_of_sentences_do_not_change_labels(sentences, scheme, random):
    labels = label_report(" ".join(sentences), scheme=scheme, language="en")
    shuffled = random.sample(sentences, len(sentences))
    for text in (" ".join(sentences).lower(), "\n\n ".join(sentences), " ".join(shuffled)):
        assert label_report(text, scheme=scheme, language="en") == labels


@settings(deadline=None)
@given(reports, st.sampled_from(sorted(DENIABLE)))
def test_no_evidence_of_a_finding_never_makes_it_present(sentences, finding):
    label = DENIABLE[finding]
    text = " ".join(sentences)
    before = label_report(text, language="en")[label]
    after = label_report(f"{text} No evidence of {finding}.", language="en")[label]
    assert after == (before if before in ("present", "uncertain") else "absent")


@settings(deadline=None)  # the first report of a language loads its lexicon
@given(st.text(max_size=300))
def test_any_text_is_labelled(text):
    labels = label_report(text)
    assert len(labels) == 14
