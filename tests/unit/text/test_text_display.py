"""The page shows the whole text, escaped, with every mention marked and linked."""

import base64
import hashlib
import html
import re
from html.parser import HTMLParser

import pytest

from hilum.text.display import render_html
from hilum.text.parsing import parse
from hilum.text.types import Document, Section, Sentence, Size, Span
from hilum.types import DISCLAIMER
from text_factory import Draft, report


class Page(HTMLParser):
    """What a browser would take from the page: ids, links, marked parts, the text."""

    def __init__(self, source):
        super().__init__()
        self.source = source
        self.ids, self.links, self.tags, self.marks = [], [], [], []
        self.parts, self.inside = [], []
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append((tag, given))
        if "id" in given:
            self.ids.append(given["id"])
        if given.get("href", "").startswith("#"):
            self.links.append(given["href"][1:])
        if tag not in ("meta", "link", "br"):
            self.inside.append((tag, given))
        if "data-tip" in given:
            self.marks.append([given["class"].split(), given["data-tip"], ""])

    def handle_endtag(self, tag):
        while self.inside and self.inside.pop()[0] != tag:
            pass

    def handle_data(self, data):
        classes = [given.get("class", "") for _, given in self.inside]
        if "text" in classes and "no" not in classes:
            self.parts.append(data)
        if self.inside and "data-tip" in self.inside[-1][1]:
            self.marks[-1][2] += data

    @property
    def text(self):
        return "".join(self.parts)

    def marked(self, style):
        return [text for styles, _, text in self.marks if style in styles]


def show(document, **options):
    return Page(render_html(document, **options))


def effusion_draft():
    draft = Draft("FINDINGS: Small right effusion. No pneumothorax.")
    effusion = draft.mention("pleural_effusion", "effusion")
    other = draft.mention("pneumothorax", "pneumothorax", assertion="absent", cue="No")
    draft.attribute("severity", "mild", "Small", effusion)
    draft.attribute("side", "right", "right", effusion)
    draft.observe(effusion, side="right", severity="mild", change="new")
    draft.observe(other)
    return draft


def test_marks_and_text():
    page = show(effusion_draft().build())
    assert page.text == "Small right effusion. No pneumothorax."
    assert page.marked("present") == ["effusion"]
    assert page.marked("absent") == ["pneumothorax"]
    assert page.marked("attribute") == ["Small", "right"]
    assert page.marked("cue") == ["No"]
    tips = {text: tip for _, tip, text in page.marks}
    assert tips["effusion"] == (
        "pleural effusion (finding): present\npleural effusion, right, mild, new"
    )
    assert tips["Small"] == "severity of pleural effusion: mild"


def test_frame():
    source = render_html(effusion_draft().build(), title="Case <7>")
    page = Page(source)
    assert "Case &lt;7&gt; " in source
    assert DISCLAIMER in source
    assert "English" in source
    assert ("article", {"lang": "en", "aria-label": "Text"}) in page.tags
    assert "<h2><bdi>FINDINGS:</bdi></h2>" in source
    for assertion in ("present", "absent", "uncertain", "historical", "hypothetical"):
        assert f'<span class="m {assertion}">{assertion}</span>' in source


def test_other_headings_are_told_what_they_were_taken_for():
    document = Draft("Reason for exam: cough.", section="indication").build()
    source = render_html(document)
    assert re.search(r"<bdi>Reason for exam:</bdi> <span[^>]*>indication</span>", source)


def test_ids_are_unique_and_links_lead_somewhere():
    page = show(effusion_draft().build())
    assert len(page.ids) == len(set(page.ids))
    assert set(page.links) <= set(page.ids)
    assert {"m0-0", "m1-0", "o1", "o2"} <= set(page.ids)


def test_policy_allows_only_the_own_style_and_nothing_is_loaded():
    page = show(effusion_draft().build())
    policy = next(given["content"] for _, given in page.tags if "http-equiv" in given)
    style = re.search(r"<style>(.*?)</style>", page.source, re.DOTALL).group(1)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")
    assert "script" not in {tag for tag, _ in page.tags}
    assert not any({"src", "style"} & set(given) for _, given in page.tags)
    assert "http://" not in page.source
    assert "https://" not in page.source


def test_assertions_differ_in_underline_as_well_as_colour():
    style = re.search(r"<style>(.*?)</style>", show(report()).source, re.DOTALL).group(1)
    names = "present|absent|uncertain|historical|hypothetical|not_assessed"
    lines = re.findall(rf"\n\.(?:{names}) {{.*?text-decoration: ([a-z ]+) [\d.]+px", style)
    assert len(lines) == len(set(lines)) == 6
    assert "prefers-color-scheme: dark" in style


