"""The reading room in Chromium, against a small server that answers from real phantom readings."""

import importlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from hilum.types import DISCLAIMER, Status
from viewer_server import DIST, Held, ViewerServer, make_phantom, wait_until

pytestmark = pytest.mark.browser

AXE = DIST.parent / "node_modules" / "axe-core" / "axe.min.js"
SIZES = [(1366, 768), (768, 1024)]

Open = Callable[..., Any]


def fit_image(page: Any, held: Held) -> tuple[tuple[float, float], tuple[float, float]]:
    """Display pixels of a source pixel (across, down), and where the image begins in its pane.

    Pixels need not be square: the image is shown in true proportion.
    """
    assert held.reading is not None
    image = held.reading.radiographs[0].radiograph
    written = json.loads((held.folder / "reading.json").read_text("utf-8"))
    down, across = written["radiographs"][0]["spacing_mm"] or (1.0, 1.0)
    pane = page.locator(".pane").first.bounding_box()
    width, height = image.columns * across, image.rows * down
    scale = min(pane["width"] / width, pane["height"] / height)
    corner = (pane["width"] - width * scale) / 2, (pane["height"] - height * scale) / 2
    return (scale * across, scale * down), corner


def names(page: Any) -> list[str]:
    return [text.strip() for text in page.locator("tbody a[data-study]").all_inner_texts()]


def find_violations(page: Any) -> list[str]:
    """What axe-core finds; evaluated by the debugger, which no content policy stops."""
    if not AXE.is_file():
        pytest.skip("needs axe-core: npm ci in src/hilum/viewer")
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("async () => (await axe.run(document)).violations")
    return [f"{v['id']}: {n['target']} {n['failureSummary']}" for v in found for n in v["nodes"]]


def test_worklist_is_sorted_filtered_and_searched(open_page: Open) -> None:
    page = open_page()
    page.wait_for_selector("tbody tr")
    assert names(page)[0] == "Phantom, Petra"  # priority 2 before the others
    assert "<script>alert(1)</script>" in names(page)  # a name is text, whatever it holds
    assert page.locator("tbody script").count() == 0
    page.get_by_label("State").select_option("failed")
    wait_until(page, "() => document.querySelectorAll('tbody tr').length === 1")
    assert names(page) == ["Phantom, Paul"]
    page.get_by_label("State").select_option("")
    page.get_by_role("searchbox").fill("petra")
    wait_until(page, "() => document.querySelectorAll('tbody tr').length === 2")
    page.get_by_role("searchbox").fill("")
    page.get_by_role("button", name="Study date").click()
    page.get_by_role("button", name="Study date").click()
    page.wait_for_selector("th[aria-sort=descending]")
    page.locator("tbody tr").first.locator("td", has_text="09/03/2025, 10:30").first.wait_for()
    assert page.locator(".disclaimer").inner_text() == DISCLAIMER


def test_worklist_is_live_and_used_by_key(
    open_page: Open, served: tuple[ViewerServer, Held]
) -> None:
    server, _ = served
    page = open_page()
    page.wait_for_selector(".live.on")
    waiting = next(held for held in server.studies.values() if held.summary["state"] == "queued")
    row = page.locator("tr", has=page.locator(f"a[data-study='{waiting.id}']"))
    row.locator(".tag.queued").wait_for()
    waiting.summary["state"] = "reading"
    server.tell(waiting.id)
    row.locator(".tag.reading").wait_for()
    waiting.summary["state"] = "queued"
    page.keyboard.press("j")
    first = page.locator("tbody a[data-study]").first
    assert first.evaluate("e => e === document.activeElement")
    page.keyboard.press("?")
    page.get_by_role("dialog").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    page.keyboard.press("/")
    assert page.get_by_role("searchbox").evaluate("e => e === document.activeElement")
    page.keyboard.press("Escape")
    first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".viewport canvas")


