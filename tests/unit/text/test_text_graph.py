"""The graph holds what the document says, in RadGraph's schema and layout."""

import json

import pytest

from hilum.text.graph import graph_to_dict, to_graph, tokenize
from hilum.text.parsing import parse
from hilum.text.types import Document, Size
from text_factory import Draft


def readable(graph):
    """Entities as label and words, edges as words."""
    words = [graph.text[slice(*entity.span)] for entity in graph.entities]
    entities = {(entity.label, word) for entity, word in zip(graph.entities, words, strict=True)}
    return entities, {(words[e.source], e.kind, words[e.target]) for e in graph.edges}


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("No effusion.", ["No", "effusion", "."]),
        ("1.5 x 2,5 cm", ["1.5", "x", "2,5", "cm"]),
        ("T10/T11, re-seen", ["T10", "/", "T11", ",", "re", "-", "seen"]),
        ("___ XXXX", ["___", "XXXX"]),
        ("Épanchement à 5.", ["Épanchement", "à", "5", "."]),
        (" \n\t", []),
    ],
)
def test_tokens(text, tokens):
    assert [text[slice(*span)] for span in tokenize(text)] == tokens


def test_finding_with_place_side_and_severity():
    draft = Draft("Small opacity in the right lower lobe suggestive of pneumonia.")
    opacity = draft.mention("lung_opacity", "opacity")
    lobe = draft.place("lower_lobe", "lower lobe")
    pneumonia = draft.mention("pneumonia", "pneumonia", assertion="uncertain")
    draft.attribute("severity", "mild", "Small", opacity)
    draft.attribute("side", "right", "right", lobe)
    draft.relate("located_at", opacity, lobe)
    draft.relate("suggestive_of", opacity, pneumonia)
    entities, edges = readable(to_graph(draft.build()))
    assert entities == {
        ("OBS-DP", "Small"),
        ("OBS-DP", "opacity"),
        ("ANAT-DP", "right"),
        ("ANAT-DP", "lower lobe"),
        ("OBS-U", "pneumonia"),
    }
    assert edges == {
        ("Small", "modify", "opacity"),
        ("right", "modify", "lower lobe"),
        ("opacity", "located_at", "lower lobe"),
        ("opacity", "suggestive_of", "pneumonia"),
    }


def test_side_of_a_finding_is_where_it_is():
    draft = Draft("Right effusion.")
    effusion = draft.mention("pleural_effusion", "effusion")
    draft.attribute("side", "right", "Right", effusion)
    entities, edges = readable(to_graph(draft.build()))
    assert ("ANAT-DP", "Right") in entities
    assert edges == {("effusion", "located_at", "Right")}


@pytest.mark.parametrize(
    ("assertion", "label"),
    [
        ("present", "OBS-DP"),
        ("absent", "OBS-DA"),
        ("uncertain", "OBS-U"),
        ("not_assessed", "OBS-U"),
        ("hypothetical", "OBS-U"),
    ],
)
def test_assertions_and_modifiers_share_a_label(assertion, label):
    draft = Draft("No large effusion.")
    effusion = draft.mention("pleural_effusion", "effusion", assertion=assertion, cue="No")
    draft.attribute("severity", "severe", "large", effusion)
    entities, _ = readable(to_graph(draft.build()))
    assert entities == {(label, "effusion"), (label, "large")}


def test_history_and_indication_make_no_entity():
    draft = Draft("History of nodule.")
    nodule = draft.mention("nodule", "nodule", assertion="historical")
    draft.attribute("severity", "mild", "History", nodule)
    assert to_graph(draft.build()).entities == ()
    indication = Draft("Indication: effusion.", section="indication")
    effusion = indication.mention("pleural_effusion", "effusion", assertion="hypothetical")
    indication.observe(effusion, sizes=(Size((3.0,), indication.find("effusion"), ""),))
    assert to_graph(indication.build()).entities == ()


def test_normal_places_and_shared_words():
    draft = Draft("Lungs and pleura are clear.")
    draft.normal("lung", "lung_opacity", "Lungs", "are clear")
    draft.normal("pleura", "pleural_effusion", "pleura", "are clear")
    graph = to_graph(draft.build())
    entities, edges = readable(graph)
    assert len(graph.entities) == 3
    assert ("OBS-DP", "clear") in entities
    assert edges == {("clear", "located_at", "Lungs"), ("clear", "located_at", "pleura")}


@pytest.mark.parametrize(
    ("assertion", "entities"),
    [
        ("absent", {("ANAT-DP", "Lungs"), ("OBS-DP", "seem clear")}),
        ("uncertain", {("ANAT-DP", "Lungs"), ("OBS-U", "seem clear")}),
    ],
)
def test_words_of_normality(assertion, entities):
    draft = Draft("Lungs seem clear.")
    draft.normal("lung", "lung_opacity", "Lungs", "seem clear", assertion=assertion)
    assert readable(to_graph(draft.build()))[0] == entities


