"""Whatever a document holds, its views hold the same and no more."""

import html
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.text.display import render_html
from hilum.text.graph import graph_to_dict, to_graph
from hilum.text.parsing import parse
from hilum.text.regions import region_names
from hilum.text.scene import build_scene_graph, scene_to_dict
from hilum.text.timeline import DatedReport, build_timeline, timeline_to_dict
from hilum.text.types import (
    Assertion,
    Attribute,
    Document,
    Mention,
    MentionKind,
    Observation,
    Relation,
    Section,
    Sentence,
    Size,
    Span,
)

# No deadline: a busy machine is not a defect of a view.
FINDINGS = (
    "pleural_effusion",
    "pneumonia",
    "lung_opacity",
    "nodule_or_mass",
    "cardiomegaly",
    "new",
)
PLACES = ("lower_lobe", "apex", "lung", "carina", "mediastinum", "nowhere")
SIDES = ("", "left", "right", "bilateral")
SEVERITIES = ("", "minimal", "mild", "moderate", "severe")
CHANGES = ("", "new", "increased", "decreased", "unchanged", "resolved")
LABELS = {"ANAT-DP", "OBS-DP", "OBS-U", "OBS-DA"}
HIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


def spans(draw, length):
    start, end = sorted(draw(st.tuples(*[st.integers(0, length)] * 2)))
    return Span(start, end)


@st.composite
def observations(draw, mention, item, length):
    sizes = draw(st.lists(st.floats(0.5, 200.0), max_size=2))
    return Observation(
        name=draw(st.sampled_from(FINDINGS)) if item.kind is MentionKind.ANATOMY else item.name,
        kind=MentionKind.FINDING if item.kind is MentionKind.ANATOMY else item.kind,
        assertion=item.assertion,
        degree=item.degree,
        mention=mention,
        sentence=item.sentence,
        side=draw(st.sampled_from(SIDES)),
        places=tuple(draw(st.lists(st.sampled_from(PLACES), max_size=2, unique=True))),
        severity=draw(st.sampled_from(SEVERITIES)),
        sizes=(Size(tuple(sizes), spans(draw, length), ""),) if sizes else (),
        change=draw(st.sampled_from(CHANGES)),
        compared_with=spans(draw, length) if draw(st.booleans()) else None,
        tip=draw(st.sampled_from(("", "carina"))),
    )


@st.composite
def documents(draw):
    """Mentions, attributes and relations anywhere over any text, overlapping at will."""
    text = draw(st.text(max_size=40))
    n = len(text)
    cut = draw(st.integers(0, n))
    sections = [Section("body", Span(0, 0), Span(0, cut))]
    if cut < n:
        name = draw(st.sampled_from(["findings", "indication"]))
        heading = Span(cut, draw(st.integers(cut, n)))
        sections.append(Section(name, heading, Span(heading.end, n)))
    sentences = [Sentence(section.span, index) for index, section in enumerate(sections)]
    mentions = []
    for _ in range(draw(st.integers(0, 4))):
        kind = draw(st.sampled_from(MentionKind))
        name = draw(st.sampled_from(PLACES if kind is MentionKind.ANATOMY else FINDINGS))
        pieces = tuple(spans(draw, n) for _ in range(draw(st.integers(1, 2))))
        sentence = draw(st.integers(0, len(sentences) - 1))
        cue = spans(draw, n) if draw(st.booleans()) else None
        status = draw(st.sampled_from(Assertion))
        mentions.append(Mention(kind, name, pieces, sentence, status, 0.5, cue))
    index = st.integers(0, max(len(mentions) - 1, 0))
    count = 3 if mentions else 0
    attributes = [
        Attribute(draw(st.sampled_from(["side", "severity"])), "left", spans(draw, n), draw(index))
        for _ in range(draw(st.integers(0, count)))
    ]
    kinds = st.sampled_from(["located_at", "part_of", "suggestive_of"])
    relations = [
        Relation(draw(kinds), draw(index), draw(index)) for _ in range(draw(st.integers(0, count)))
    ]
    chosen = sorted(draw(st.lists(index, max_size=count)))
    found = [draw(observations(number, mentions[number], n)) for number in chosen]
    return Document(
        text, "en", *map(tuple, (sections, sentences, mentions, attributes, relations, found))
    )