def test_files_are_uploaded(
    open_page: Open, served: tuple[ViewerServer, Held], tmp_path: Path
) -> None:
    server, current = served
    page = open_page()
    page.wait_for_selector("tbody tr")
    page.keyboard.press("u")
    page.get_by_role("button", name="Send").click()
    page.get_by_text("Choose at least one file.").wait_for()
    page.locator("input[type=file]").set_input_files([str(p) for p in current.images])
    page.get_by_label("Age in years").fill("61")
    page.get_by_role("button", name="Send").click()
    page.get_by_role("link", name="Phantom, New").wait_for()
    assert server.received[-1]["files"] == len(current.images)


def test_images_hang_beside_the_prior_with_boxes_in_source_pixels(
    open_study: Open, served: tuple[ViewerServer, Held]
) -> None:
    page = open_study()
    assert page.locator(".pane:visible").count() == 2
    shown = page.locator(".pane .caption").all_inner_texts()
    assert [text.split(" · ")[:2] for text in shown] == [["Current", "PA"], ["Prior", "PA"]]
    reading = served[1].reading
    assert reading is not None
    region = next(f.regions[0] for f in reading.radiographs[0].findings if f.regions)
    scale, (left, top) = fit_image(page, served[1])
    points = page.locator(".pane polygon.region").first.get_attribute("points").split(" ")
    x, y = (float(value) for value in points[0].split(","))
    assert x == pytest.approx(left + region.box.x * scale[0], abs=1.5)
    assert y == pytest.approx(top + region.box.y * scale[1], abs=1.5)
    page.keyboard.press("b")
    wait_until(page, "() => [...document.querySelectorAll('.pane')][1].hidden")
    page.keyboard.press("n")
    wait_until(page, "() => document.querySelector('.caption').innerText.includes('Lateral')")


def test_the_image_is_drawn_and_inverted(open_study: Open) -> None:
    page = open_study()
    # the middle of the picture in grey levels, as the screen shows it
    middle = """() => {
      const canvas = document.querySelector('.pane .viewport canvas');
      const copy = document.createElement('canvas');
      copy.width = copy.height = 32;
      const context = copy.getContext('2d');
      const [w, h] = [canvas.width, canvas.height];
      context.drawImage(canvas, w * 0.3, h * 0.3, w * 0.4, h * 0.4, 0, 0, 32, 32);
      const data = context.getImageData(0, 0, 32, 32).data;
      let sum = 0;
      for (let i = 0; i < data.length; i += 4) sum += data[i];
      return sum / 1024;
    }"""
    wait_until(page, f"() => ({middle})() > 60")
    before = page.evaluate(middle)
    page.keyboard.press("i")
    wait_until(page, f"() => Math.abs(({middle})() - (255 - {before})) < 12")
    page.keyboard.press("0")
    wait_until(page, f"() => Math.abs(({middle})() - {before}) < 12")
    polygon = page.locator(".pane polygon.region").first
    start = polygon.get_attribute("points")
    page.keyboard.press("+")
    wait_until(
        page,
        "start => document.querySelector('polygon.region').getAttribute('points') !== start",
        start,
    )


def test_lengths_and_their_ratio_are_drawn(open_study: Open) -> None:
    page = open_study()
    page.keyboard.press("t")
    page.get_by_text("draw the width of the heart").wait_for()
    pane = page.locator(".pane").first.bounding_box()

    def draw_line(height: float, width: float) -> None:
        x, y = pane["x"] + pane["width"] / 2, pane["y"] + pane["height"] * height
        page.mouse.move(x - width / 2, y)
        page.mouse.down()
        page.mouse.move(x, y, steps=4)
        page.mouse.move(x + width / 2, y, steps=4)
        page.mouse.up()

    draw_line(0.5, 100)
    page.get_by_text("Now draw the width of the chest").wait_for()
    draw_line(0.7, 200)
    wait_until(page, "() => document.querySelector('.readout').innerText.startsWith('Ratio')")
    ratio = float(page.locator(".readout").inner_text().split()[-1])
    assert ratio == pytest.approx(0.5, abs=0.02)