@pytest.mark.parametrize(
    ("text", "finding", "place", "entity"),
    [
        ("Pleural effusion.", "Pleural effusion", "Pleural", "effusion"),
        ("Blunting of the sinus.", "Blunting of the sinus", "sinus", "Blunting"),
        ("Enlarged heart.", "Enlarged heart", "heart", "Enlarged"),
        ("Big heart shadow.", "Big heart shadow", "heart", "Big heart shadow"),
    ],
)
def test_places_inside_the_words_for_a_finding(text, finding, place, entity):
    draft = Draft(text)
    item = draft.mention("cardiomegaly", finding)
    draft.relate("located_at", item, draft.place("cardiac_silhouette", place))
    entities, edges = readable(to_graph(draft.build()))
    assert entities == {("OBS-DP", entity), ("ANAT-DP", place)}
    assert edges == {(entity, "located_at", place)}


def test_sides_go_to_the_place_behind_them():
    draft = Draft("Right and left basilar opacity. Nodule at the base on the left.")
    opacity = draft.mention("lung_opacity", "opacity")
    draft.attribute("side", "right", "Right", opacity)
    draft.attribute("side", "left", "left", opacity)
    draft.relate("located_at", opacity, draft.place("lung_base", "basilar"))
    nodule = draft.mention("nodule", "Nodule")
    draft.attribute("side", "left", "left", nodule, after="base on")
    draft.relate("located_at", nodule, draft.place("lung_base", "base", after="Nodule"))
    _, edges = readable(to_graph(draft.build()))
    assert edges == {
        ("Right", "modify", "basilar"),
        ("left", "modify", "basilar"),
        ("opacity", "located_at", "basilar"),
        ("Nodule", "located_at", "base"),
        ("Nodule", "located_at", "left"),
    }


def test_discontinuous_mentions_sizes_and_parts():
    draft = Draft("Nodules, 5 mm, in the upper and lower lobes. Tip of the tube.")
    nodules = draft.mention("nodule", "Nodules")
    upper = draft.place("upper_lobe", "upper", "lobes")
    lower = draft.place("lower_lobe", "lower lobes")
    tip = draft.mention("tip", "Tip", kind="part")
    tube = draft.mention("endotracheal_tube", "tube", kind="device")
    draft.relate("located_at", nodules, upper)
    draft.relate("located_at", nodules, lower)
    draft.relate("part_of", tip, tube)
    draft.observe(nodules, sizes=(Size((5.0,), draft.find("5 mm"), ""),))
    graph = to_graph(draft.build())
    _, edges = readable(graph)
    assert edges == {
        ("Nodules", "located_at", "upper"),
        ("Nodules", "located_at", "lower lobes"),
        ("5 mm", "modify", "Nodules"),
        ("Tip", "modify", "tube"),
    }
    assert {e.name for e in graph.entities if e.label == "OBS-DP"} == {
        "nodule",
        "5 mm",
        "tip",
        "endotracheal_tube",
    }


def test_layout_of_radgraph():
    draft = Draft("Small, new effusion.")
    effusion = draft.mention("pleural_effusion", "effusion")
    draft.attribute("severity", "mild", "Small", effusion)
    stored = graph_to_dict(to_graph(draft.build()))
    assert json.loads(json.dumps(stored)) == stored
    assert stored["text"] == "Small , new effusion ."
    assert stored["entities"]["1"] == {
        "tokens": "Small",
        "label": "OBS-DP",
        "start_ix": 0,
        "end_ix": 0,
        "relations": [["modify", "2"]],
        "name": "mild",
    }
    assert stored["entities"]["2"]["start_ix"] == 3


def test_spans_without_a_token_and_empty_documents():
    draft = Draft("a  b")
    draft.mention("nodule", "  ")
    assert to_graph(draft.build()).entities == ()
    empty = to_graph(Document("", "en", (), (), (), (), (), ()))
    assert graph_to_dict(empty) == {"text": "", "entities": {}}


def test_graph_of_a_parsed_report():
    text = (
        "INDICATION: Rule out edema.\n"
        "FINDINGS: Small left pleural effusion. Patchy opacity in the right lower lobe "
        "suggestive of pneumonia. No pneumothorax. The lungs are otherwise clear.\n"
    )
    entities, edges = readable(to_graph(parse(text)))
    assert {words for label, words in entities if label == "OBS-DA"} == {"pneumothorax"}
    assert ("OBS-U", "pneumonia") in entities
    assert not any("edema" in words for _, words in entities)
    assert {
        ("right", "modify", "lower lobe"),
        ("opacity", "located_at", "lower lobe"),
        ("opacity", "suggestive_of", "pneumonia"),
        ("Patchy", "modify", "opacity"),
        ("otherwise clear", "located_at", "lungs"),
    } <= edges
