import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest

from hilum.export import render_html
from hilum.types import DISCLAIMER, Orientation, Reading
from readings import (
    COLUMNS,
    ROWS,
    make_pixels,
    make_prior_reading,
    make_reading,
    make_refused_reading,
    make_two_view_reading,
)

NASTY = "<script>alert('x')</script> \"><img src=x onerror=alert(1)> {{ 7 * 7 }}"
VOID = {"meta", "link", "input", "img", "br"}


class Page(HTMLParser):
    """Every tag with its attributes; checks that tags are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str, word: str = "") -> list[dict[str, str]]:
        return [a for t, a in self.tags if t == tag and word in ["", *a.get("class", "").split()]]


def decode(uri: str, flag: int) -> np.ndarray:
    data = np.frombuffer(base64.b64decode(uri.split(",", 1)[1]), np.uint8)
    picture = cv2.imdecode(data, flag)
    assert picture is not None
    return picture


every_kind = pytest.mark.parametrize(
    "make", [make_reading, make_refused_reading, make_two_view_reading, make_prior_reading]
)


@every_kind
def test_the_page_is_whole_and_needs_no_network(make: Callable[[], Reading]) -> None:
    text = render_html(make())
    page = Page(text)
    assert DISCLAIMER in text
    for _, attributes in page.tags:
        for name, value in attributes.items():
            assert not name.startswith("on"), "no inline handler"
            assert name != "style", "the policy forbids inline style"
            if name in ("src", "href"):
                assert value.startswith(("data:", "#"))
    assert "url(" not in text
    assert "@import" not in text
    assert not re.search(r"https?://", text)


def test_the_policy_allows_exactly_the_inlined_style_and_script() -> None:
    text = render_html(make_reading())
    (policy,) = (
        a["content"] for a in Page(text).all("meta") if "Content-Security" in str(a.values())
    )
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        bodies = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        assert len(bodies) == 1
        digest = base64.b64encode(hashlib.sha256(bodies[0].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_texts_from_outside_are_escaped() -> None:
    reading = make_reading(source=NASTY)
    report = replace(reading.report, indication=NASTY, comparison=NASTY)
    reading = replace(reading, report=report, models={NASTY: NASTY})
    page = Page(render_html(reading))
    assert len(page.all("script")) == 1
    assert not page.all("img")
    assert "{{ 7 * 7 }}" in render_html(reading)


def test_sentences_regions_and_findings_share_their_evidence() -> None:
    page = Page(render_html(make_reading()))
    sentences = page.all("span", "sentence")
    assert len(sentences) == 6
    rows = {a["data-evidence"] for a in page.all("li") if "data-evidence" in a}
    for sentence in sentences:
        assert set(sentence["data-evidence"].split()) <= rows
        assert sentence["tabindex"] == "0"
    shapes = {a["class"].split()[1]: a["data-evidence"].split() for a in page.all("path", "shape")}
    assert shapes["shape-pneumonia"] == ["r1.pneumonia"]
    assert shapes["shape-left_lower_zone"] == ["r1.atelectasis"]
    assert shapes["shape-heart"] == ["r1.cardiothoracic_ratio", "r1.heart_width", "r1.cardiomegaly"]


def test_a_change_lights_what_it_compares() -> None:
    page = Page(render_html(make_prior_reading()))
    evidence = [a["data-evidence"].split() for a in page.all("span", "sentence")]
    assert ["change.pneumonia", "r1.pneumonia", "p1.r1.pneumonia"] in evidence
    assert len(page.all("img")) == 1, "the prior is shown"


def test_a_refused_image_shows_the_reason_and_no_report() -> None:
    text = render_html(make_refused_reading())
    page = Page(text)
    assert text.count("This is not a chest radiograph.") == 2, "on the image and in the banner"
    assert "not_a_chest" in text
    assert page.all("div", "refusal")
    assert not page.all("span", "sentence")
    assert "This file holds no image." in text


def test_the_image_is_shown_upright_and_small_enough() -> None:
    turned = Orientation(COLUMNS, ROWS, quarter_turns=1)
    page = Page(render_html(make_reading(orientation=turned)))
    picture = decode(page.all("image", "pixels")[0]["href"], cv2.IMREAD_GRAYSCALE)
    assert picture.shape == (ROWS, COLUMNS)
    assert np.abs(picture / 255.0 - make_pixels()).mean() < 0.02
    heat = decode(page.all("image", "heat")[0]["href"], cv2.IMREAD_UNCHANGED)
    row, column = np.unravel_index(heat[..., 3].argmax(), heat.shape[:2])
    assert (row / heat.shape[0], column / heat.shape[1]) == pytest.approx((33 / 48, 12 / 42))


def test_a_large_image_is_embedded_smaller() -> None:
    reading = make_reading()
    (image,) = reading.radiographs
    pixels = np.full((2400, 3000), 0.5, np.float32)
    large = replace(image.radiograph, pixels=pixels, orientation=Orientation(2400, 3000))
    reading = replace(reading, radiographs=(replace(image, radiograph=large),))
    page = Page(render_html(reading))
    picture = decode(page.all("image", "pixels")[0]["href"], cv2.IMREAD_GRAYSCALE)
    assert picture.shape == (819, 1024)