def test_overlays_are_switched(open_study: Open) -> None:
    page = open_study()
    page.keyboard.press("1")
    wait_until(page, "() => document.querySelectorAll('.pane .overlay image').length >= 4")
    page.keyboard.press("2")
    wait_until(page, "() => document.querySelectorAll('.pane .overlay image').length >= 5")
    page.keyboard.press("4")
    assert page.locator(".pane").first.locator(".landmark").count() >= 8
    page.locator("summary", has_text="Overlays").click()
    page.get_by_label("Opacity", exact=True).fill("20")
    assert page.locator(".overlay g").first.get_attribute("opacity") == "0.2"
    page.locator(".layers summary").focus()
    page.keyboard.press("o")
    wait_until(page, "() => document.querySelectorAll('.pane polygon, .landmark').length === 0")


def test_sentences_and_regions_light_each_other(open_study: Open) -> None:
    page = open_study()
    sentence = page.locator(".sentence", has_text=re.compile("pleural effusion", re.I)).first
    sentence.hover()
    page.locator("polygon.region.lit").first.wait_for()
    assert page.locator(".findings li.lit", has_text="Pleural effusion").count() == 1
    page.mouse.move(5, 5)
    wait_until(page, "() => document.querySelectorAll('.lit').length === 0")
    page.get_by_role("button", name="Pleural effusion", exact=True).click()
    page.locator(".sentences li.lit").first.wait_for()
    page.keyboard.press("Escape")
    page.mouse.move(5, 5)
    wait_until(page, "() => document.querySelectorAll('.lit').length === 0")


def test_the_priors_report_lights_the_priors_image(
    open_page: Open, served: tuple[ViewerServer, Held]
) -> None:
    prior = served[1].prior
    assert prior is not None
    assert prior.reading is not None
    report = prior.reading.report
    told = [*report.findings, *report.impression]
    # a finding that was ruled out has no region of its own to click
    seen = (Status.PRESENT, Status.UNCERTAIN)
    names = [f.id for f in prior.reading.radiographs[0].findings if f.status in seen]
    place, cited = next(
        (n, item.id) for n, s in enumerate(told) for item in s.evidence if item.id in names
    )
    page = open_page()

    def give_a_box(route: Any) -> None:
        answer = route.fetch()
        document = answer.json()
        for finding in document["radiographs"][0]["findings"]:
            if finding["id"] == cited:
                finding["regions"] = [{"box": [200, 300, 150, 100], "score": 0.9}]
        route.fulfill(response=answer, json=document)

    page.route(f"**/{prior.id}/reading", give_a_box)
    page.goto(f"{served[0].url}#/studies/{served[1].id}")
    current, before = page.locator(".pane").first, page.locator(".pane").nth(1)
    for pane in (current, before):
        pane.locator(".overlay:not(.empty)").wait_for(state="attached")
    panel = page.locator(".prior-report")
    assert "02/03/2025" in panel.locator("summary").inner_text()
    assert panel.locator(".sentence").all_inner_texts() == [s.text for s in told]
    sentence = panel.locator(".sentence").nth(place)
    sentence.hover()
    before.locator("polygon.region.lit").first.wait_for()
    assert current.locator("polygon.region.lit").count() == 0  # its ids are of another study
    assert page.locator(".report .lit").count() == 0
    page.mouse.move(5, 5)
    wait_until(page, "() => document.querySelectorAll('.lit').length === 0")
    sentence.click()
    page.mouse.move(5, 5)
    assert sentence.get_attribute("aria-pressed") == "true"
    assert panel.locator("textarea").count() == 0  # it is to be read only
    page.locator(".pane").first.focus()
    page.keyboard.press("Escape")
    wait_until(page, "() => document.querySelectorAll('.lit').length === 0")
    before.locator(f"polygon.region[data-id='{cited}']").dispatch_event("click")
    panel.locator("li.lit").first.wait_for()