@settings(deadline=None)
@given(documents())
def test_entities_are_the_tokens_of_their_text(document):
    graph = to_graph(document)
    stored = graph_to_dict(graph)
    words = stored["text"].split(" ")
    for entity in stored["entities"].values():
        assert entity["label"] in LABELS
        inside = words[entity["start_ix"] : entity["end_ix"] + 1]
        assert inside
        assert " ".join(inside) == entity["tokens"]
        for kind, target in entity["relations"]:
            assert kind in {"modify", "located_at", "suggestive_of"}
            assert stored["entities"][target] is not entity
    positions = [entity[:2] for entity in graph.entities]
    assert positions == sorted(positions)


@settings(deadline=None)
@given(documents())
def test_page_shows_the_whole_text_and_no_link_dangles(document):
    page = render_html(document)
    article = page[page.index("<article") : page.index("</article")]
    for pattern in (r'<sup class="no">.*?</sup>', r'<span class="muted".*?</span>', "<p.*?</p>"):
        article = re.sub(pattern, "", article)
    shown = html.unescape(re.sub("<[^>]*>", "", article))
    assert "".join(shown.split()) == "".join(HIDDEN.sub("\ufffd", document.text).split())
    ids = re.findall(r' id="([^"]*)"', page)
    assert len(ids) == len(set(ids))
    linked = {link for link in re.findall(r'href="#([^"]*)"', page) if link.startswith("o")}
    assert linked <= set(ids)
    page.encode("utf-8")


@settings(deadline=None)
@given(st.lists(documents(), max_size=4))
def test_timelines_lose_nothing_and_invent_nothing(given_documents):
    timeline = build_timeline([DatedReport(document) for document in given_documents])
    told = {}
    for entry in timeline.entries:
        reports = [point.report for point in entry.points]
        assert reports == sorted(set(reports))
        seen = [p.report for p in entry.points if p.assertion is Assertion.PRESENT]
        assert (entry.first_seen, entry.last_seen) == ((seen[0], seen[-1]) if seen else (None,) * 2)
        for point in entry.points:
            found = [given_documents[point.report].observations[i] for i in point.observations]
            assert point.assertion in {item.assertion for item in found}
            for number in point.observations:
                told.setdefault((point.report, number), []).append(entry)
    for report, document in enumerate(given_documents):
        for number, item in enumerate(document.observations):
            claims = item.assertion not in (Assertion.HYPOTHETICAL, Assertion.ABSENT)
            if claims:
                assert told[(report, number)]
            if item.assertion is Assertion.HYPOTHETICAL:
                assert (report, number) not in told
    assert len(timeline_to_dict(timeline)["entries"]) == len(timeline.entries)


@settings(deadline=None)
@given(documents())
def test_scenes_place_every_statement_in_a_known_region(document):
    scene = build_scene_graph(document)
    names = [region.name for region in scene.regions]
    assert len(names) == len(set(names))
    assert set(names) <= set(region_names())
    placed = {finding.observation for region in scene.regions for finding in region.findings}
    stated = {Assertion.PRESENT, Assertion.ABSENT, Assertion.UNCERTAIN}
    expected = {i for i, item in enumerate(document.observations) if item.assertion in stated}
    assert placed == expected
    for region in scene_to_dict(scene)["attributes"]:
        assert len(region["attributes"]) == len(region["phrases"])


VOCABULARY = (
    "No small large right left bilateral pleural effusion effusions opacity in the upper and lower "
    "lobe lobes , . unchanged increased possible history of pneumonia lungs are clear heart is "
    "enlarged 5 mm nodule suggestive FINDINGS: IMPRESSION: tube tip carina <b> ; but new"
)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from(VOCABULARY.split()), max_size=30).map(" ".join))
def test_views_of_any_parsed_words(text):
    document = parse(text)
    stored = graph_to_dict(to_graph(document))
    words = stored["text"].split(" ")
    for entity in stored["entities"].values():
        assert " ".join(words[entity["start_ix"] : entity["end_ix"] + 1]) == entity["tokens"]
    page = render_html(document)
    ids = re.findall(r' id="([^"]*)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]*)"', page)) <= set(ids)
    twice = build_timeline([DatedReport(document)] * 2)
    for entry in twice.entries:
        first, second = entry.points
        assert first.assertion is second.assertion
        assert second.implied_change in ("", "unchanged")


@settings(deadline=None)
@given(documents())
def test_nothing_changes_against_itself(document):
    scene = build_scene_graph(document)
    again = build_scene_graph(document, scene)
    implied = {item.relation for item in again.comparisons if not item.is_said}
    assert implied <= {"no change"}
    assert [c for c in again.comparisons if c.is_said] == [
        item._replace(prior_status=other.prior_status)
        for item, other in zip(
            scene.comparisons, (c for c in again.comparisons if c.is_said), strict=True
        )
    ]