def test_everything_is_escaped():
    text = 'FINDINGS: <script>alert("1")</script> & effusion.'
    draft = Draft(text)
    item = draft.mention("pleural_effusion", '"1")</script> & effusion')
    draft.observe(item, compared_with=draft.find("<script>"))
    page = show(draft.build(), title="<script>")
    assert "<script" not in page.source
    assert page.text == text.removeprefix("FINDINGS: ")
    assert html.escape("“<script>”") in page.source


def test_overlapping_spans_are_split():
    draft = Draft("left lower lobe opacity.")
    lobe = draft.place("lower_lobe", "left lower lobe")
    long = draft.mention("pneumonia", "lower lobe opacity", assertion="uncertain")
    draft.mention("lung_opacity", "opacity")
    draft.attribute("side", "left", "left", lobe)
    draft.observe(long)
    page = show(draft.build())
    assert page.text == draft.text
    assert [(text, styles) for styles, _, text in page.marks] == [
        ("left", ["m", "attribute", "place"]),
        (" ", ["m", "place"]),
        ("lower lobe", ["m", "uncertain"]),
        (" ", ["m", "uncertain"]),
        ("opacity", ["m", "overlap", "present"]),
    ]
    assert "pneumonia" in page.marks[-1][1]
    assert set(page.links) <= set(page.ids)


def test_mentions_of_one_start_have_an_anchor_each():
    draft = Draft("lung nodule.")
    for words in ("lung", "lung nodule"):
        draft.observe(draft.mention("nodule", words))
    page = show(draft.build())
    assert {"m0-0", "m1-0"} <= set(page.ids)
    assert set(page.links) <= set(page.ids)


def test_pieces_of_a_mention_link_to_each_other():
    draft = Draft("Right and left effusions.")
    item = draft.mention("pleural_effusion", "Right", "effusions")
    draft.observe(item, side="right")
    page = show(draft.build())
    assert page.marked("present") == ["Right", "effusions"]
    assert page.links.count("m0-1") == 1
    assert page.links.count("m0-0") == 2
    assert page.links.count("o1") == 2


def test_table_tells_what_an_observation_holds():
    draft = Draft("Tube.")
    tube = draft.mention("endotracheal_tube", "Tube", kind="device", assertion="uncertain")
    draft.observe(
        tube,
        tip="trachea",
        position="correct",
        sizes=(Size((30.0,), Span(0, 4), "carina"), Size((12.0, 9.5), Span(0, 4), "")),
        count="2",
        shape=("rounded",),
        suggests=("pneumonia", "edema"),
        compared_with=Span(0, 4),
        change="unchanged",
    )
    source = render_html(draft.build())
    assert (
        "30 mm to the carina, 12 × 9.5 mm, count 2, rounded, tip at the trachea, "
        "position correct, suggests pneumonia, edema" in source
    )
    assert "uncertain, 0.50" in source
    assert "“Tube”" in source


def test_text_between_and_before_sections_is_shown():
    text = "Chest film\n\nFINDINGS:\nClear.\n\nstray IMPRESSION: Normal."
    sections = (
        Section("findings", Span(12, 21), Span(21, 29)),
        Section("impression", Span(36, 47), Span(47, len(text))),
    )
    page = show(Document(text, "en", sections, (), (), (), (), ()))
    assert page.text.split() == ["Chest", "filmClear.strayNormal."]
    assert page.source.index("FINDINGS:") < page.source.index("stray") < page.source.index("IMPRE")


@pytest.mark.parametrize("text", ["", " \n\t "])
def test_empty_reports(text):
    source = render_html(Document(text, "en", (), (), (), (), (), ()))
    assert "The report is empty." in source
    assert "No observation was found." in source


def test_characters_that_a_page_cannot_hold():
    text = "a\x00b\ud800c\u202ed"
    document = Document(
        text,
        "en",
        (Section("body", Span(0, 0), Span(0, 7)),),
        (Sentence(Span(0, 7), 0),),
        (),
        (),
        (),
        (),
    )
    source = render_html(document, title=text)
    source.encode("utf-8")
    assert "a\ufffdb\ufffdc\ufffdd" in source


def test_unknown_language_is_shown_as_given():
    document = Document("Rentgen.", "<pl>", (), (), (), (), (), ())
    assert "&lt;pl&gt;" in render_html(document)


def test_page_of_a_parsed_report():
    text = (
        "FINDINGS: Nodules in the upper and lower lobes. No effusion. IMPRESSION: Possible edema."
    )
    page = show(parse(text))
    assert page.marked("present") == ["Nodules"]
    assert page.marked("absent") == ["effusion"]
    assert page.marked("uncertain") == ["edema"]
    assert "upper" in page.marked("place")
    assert len(page.ids) == len(set(page.ids))
    assert set(page.links) <= set(page.ids)
