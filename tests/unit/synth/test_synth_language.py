"""Reports and referring phrases of the phantom say what is true of it, and how."""

from dataclasses import replace

import numpy as np
import pytest

from hilum.errors import InvalidValueError
from hilum.ontology import device_names, finding_concept, findings, place_names
from hilum.synth import (
    Build,
    DeviceSpec,
    FindingSpec,
    Imaging,
    PhantomSpec,
    known_findings,
    mask_of,
    refer,
    render,
    report_styles,
    write_report,
)
from hilum.synth.disease.grades import base_name, kinds_of
from hilum.synth.facts import fact_table, find_facts, heart_size, spec_name
from hilum.synth.language.tables import device_table, negatives, phrase_table, sentence_table
from hilum.synth.language.words import join_terms, with_article
from hilum.types import ChangeKind, Status, View
from phantom_factory import draw, varied_spec

PLAIN = PhantomSpec(Build(heart_ratio=0.45))
KNOWN = {concept.name for concept in findings()}


def with_finding(name: str, extent: float = 0.6, **more) -> PhantomSpec:
    return replace(PLAIN, findings=(FindingSpec(name, extent=extent, **more),))


def report(spec: PhantomSpec, *, seed: int = 0, **more):
    return write_report(draw(spec), rng=np.random.default_rng(seed), **more)


def test_every_finding_of_every_kind_has_a_name_and_a_phrase() -> None:
    for name in known_findings():
        for kind in kinds_of(name):
            found = spec_name(FindingSpec(name, kind=kind))
            assert found in KNOWN
            assert found in phrase_table(), found
            assert base_name(name) in fact_table()["findings"]


def test_the_tables_name_only_what_the_ontology_knows() -> None:
    assert {*phrase_table()} <= KNOWN
    assert {row.name for row in negatives()} <= KNOWN
    assert {name for row in negatives() for name in row.blocked_by} <= KNOWN
    shared = {"venous", "leads", "shared", "change"}
    assert {*device_table()} - shared <= set(device_names())
    tails = [tail for row in phrase_table().values() for tail in row.get("tails", ())]
    assert {name for tail in tails for name in tail["claims"]} <= KNOWN
    assert {*sentence_table()["chronic"]} <= KNOWN


def test_equal_generators_write_equal_reports() -> None:
    spec = varied_spec(np.random.default_rng(5))
    assert report(spec, seed=3) == report(spec, seed=3)
    assert len({report(spec, seed=seed).text for seed in range(12)}) > 6


@pytest.mark.parametrize("style", report_styles())
def test_a_plain_finding_is_stated_with_side_and_severity(style: str) -> None:
    written = report(with_finding("pleural_effusion", 0.6, side="left"), style=style)
    claims = [claim for claim in written.claims if claim.name == "pleural_effusion"]
    assert claims
    assert {(c.status, c.truth, c.side) for c in claims} == {
        (Status.PRESENT, Status.PRESENT, "left")
    }
    assert {c.severity for c in claims} == {"moderate"}
    assert "moderate left pleural effusion" in written.text.lower()
    assert not any(c.name == "pneumothorax" and c.status is Status.PRESENT for c in claims)
    assert not written.missed


def test_what_is_barely_seen_is_hedged_or_missed_and_said_to_be() -> None:
    spec = with_finding("pleural_effusion", 0.05, side="right")
    statuses = set()
    for seed in range(40):
        written = report(spec, seed=seed)
        for claim in written.claims:
            if claim.name == "pleural_effusion":
                assert claim.truth is Status.PRESENT
                statuses.add(claim.status)
                assert claim.is_missed == (claim.status is Status.ABSENT)
        denied = any(c.name == "pleural_effusion" and c.is_missed for c in written.claims)
        assert not denied or [e.name for e in written.missed] == ["pleural_effusion"]
    assert statuses == {Status.UNCERTAIN, Status.ABSENT}


