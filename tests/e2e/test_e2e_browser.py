"""report.html in a real browser: nothing from the network, everything linked, all by key."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hilum.export import write_reading
from hilum.types import DISCLAIMER, Reading
from readings import make_prior_reading, make_reading, make_refused_reading, make_two_view_reading

pytestmark = pytest.mark.browser

SIZES = [(1366, 768), (768, 1024), (412, 800)]

Open = Callable[..., Any]


@pytest.fixture
def open_report(browser: Any, tmp_path: Path) -> Iterator[Open]:
    """Open a reading's page; fails on any request, console message or script error."""
    seen: list[str] = []
    pages = []

    def request(sent: Any) -> None:
        if not sent.url.startswith(("data:", tmp_path.as_uri())):
            seen.append(sent.url)

    def open_page(reading: Reading, size: tuple[int, int] = SIZES[0]) -> Any:
        write_reading(reading, tmp_path)
        page = browser.new_page(viewport={"width": size[0], "height": size[1]})
        page.set_default_timeout(10_000)
        page.on("request", request)
        page.on("console", lambda message: seen.append(message.text))
        page.on("pageerror", lambda error: seen.append(str(error)))
        page.goto((tmp_path / "report.html").as_uri())
        pages.append(page)
        return page

    yield open_page
    for page in pages:
        page.close()
    assert seen == []


def lit(page: Any) -> set[str]:
    """Names of the shapes that are lit, as their class says."""
    names = page.eval_on_selector_all(".shape.lit", "all => all.map(e => e.classList[1])")
    return {name.removeprefix("shape-") for name in names}


def is_visible(page: Any, selector: str) -> bool:
    return bool(page.eval_on_selector(selector, "e => getComputedStyle(e).visibility") == "visible")


def sentence(page: Any, text: str) -> Any:
    return page.locator(".sentence", has_text=text)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("make", [make_reading, make_refused_reading, make_prior_reading])
def test_the_page_fits_and_keeps_the_disclaimer(
    open_report: Open, make: Callable[[], Reading], size: tuple[int, int]
) -> None:
    page = open_report(make(), size)
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    over = page.eval_on_selector_all(
        ".report *",
        f"all => all.filter(e => e.getBoundingClientRect().right > {size[0]}"
        " && !e.classList.contains('hidden')).length",
    )
    assert over == 0
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    box = page.locator(".disclaimer").bounding_box()
    assert page.locator(".disclaimer").inner_text() == DISCLAIMER
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= size[1]
    assert page.locator(".image:not(.off) svg").bounding_box()["height"] > size[1] / 4


def test_a_sentence_lights_its_region(open_report: Open) -> None:
    page = open_report(make_reading())
    sentence(page, "likely pneumonia").hover()
    assert lit(page) == {"pneumonia"}
    assert page.locator(".finding.lit").inner_text().startswith("Pneumonia")
    sentence(page, "Atelectasis").hover()
    assert lit(page) == {"left_lower_zone"}
    assert is_visible(page, ".shape-left_lower_zone"), "though its layer is off"
    sentence(page, "heart is not enlarged").hover()
    assert lit(page) == {"heart", "chest"}
    sentence(page, "No pleural effusion").hover()
    assert lit(page) == set()
    page.locator("h1").hover()
    assert page.locator(".lit").count() == 0


def test_a_region_lights_its_sentences(open_report: Open) -> None:
    page = open_report(make_reading())
    page.locator(".shape-pneumonia").click()
    page.locator("h1").hover()
    texts = page.locator(".sentence.lit").all_inner_texts()
    assert texts == [
        "Likely right lower zone pneumonia.",
        "There is an opacity in the right lower zone, likely pneumonia.",
    ]
    assert "Pneumonia, probability 87 %" in page.locator("#announcement").inner_text()
    page.keyboard.press("Escape")
    assert page.locator(".lit").count() == 0


def test_a_click_keeps_a_sentence_lit(open_report: Open) -> None:
    page = open_report(make_reading())
    line = sentence(page, "Atelectasis")
    line.click()
    page.locator("h1").hover()
    assert lit(page) == {"left_lower_zone"}
    assert line.get_attribute("aria-pressed") == "true"
    line.click()
    page.locator("h1").hover()
    assert lit(page) == set()
    assert line.get_attribute("aria-pressed") == "false"