def test_an_operating_point_changes_status_and_report(
    open_study: Open, served: tuple[ViewerServer, Held]
) -> None:
    page = open_study()
    before = page.locator(".report-body").inner_text()
    row = page.locator(".findings li", has_text="Pleural effusion").first
    assert row.get_attribute("data-status") == "uncertain"
    row.get_by_role("slider").fill("2")
    page.locator(".findings li[data-id$=pleural_effusion][data-status=present]").wait_for()
    wait_until(
        page, "before => document.querySelector('.report-body').innerText !== before", before
    )
    assert served[0].received[-1]["operating_points"] == {"pleural_effusion": 0.02}


def test_judgements_and_the_readers_own_sentences_are_sent(
    open_study: Open, served: tuple[ViewerServer, Held]
) -> None:
    server, _ = served
    page = open_study()
    page.get_by_role("button", name="Agree: Cardiomegaly").click()
    page.locator(".judgements li", has_text="agreed").wait_for()
    assert server.received[-1]["finding"] == "r1.cardiomegaly"
    page.get_by_role("button", name="Correct the box: Pleural effusion").click()
    page.locator(".boxing").wait_for()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.locator(".judgements li", has_text="corrected").wait_for()
    assert served[1].reading is not None
    read = served[1].reading.radiographs[0]
    columns = read.radiograph.columns
    region = next(found.regions[0].box for found in read.findings if found.regions)
    assert server.received[-1]["box"]["x0"] == pytest.approx(region.x + columns / 100, abs=0.2)
    page.locator(".sentence").first.click()
    page.locator(".sentences textarea").fill("Mine alone.")
    page.keyboard.press("Enter")
    page.locator(".sentences .mine", has_text="edited by reader").wait_for()
    page.get_by_role("button", name="Save report").click()
    page.locator(".judgements li", has_text="report edited").wait_for()
    sent = server.received[-1]["sentences"]
    assert [(s["text"], s["section"]) for s in sent if s["is_edited"]] == [
        ("Mine alone.", "findings")
    ]
    assert {s["section"] for s in sent} == {"findings", "impression"}
    page.get_by_label("Comment").fill("Rotated film.")
    page.get_by_role("button", name="Send comment").click()
    page.locator(".judgements li", has_text="Rotated film.").wait_for()


def test_a_box_is_drawn_with_the_mouse(open_study: Open, served: tuple[ViewerServer, Held]) -> None:
    page = open_study()
    page.get_by_role("button", name="Correct the box: Cardiomegaly").click()
    pane = page.locator(".pane").first.bounding_box()
    scale, (left, top) = fit_image(page, served[1])
    page.mouse.move(pane["x"] + left + 20, pane["y"] + top + 20)
    page.mouse.down()
    page.mouse.move(pane["x"] + left + 120, pane["y"] + top + 70, steps=5)
    page.mouse.up()
    page.get_by_role("button", name="Save box").click()
    page.locator(".boxing").wait_for(state="detached")
    page.locator(".toast", has_text="Saved.").wait_for()
    box = served[0].received[-1]["box"]
    assert box["x1"] - box["x0"] == pytest.approx(100 / scale[0], abs=2)
    assert box["y0"] == pytest.approx(20 / scale[1], abs=2)


@pytest.mark.parametrize("size", SIZES)
def test_pages_are_accessible_and_fit(open_page: Open, open_study: Open, size: Any) -> None:
    for page in (open_page(size=size), open_study(size=size)):
        page.wait_for_selector("tbody tr, .sentence")
        assert find_violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        footer = page.locator(".disclaimer").bounding_box()
        assert footer["y"] + footer["height"] <= size[1]