@pytest.mark.parametrize("seed", range(25))
def test_nothing_is_claimed_that_is_not_there(seed: int) -> None:
    rng = np.random.default_rng([seed, 8])
    image = draw(varied_spec(rng))
    names = {fact.name for fact in find_facts(image)}
    devices = {truth.spec.name for truth in image.truth.devices}
    written = write_report(image, rng=rng, style=report_styles()[seed % 4])
    signs = {
        tail_name
        for name in names
        for tail in phrase_table()[name].get("tails", ())
        for tail_name in tail["claims"]
    }
    for claim in written.claims:
        if claim.status is Status.PRESENT:
            allowed = names | devices | signs | {"cardiomegaly", "low_lung_volumes"}
            assert claim.name in allowed
            assert claim.truth is Status.PRESENT
        if claim.status is Status.ABSENT and claim.name in names:
            assert claim.is_missed
    for sentence in written.sentences:
        assert "  " not in sentence.text
        assert sentence.text[0].isupper() or not sentence.text[0].isalpha()
        assert "{" not in sentence.text
        assert sentence.text.endswith((".", "?"))
        for evidence in sentence.evidence:
            assert evidence.kind == "measurement" or evidence.box or evidence.point
    said = {e.index for s in written.sentences for e in s.evidence if e.kind == "finding"}
    missed = {e.index for e in written.missed}
    lines = len(written.section("impression"))
    assert said | missed >= {fact.index for fact in find_facts(image)} or lines == 5


def test_places_claimed_are_places_of_the_ontology() -> None:
    for seed in range(40):
        for claim in report(varied_spec(np.random.default_rng(seed)), seed=seed).claims:
            assert set(claim.places) <= set(place_names())
            assert not claim.tip or claim.tip in place_names()


def test_the_heart_is_told_by_its_ratio_and_projection() -> None:
    pa, ap = PLAIN, replace(PLAIN, imaging=Imaging(view=View.AP, is_supine=True))
    for ratio, spec, verdict in (
        (0.44, pa, "normal"),
        (0.50, pa, "borderline"),
        (0.56, pa, "enlarged"),
        (0.52, ap, "normal"),
        (0.60, ap, "enlarged"),
    ):
        found = heart_size(draw(spec, ratio=ratio))
        assert found is not None
        assert found.verdict == verdict
    image = draw(pa, ratio=0.56)
    written = write_report(image, rng=np.random.default_rng(1))
    claims = [c for c in written.claims if c.name == "cardiomegaly"]
    assert claims[0].status is Status.PRESENT
    texts = [write_report(image, rng=np.random.default_rng(s)).text for s in range(9)]
    assert any("0.56" in text for text in texts)


def test_no_length_is_printed_without_a_spacing() -> None:
    devices = (DeviceSpec("endotracheal_tube"),)
    image = draw(replace(with_finding("nodule", size_mm=20.0, side="left"), devices=devices))
    bare = replace(image, radiograph=replace(image.radiograph, spacing=None))
    with_spacing = "".join(
        write_report(image, rng=np.random.default_rng(s)).text for s in range(12)
    )
    without = "".join(write_report(bare, rng=np.random.default_rng(s)).text for s in range(12))
    assert "20 mm nodule" in with_spacing
    assert "4.0 cm above the carina" in with_spacing
    assert " mm" not in without
    assert " cm" not in without


def test_a_misplaced_device_is_in_the_impression() -> None:
    spec = replace(PLAIN, devices=(DeviceSpec("endotracheal_tube", is_correct=False),))
    for style in report_styles():
        claims = [c for s in report(spec, style=style).section("impression") for c in s.claims]
        assert (claims[0].name, claims[0].is_correct) == ("endotracheal_tube", False)
    spec = replace(PLAIN, devices=(DeviceSpec("endotracheal_tube"),))
    assert "acute" in report(spec).section("impression")[0].text


def test_changes_are_told_only_with_a_prior() -> None:
    small = with_finding("pleural_effusion", 0.4, side="left", seed=4)
    large = with_finding("pleural_effusion", 0.8, side="left", seed=4)
    words = ("prior", "previous", "new", "unchanged", "increased", "resolved", "decreased")
    alone = report(large, style="terse").text.lower()
    assert not any(word in alone for word in words)
    for style in ("full", "terse", "structured"):
        for now, kind in (
            (large, ChangeKind.LARGER),
            (small, ChangeKind.UNCHANGED),
            (PLAIN, ChangeKind.GONE),
        ):
            written = report(now, style=style, prior=draw(small))
            kinds = {c.change for c in written.claims if c.name == "pleural_effusion"}
            assert kind in kinds
    written = report(small, prior=draw(PLAIN))
    assert {c.change for c in written.claims if c.change} == {ChangeKind.NEW}


