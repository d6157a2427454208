"""Labels from facts and from reports: precedence, normality, hierarchy, policies."""

import pytest

from hilum.errors import InvalidValueError
from hilum.text.label_rules import Fact, label_facts
from hilum.text.labels import LabelValue, label_names, label_report, label_reports
from hilum.text.parsing import parse
from hilum.text.types import Assertion
from hilum.text.uncertainty import apply_policy, to_number

PRESENT, ABSENT, UNCERTAIN = Assertion.PRESENT, Assertion.ABSENT, Assertion.UNCERTAIN


def values(*facts, **options):
    labels = label_facts([Fact(*fact) for fact in facts], **options)
    return {name: str(value) for name, value in labels.items() if value != "not_mentioned"}


def test_no_claim_at_all_gives_no_label_not_even_the_normal_one():
    assert values() == {}


@pytest.mark.parametrize(
    ("assertions", "value"),
    [
        ([PRESENT, ABSENT], "present"),
        ([ABSENT, PRESENT], "present"),
        ([UNCERTAIN, ABSENT], "uncertain"),
        ([ABSENT, UNCERTAIN], "uncertain"),
        ([UNCERTAIN, PRESENT, ABSENT], "present"),
        ([ABSENT, ABSENT], "absent"),
        ([Assertion.NOT_ASSESSED], "uncertain"),
        ([Assertion.HISTORICAL], "not_mentioned"),
        ([Assertion.HYPOTHETICAL], "not_mentioned"),
        ([Assertion.HYPOTHETICAL, ABSENT], "absent"),
    ],
)
def test_present_beats_uncertain_beats_absent(assertions, value):
    labels = label_facts([Fact("pleural_effusion", assertion) for assertion in assertions])
    assert labels["pleural_effusion"] == value


def test_no_finding_follows_when_all_is_denied():
    assert values(("pneumothorax", ABSENT), ("edema", ABSENT)) == {
        "no_finding": "present",
        "pneumothorax": "absent",
        "edema": "absent",
    }


def test_a_device_does_not_keep_a_report_from_no_finding():
    assert values(("endotracheal_tube", PRESENT)) == {
        "no_finding": "present",
        "support_devices": "present",
    }


@pytest.mark.parametrize(
    "fact",
    [
        ("pneumonia", UNCERTAIN),
        ("hiatal_hernia", PRESENT),
        ("calcified_granuloma", UNCERTAIN),
        ("abnormality", PRESENT),
        ("edema", Assertion.NOT_ASSESSED),
    ],
)
def test_doubt_or_another_abnormality_keeps_a_report_from_no_finding(fact):
    assert "no_finding" not in values(("pneumothorax", ABSENT), fact)


@pytest.mark.parametrize("fact", [("low_lung_volumes", PRESENT), ("acute_process", ABSENT)])
def test_what_is_normal_enough_does_not_block_no_finding(fact):
    assert values(fact)["no_finding"] == "present"


def test_chestxray14_counts_only_its_own_findings_against_no_finding():
    facts = [Fact("scoliosis", PRESENT)]
    assert label_facts(facts, scheme="chestxray14")["no_finding"] == "present"
    assert label_facts(facts, scheme="chexpert")["no_finding"] == "not_mentioned"


def test_the_absence_of_a_narrower_thing_says_nothing_of_the_label():
    assert values(("honeycombing", ABSENT)) == {"no_finding": "present"}
    assert values(("honeycombing", PRESENT)) == {"lung_opacity": "present"}


def test_heart_failure_is_edema_and_makes_cardiomegaly_uncertain():
    assert values(("heart_failure", PRESENT)) == {"edema": "present", "cardiomegaly": "uncertain"}
    assert values(("heart_failure", ABSENT), ("cardiomegaly", ABSENT))["cardiomegaly"] == "absent"


def test_an_implant_of_the_past_is_there_now_and_a_disease_of_the_past_is_not():
    past = Assertion.HISTORICAL
    assert values(("spinal_hardware", past))["support_devices"] == "present"
    assert values(("pneumonia", past)) == {}


def test_hydropneumothorax_is_fluid_and_air():
    labels = values(("hydropneumothorax", PRESENT))
    assert labels == {"pneumothorax": "present", "pleural_effusion": "present"}


def test_hierarchy_raises_presence_to_the_wider_labels_only_when_asked():
    facts = [("pneumonia", PRESENT)]
    assert values(*facts) == {"pneumonia": "present"}
    assert values(*facts, hierarchy="ontology") == {
        "pneumonia": "present",
        "consolidation": "present",
        "lung_opacity": "present",
    }