@pytest.mark.parametrize(
    ("language", "title", "disclaimer"),
    [
        ("es-ES", "Lista de trabajo", "docencia"),
        ("de-DE", "Arbeitsliste", "Medizinprodukt"),
        ("fr-FR", "Liste de travail", "dispositif médical"),
    ],
)
def test_language_follows_the_browser(
    open_page: Open, language: str, title: str, disclaimer: str
) -> None:
    page = open_page(language=language)
    assert page.locator("h1").inner_text() == title
    assert disclaimer in page.locator(".disclaimer").inner_text()
    page.locator("header select").select_option("en")
    page.locator("h1", has_text="Worklist").wait_for()
    page.reload()
    assert page.locator("h1").inner_text() == "Worklist"
    assert urlsplit(page.url).path == "/"


def test_the_printed_page_is_the_report(open_study: Open) -> None:
    page = open_study()
    page.emulate_media(media="print")
    assert page.locator(".report-body").is_visible()
    assert page.locator(".disclaimer").is_visible()
    for hidden in (
        ".account",
        ".prior-report",
        ".images",
        ".findings-panel",
        ".feedback",
        ".report-head button",
    ):
        assert not page.locator(hidden).first.is_visible()


@pytest.mark.slow
def test_the_real_server_feeds_the_page(browser: Any, tmp_path: Path) -> None:
    """Files go in by the page, are read by a worker, and are shown as soon as they are."""
    if not (DIST / "index.html").is_file():
        pytest.skip("needs the built viewer: npm ci && npm run build in src/hilum/viewer")
    server = pytest.importorskip("hilum.serve.server", reason="needs the server's libraries")
    settings = importlib.import_module("hilum.serve.settings").Settings
    images = make_phantom(
        tmp_path / "phantom", "--seed", "5", "--finding", "pleural_effusion:right:0.8"
    )
    wanted = settings(data=tmp_path / "data", port=0, dicom_port=-1, min_free_mb=1)
    with server.start(wanted) as running:
        page = browser.new_page()
        page.set_default_timeout(90_000)
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on(
            "console",
            lambda message: message.type == "error" and problems.append(message.text),
        )
        page.goto(running.url)
        page.locator(".live.on").wait_for()
        page.keyboard.press("u")
        page.locator("input[type=file]").set_input_files([str(image) for image in images])
        page.get_by_role("button", name="Send").click()
        page.locator("tbody .tag.read").wait_for()
        page.locator("tbody a[data-study]").first.click()
        page.wait_for_selector(".overlay:not(.empty) polygon.region", state="attached")
        row = page.locator(".findings li", has_text="Pleural effusion").first
        row.get_by_role("slider").fill("2")
        page.locator(".findings li[data-id$=pleural_effusion][data-status=present]").wait_for()
        page.get_by_role("button", name="Agree: Cardiomegaly").click()
        page.locator(".judgements li", has_text="agreed").wait_for()
        page.close()
        assert problems == []


@pytest.mark.parametrize("is_mirrored", [False, True])
@pytest.mark.parametrize("quarter_turns", range(4))
def test_the_image_hangs_upright(
    open_page: Open,
    served: tuple[ViewerServer, Held],
    quarter_turns: int,
    is_mirrored: bool,
) -> None:
    """Mirrored left to right first, then turned counter-clockwise, as reading.json says."""
    page = open_page()

    def turn(route: Any) -> None:
        answer = route.fetch()
        document = answer.json()
        for image in document["radiographs"]:
            image["orientation"] = {"quarter_turns": quarter_turns, "is_mirrored": is_mirrored}
        route.fulfill(response=answer, json=document)

    page.route("**/reading", turn)
    page.goto(f"{served[0].url}#/studies/{served[1].id}")
    page.wait_for_selector(".overlay:not(.empty) polygon.region", state="attached")
    matrix = page.locator(".overlay g").first.get_attribute("transform")
    shown = [float(value) for value in matrix[len("matrix(") : -1].split()][:4]
    right, down = (-1 if is_mirrored else 1, 0), (0, 1)  # of the source, on the display
    for _ in range(quarter_turns):
        right, down = (right[1], -right[0]), (down[1], -down[0])
    assert [(v > 0.01) - (v < -0.01) for v in shown] == [*right, *down]