def test_an_unknown_style_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="use one of full"):
        report(PLAIN, style="haiku")


def test_a_lateral_film_has_a_report_too() -> None:
    spec = replace(with_finding("mass", side="left"), imaging=Imaging(view=View.LATERAL))
    image = render(spec, pixels=(96, 96))
    written = write_report(image, rng=np.random.default_rng(0))
    assert "lateral" in written.text.lower()
    assert "cardiothoracic" not in written.text
    assert any(claim.name == "mass" for claim in written.claims)
    assert {phrase.name for phrase in refer(image, rng=np.random.default_rng(0))} <= {"mass"}


@pytest.mark.parametrize("seed", range(20))
def test_phrases_refer_to_one_region_each(seed: int) -> None:
    rng = np.random.default_rng([seed, 21])
    image = draw(varied_spec(rng))
    phrases = refer(image, rng=rng)
    assert len({phrase.text for phrase in phrases}) == len(phrases) > 3
    rows, columns = image.radiograph.pixels.shape
    for phrase in phrases:
        box, (x, y) = phrase.box, phrase.point
        assert box.x >= 0
        assert box.x + box.width <= columns
        assert box.y >= 0
        assert box.y + box.height <= rows
        assert box.x <= x <= box.x + box.width
        assert box.y <= y <= box.y + box.height
        mask = mask_of(image, phrase.evidence)
        assert phrase.mask == "" or (mask is not None and mask.any())


def test_two_findings_of_one_kind_on_a_side_are_not_referred_to() -> None:
    two = tuple(
        FindingSpec("nodule", "left", "middle_zone", size_mm=20.0, seed=seed) for seed in (1, 2)
    )
    phrases = refer(draw(replace(PLAIN, findings=two)), rng=np.random.default_rng(0))
    assert not [phrase for phrase in phrases if phrase.name == "nodule"]
    apart = (two[0], replace(two[1], side="right"))
    phrases = refer(draw(replace(PLAIN, findings=apart)), rng=np.random.default_rng(0))
    assert len([phrase for phrase in phrases if phrase.name == "nodule"]) == 2


def test_words_that_fit_two_findings_refer_to_neither() -> None:
    pair = (with_effusion("left"), FindingSpec("loculated_effusion", "left", extent=0.6))
    phrases = refer(draw(replace(PLAIN, findings=pair)), rng=np.random.default_rng(0))
    assert not [phrase for phrase in phrases if "effusion" in phrase.name]


def test_what_must_be_acted_on_first_is_first() -> None:
    spec = replace(
        with_finding("tension_pneumothorax", 0.7, side="left"),
        devices=(DeviceSpec("central_venous_line", "right", is_correct=False),),
    )
    for style in report_styles():
        names = [s.claims[0].name for s in report(spec, style=style).section("impression")]
        assert names[:2] == ["tension_pneumothorax", "central_venous_line"]


def test_what_the_prior_showed_is_looked_for() -> None:
    now = draw(with_finding("pleural_effusion", 0.05, side="left", seed=4))
    prior = draw(with_finding("pleural_effusion", 0.7, side="left", seed=4))
    for seed in range(25):
        written = write_report(now, rng=np.random.default_rng(seed), prior=prior)
        assert not written.missed
    alone = [write_report(now, rng=np.random.default_rng(seed)).missed for seed in range(25)]
    assert any(alone)


def test_different_findings_on_a_side_are_both_referred_to() -> None:
    pair = (FindingSpec("nodule", "left", "upper_zone", size_mm=24.0), with_effusion("left"))
    phrases = refer(draw(replace(PLAIN, findings=pair)), rng=np.random.default_rng(0))
    names = {phrase.name for phrase in phrases}
    assert {"nodule", "pleural_effusion"} <= names
    assert "left_costophrenic_angle" not in names  # it is under the fluid


def with_effusion(side: str) -> FindingSpec:
    return FindingSpec("pleural_effusion", side, extent=0.6)


def test_words() -> None:
    assert with_article("8 mm nodule") == "an 8 mm nodule"
    assert with_article("6 mm nodule") == "a 6 mm nodule"
    assert with_article("right ICD") == "a right ICD"
    assert with_article("infiltrate") == "an infiltrate"
    assert join_terms(["a", "b", "c"]) == "a, b or c"
    assert finding_concept("pleural_effusion").label == "pleural effusion"