def test_hierarchy_raises_doubt_over_absence_and_leaves_absence_below():
    labels = values(("lung_opacity", ABSENT), ("edema", UNCERTAIN, 0.4), hierarchy="ontology")
    assert labels == {"lung_opacity": "uncertain", "edema": "uncertain"}
    assert "edema" not in values(("lung_opacity", ABSENT), hierarchy="ontology")


def test_padchest_leaf_rises_through_the_tree():
    labels = label_facts([Fact("consolidation", PRESENT)], scheme="padchest", hierarchy="ontology")
    assert set(labels.having("present")) == {"consolidation", "alveolar_pattern", "infiltrates"}


def test_a_condition_asks_for_a_place_or_a_texture():
    plain = label_facts([Fact("nodule", PRESENT)], scheme="mesh")
    calcified = label_facts([Fact("nodule", PRESENT, None, ("lung", "calcified"))], scheme="mesh")
    assert plain.having("present") == ("nodule",)
    assert set(calcified.having("present")) == {"nodule", "calcinosis"}


@pytest.mark.parametrize(
    ("policy", "value", "number"),
    [
        ("keep", "uncertain", -1.0),
        ("ones", "present", 1.0),
        ("zeros", "absent", 0.0),
        ("ignore", "not_mentioned", None),
        ("probability", "uncertain", 0.7),
    ],
)
def test_policies_for_the_uncertain(policy, value, number):
    labels = label_facts([Fact("edema", UNCERTAIN, 0.7)], uncertain=policy)
    assert labels["edema"] == value
    assert labels.numbers()[labels.names.index("edema")] == number
    assert labels["no_finding"] == "not_mentioned"


def test_policies_leave_what_is_sure():
    for policy in ("keep", "ones", "zeros", "ignore", "probability"):
        assert apply_policy(LabelValue.ABSENT, policy) is LabelValue.ABSENT
        assert to_number(LabelValue.PRESENT, 1.0, policy) == 1.0


def test_the_likeliest_doubt_gives_the_degree():
    labels = label_facts([Fact("edema", UNCERTAIN, 0.3), Fact("edema", UNCERTAIN, 0.75)])
    assert labels.degree("edema") == 0.75
    assert labels.degree("pneumonia") is None
    assert to_number(LabelValue.UNCERTAIN, None, "probability") == 0.5


def test_labels_are_a_frozen_mapping():
    labels = label_facts([Fact("edema", PRESENT)])
    assert list(labels) == list(label_names("chexpert"))
    assert dict(labels)["edema"] == "present"
    assert "goiter" not in labels
    with pytest.raises(KeyError):
        labels["goiter"]
    with pytest.raises(AttributeError):
        labels.scheme = "mesh"


@pytest.mark.parametrize(
    "option", [{"scheme": "icd"}, {"uncertain": "twos"}, {"hierarchy": "flat"}]
)
def test_an_unknown_option_is_refused(option):
    with pytest.raises(InvalidValueError, match="use one of"):
        label_report("No effusion.", **option)


REPORT = """INDICATION: Evaluate for pneumonia. History of pneumothorax.
FINDINGS: The heart is enlarged. Small right pleural effusion. No pneumothorax.
IMPRESSION: Possible pneumonia at the right base."""


def test_a_report_is_labelled_by_its_findings_and_impression():
    labels = label_report(REPORT)
    assert labels["cardiomegaly"] == "present"
    assert labels["pleural_effusion"] == "present"
    assert labels["pneumothorax"] == "absent"
    assert labels["pneumonia"] == "uncertain"
    assert labels["no_finding"] == "not_mentioned"


@pytest.mark.parametrize("scheme", ["chexpert", "chestxray14", "padchest", "mesh"])
@pytest.mark.parametrize("text", [REPORT, "", "No acute disease.", "Stable 4 mm nodule."])
def test_a_text_and_its_document_have_the_same_labels(scheme, text):
    assert label_report(parse(text), scheme=scheme) == label_report(text, scheme=scheme)


def test_a_request_alone_labels_nothing():
    labels = label_report("INDICATION: Rule out pneumonia. Known left effusion.")
    assert set(labels.values()) == {LabelValue.NOT_MENTIONED}


@pytest.mark.parametrize("text", ["", "  \n ", "XXXX", "???", "北京"])
def test_what_says_nothing_is_not_normal(text):
    assert set(label_report(text).values()) == {LabelValue.NOT_MENTIONED}


def test_reports_are_labelled_in_order():
    texts = ["Large left pneumothorax.", "Lungs are clear."]
    first, second = label_reports(iter(texts))
    assert first.having("present") == ("pneumothorax",)
    assert second.having("present") == ("no_finding",)
