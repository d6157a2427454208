"""Terms are found whole, longest first, with offsets of the sentence."""

import csv
from importlib import resources

import pytest

from hilum.text.lexicon import load_lexicon
from hilum.text.matching import match_terms, match_tokens
from hilum.text.phrases import expand_row
from hilum.text.trie import MAX_WORDS, WordTable, build_trie

LEXICON = load_lexicon("en")


def found(sentence, *kinds):
    """Words and names of the hits, of these kinds only (all if none is given)."""
    hits = match_terms(sentence, LEXICON)
    assert hits == match_tokens(sentence, LEXICON)
    kept = [hit for hit in hits if not kinds or hit.kind in kinds]
    return [(sentence[hit.start : hit.end], hit.name) for hit in kept]


def names(sentence, *kinds):
    return [name for _, name in found(sentence, *(kinds or ("finding", "device")))]


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("small right pleural effusion.", ["pleural_effusion"]),
        ("air-space disease or airspace\nopacities", ["airspace_opacity", "airspace_opacity"]),
        ("pneumothoraces, diagnoses, masses", ["pneumothorax", "mass"]),
        ("fibroses and atelectases", ["fibrosis", "atelectasis"]),
        ("cardiomegally with pnuemothorax", ["cardiomegaly", "pneumothorax"]),
        ("haemothorax and pulmonary oedema", ["hemothorax", "edema"]),
        ("ett, ngt and picc", ["endotracheal_tube", "nasogastric_tube", "picc"]),
        ("calcified granuloma", ["calcified_granuloma"]),
        ("discoid atelectasis", ["linear_atelectasis"]),
        ("copd or chf", ["copd", "heart_failure"]),
        ("the effusionist massed", []),
        ("pleural, effusion", ["pleural_effusion"]),
        ("pulmonary xxxx edema", ["edema"]),
        ("air xxxx space disease", []),
        ("pleural___effusion", ["pleural_effusion"]),
    ],
)
def test_findings_and_devices(sentence, expected):
    assert names(sentence) == expected


def test_the_longest_term_hides_the_shorter_ones():
    assert found("chronic obstructive pulmonary disease") == [
        ("chronic obstructive pulmonary disease", "copd")
    ]


def test_a_sign_breaks_a_term_and_white_space_does_not():
    assert found("lung,  mass", "finding") == [("mass", "mass")]
    assert found("lung  -\n mass", "finding") == [("lung  -\n mass", "mass")]


def test_a_term_may_mean_several_things():
    hits = match_terms("has resolved", LEXICON)
    assert {hit.kind for hit in hits} == {"change", "cue:resolved"}
    assert len({hit[:2] for hit in hits}) == 1


def test_a_cue_leads_to_its_row():
    (hit,) = match_terms("no evidence of", LEXICON)
    cue = LEXICON.cue(hit.name)
    assert (hit.kind, cue.category, cue.direction) == ("cue:absent", "absent", "before")


def test_accents_and_decomposed_letters_do_not_matter():
    sentence = "pneumothora\u0301x, œdema"
    assert [sentence[h.start : h.end] for h in match_terms(sentence, LEXICON)] == [
        "pneumothora\u0301x",
        "œdema",
    ]


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("the heart is again mildly enlarged without edema", ["cardiomegaly", "edema"]),
        ("blunting of the left costophrenic angle", ["blunted_costophrenic_angle"]),
        ("elevation of the right hemidiaphragm", ["elevated_hemidiaphragm"]),
        ("fractures of the right 6th and 7th ribs", ["rib_fracture"]),
        ("right 6th rib fracture", ["rib_fracture"]),
        ("healed right rib fractures", ["healed_fracture"]),
        ("the mediastinum is not widened", ["mediastinal_widening"]),
        ("calcification of the aortic knob", ["aortic_calcification"]),
        ("calcified hilar lymph nodes", ["calcification"]),
        ("mass measuring 4.1 x 3.6 cm in the left hilum", ["hilar_mass"]),
        ("mass of 4,5 x 3 cm in the left hilum", ["hilar_mass"]),
        ("hilar mass and lung mass", ["hilar_mass", "mass"]),
        ("lung volumes are low", ["low_lung_volumes"]),
        ("heart: enlarged", ["cardiomegaly"]),
        ("the pulmonary artery, on the left, is enlarged", ["pulmonary_artery_enlargement"]),
        ("the heart and mediastinum are enlarged", ["enlarged_cardiomediastinum", "cardiomegaly"]),
        ("fractures of the left clavicle and scapula", ["clavicle_fracture", "fracture"]),
        ("atherosclerotic calcifications", ["atherosclerosis"]),
        ("loculated right pleural effusion", ["loculated_effusion"]),
        ("the right pleural effusion is loculated", ["loculated_effusion"]),
        ("large effusion over the heart", ["pleural_effusion"]),
        ("enlarged; the heart is normal", []),
        ("interval enlargement of the left hilar mass", ["hilar_mass"]),
        ("it is enlarged", []),
    ],
)
def test_states_and_places_make_findings(sentence, expected):
    assert names(sentence) == expected
    assert not names(sentence, "state")


def test_a_composed_finding_stands_on_the_words_of_its_state():
    sentence = "the left hilum is prominent"
    assert found(sentence, "finding", "anatomy") == [
        ("hilum", "hilum"),
        ("prominent", "hilar_enlargement"),
    ]


def test_a_change_that_is_part_of_a_finding_is_no_change():
    assert names("the interstitial markings are increased", "change") == []
    assert names("interval increase in size of the heart", "change") == ["increased"]


def test_sides_and_places_may_share_a_word():
    assert found("rll opacity") == [
        ("rll", "lower_lobe"),
        ("rll", "right"),
        ("opacity", "lung_opacity"),
    ]


def test_nothing_is_found_in_nothing():
    for sentence in ("", " ", "\n\n", "...", "xxxx", "日本語", "\x00"):
        assert match_terms(sentence, LEXICON) == []


def test_every_phrase_of_every_term_is_found():
    folder = resources.files("hilum.text") / "lexicon" / "en"
    for row in csv.DictReader((folder / "terms.csv").read_text(encoding="utf-8").splitlines()):
        if row["kind"] == "state":
            continue
        for phrase in expand_row(row["term"]):
            sentence = " ".join(phrase)
            hits = match_terms(sentence, LEXICON)
            covering = [hit for hit in hits if hit[:2] == (0, len(sentence))]
            assert row["kind"] in {hit.kind for hit in covering}, sentence


def test_words_with_signs_are_remembered_and_bounded():
    table = WordTable(build_trie({("s", "/", "p"): (False, ()), ("lung",): (False, ())}))
    assert table["lung"] == table.trie["lung"] or table["lung"][1:] == ("lung", False, 0, 0)
    assert table["(lung),"][1:] == ("\n", True, 1, 2)
    assert table["s/p"] is None
    assert table["lung.base"] is None
    assert len(table) == 4
    assert table["x" * 100] is not None
    assert len(table) == 4
    table.update({str(number): None for number in range(MAX_WORDS)})
    assert table["base"] is not None
    assert len(table) == 1