def test_everything_works_by_key(open_report: Open) -> None:
    page = open_report(make_reading())
    reached: list[str] = []
    for _ in range(60):
        page.keyboard.press("Tab")
        focused = "document.activeElement"
        reached.append(page.evaluate(f"{focused}.getAttribute('class') || {focused}.tagName"))
        if page.evaluate(f"{focused}.matches('.sentence')"):
            break
    assert any("skip" in name for name in reached)
    assert any("shape-pneumonia" in name for name in reached), "a shown region can be focused"
    assert not any("zone" in name for name in reached), "a hidden one cannot"
    assert lit(page) == {"pneumonia"}, "focus lights"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert lit(page) == {"left_lower_zone"}
    page.locator("h1").click()
    page.evaluate("document.activeElement.blur()")
    assert lit(page) == {"pneumonia"}, "what Enter pinned is back when nothing has the focus"


def test_the_toggles_toggle(open_report: Open) -> None:
    page = open_report(make_reading())
    for layer, shape in {
        "structures": "left_lung",
        "zones": "left_upper_zone",
        "lines": "heart",
        "landmarks": "carina",
    }.items():
        assert not is_visible(page, f".shape-{shape}")
        page.locator(f"input[data-layer={layer}]").check()
        assert is_visible(page, f".shape-{shape}")
        page.locator(f"input[data-layer={layer}]").uncheck()
        assert not is_visible(page, f".shape-{shape}")
    assert is_visible(page, ".shape-pneumonia")
    page.locator("input[data-layer=boxes]").uncheck()
    assert not is_visible(page, ".shape-pneumonia")


def test_the_heat_map_is_shown_on_demand(open_report: Open) -> None:
    page = open_report(make_reading())
    button = page.locator(".heat-toggle")
    assert not is_visible(page, ".heat")
    button.click()
    assert is_visible(page, ".heat")
    assert button.get_attribute("aria-pressed") == "true"
    button.click()
    assert not is_visible(page, ".heat")


def test_zoom_and_inversion(open_report: Open) -> None:
    page = open_report(make_reading())
    picture = page.locator(".image svg")
    whole = picture.get_attribute("viewBox")
    page.locator("[data-zoom=in]").click()
    x, y, width, height = map(float, picture.get_attribute("viewBox").split())
    assert 0 < x < 520
    assert 0 < y < 600
    assert width / height == pytest.approx(520 / 600)
    page.locator("[data-zoom=fit]").click()
    assert picture.get_attribute("viewBox") == whole
    page.locator("[data-invert]").click()
    style = page.eval_on_selector(".pixels", "e => getComputedStyle(e).filter")
    assert style == "invert(1)"


def test_a_second_image_is_a_click_away(open_report: Open) -> None:
    page = open_report(make_two_view_reading())
    assert page.locator(".image:visible").get_attribute("data-number") == "1"
    page.locator(".tab", has_text="Lateral").click()
    assert page.locator(".image:visible").get_attribute("data-number") == "2"
    sentence(page, "likely pneumonia").click()
    assert page.locator(".image:visible").get_attribute("data-number") == "1", "its evidence"
    page.locator(".tab").nth(2).click()
    assert "This is not a chest radiograph." in page.locator(".image:visible").inner_text()


def test_a_refused_page_shows_the_reason(open_report: Open) -> None:
    page = open_report(make_refused_reading())
    assert page.locator(".refusal").inner_text() == "Not read This is not a chest radiograph."
    assert "Nothing could be read" in page.locator("[role=alert]").inner_text()
    assert "This file holds no image." in page.locator(".report").inner_text()
    assert page.locator(".sentence").count() == 0


def test_it_prints_every_image_and_the_disclaimer(open_report: Open) -> None:
    page = open_report(make_two_view_reading())
    page.emulate_media(media="print")
    assert page.locator(".image:visible").count() == 3
    assert page.locator(".tools").is_hidden()
    assert page.locator(".foot").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
