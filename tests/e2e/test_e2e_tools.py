"""Tools with the mouse and with real touches (CDP), at the size of a tablet."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from viewer_server import Held, ViewerServer, wait_until

pytestmark = pytest.mark.browser

TABLET = (768, 1024)
Open = Callable[..., Any]
Point = tuple[float, float]
MIDDLE = """() => {
  const canvas = document.querySelector('.pane .magnifyTool canvas');
  if (!canvas) return -1;
  const copy = document.createElement('canvas');
  copy.width = copy.height = 16;
  const context = copy.getContext('2d');
  context.drawImage(canvas, 0, 0, canvas.width, canvas.height, 0, 0, 16, 16);
  const data = context.getImageData(0, 0, 16, 16).data;
  let sum = 0;
  for (let i = 0; i < data.length; i += 4) sum += data[i];
  return sum / 256;
}"""


class Fingers:
    """Fingers on the screen: each call says where all of them are."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.session = page.context.new_cdp_session(page)

    def send(self, kind: str, *points: Point) -> None:
        touches = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    def drag(self, start: list[Point], end: list[Point], steps: int = 6) -> None:
        """Fingers come down one after the other, move together, and leave."""
        for count in range(1, len(start) + 1):
            self.send("touchStart", *start[:count])
        for step in range(1, steps + 1):
            share = step / steps
            self.send(
                "touchMove",
                *(
                    (a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share)
                    for a, b in zip(start, end, strict=True)
                ),
            )
        self.send("touchEnd")
        self.page.wait_for_timeout(100)

    def tap(self, target: Any) -> None:
        """Tap until it has clicked.

        On a loaded machine so much time may lie between touch and release that the browser
        sees a long press, which clicks nothing.
        """
        listen = "addEventListener('click', () => { window.clicked = true; }, {capture: true})"
        self.page.evaluate(f"() => {{ window.clicked = false; {listen}; }}")
        for _ in range(5):
            target.tap()
            for _ in range(30):
                if self.page.evaluate("window.clicked"):
                    return
                self.page.wait_for_timeout(100)
        raise AssertionError("no tap of five was a click")


@pytest.fixture
def tablet(open_study: Open) -> Any:
    page = open_study(size=TABLET, has_touch=True)
    page.wait_for_timeout(300)  # panes have their size
    return page


def read_map(page: Any) -> list[float]:
    """The map from source pixels to the first pane, as the overlay uses it."""
    matrix = page.locator(".pane .overlay g").first.get_attribute("transform")
    return [float(value) for value in matrix[len("matrix(") : -1].split()]


def wait_map(page: Any, place: int, value: float, tolerance: float) -> None:
    """Wait until a number of the map is so: the display draws when it can."""
    wait_until(
        page,
        """([place, value, tolerance]) => {
          const map = document.querySelector('.pane .overlay g').getAttribute('transform');
          return Math.abs(map.slice(7, -1).split(' ')[place] - value) <= tolerance;
        }""",
        [place, value, tolerance],
    )


def source_at(page: Any, at: Point) -> Point:
    """The source pixel under a point of the screen; the image is neither turned nor mirrored."""
    across, _, _, down, left, top = read_map(page)
    pane = page.locator(".pane").first.bounding_box()
    return (at[0] - pane["x"] - left) / across, (at[1] - pane["y"] - top) / down


def centre(page: Any, *, dx: float = 0, dy: float = 0) -> Point:
    pane = page.locator(".pane").first.bounding_box()
    return pane["x"] + pane["width"] / 2 + dx, pane["y"] + pane["height"] / 2 + dy


def texts(page: Any) -> list[str]:
    found = page.locator(".pane").first.locator(".svg-layer text, svg.svg-layer tspan")
    return [text for text in found.all_inner_texts() if text.strip()]


def test_two_fingers_zoom_and_move_and_keep_their_pixels(tablet: Any) -> None:
    fingers = Fingers(tablet)
    start = before = read_map(tablet)
    left, right = centre(tablet, dx=-60, dy=40), centre(tablet, dx=40, dy=60)
    pixels = source_at(tablet, left), source_at(tablet, right)
    moved = [(left[0] - 30, left[1] - 10), (right[0] + 50, right[1] + 30)]
    fingers.drag([left, right], moved)
    spread = ((100 + 80) ** 2 + (20 + 40) ** 2) ** 0.5 / (100**2 + 20**2) ** 0.5
    wait_map(tablet, 0, before[0] * spread, 0.03 * before[0] * spread)
    middle = [(a + b) / 2 for a, b in zip(*pixels, strict=True)]
    seen = source_at(tablet, ((moved[0][0] + moved[1][0]) / 2, (moved[0][1] + moved[1][1]) / 2))
    assert seen == pytest.approx(middle, abs=3)  # source pixels
    # together they only move it
    before = read_map(tablet)
    a, b = centre(tablet, dx=-40), centre(tablet, dx=40)
    fingers.drag([a, b], [(a[0] + 50, a[1] - 30), (b[0] + 50, b[1] - 30)])
    wait_map(tablet, 4, before[4] + 50, 2)
    wait_map(tablet, 5, before[5] - 30, 2)
    assert read_map(tablet)[0] == pytest.approx(before[0], rel=1e-3)
    fingers.tap(tablet.get_by_role("button", name="Reset"))
    wait_map(tablet, 0, start[0], 1e-3 * start[0])


def test_a_second_finger_takes_back_the_line_of_the_first(tablet: Any) -> None:
    fingers = Fingers(tablet)
    fingers.tap(tablet.get_by_role("button", name="Length"))
    before = read_map(tablet)
    a, b = centre(tablet, dx=-50), centre(tablet, dx=50)
    fingers.drag([a, b], [(a[0] - 40, a[1]), (b[0] + 40, b[1])])
    wait_map(tablet, 0, before[0] * 1.8, before[0] * 0.2)
    assert texts(tablet) == []
    fingers.drag([centre(tablet, dx=-40, dy=30)], [centre(tablet, dx=40, dy=30)])
    wait_until(tablet, "() => document.querySelectorAll('.pane .svg-layer text').length === 1")


def test_one_finger_does_what_the_tool_does(tablet: Any) -> None:
    fingers = Fingers(tablet)
    start = read_map(tablet)
    fingers.tap(tablet.get_by_role("button", name="Pan"))
    fingers.drag([centre(tablet)], [centre(tablet, dx=30, dy=50)])
    wait_map(tablet, 4, start[4] + 30, 2)
    wait_map(tablet, 5, start[5] + 50, 2)
    moved = read_map(tablet)
    fingers.tap(tablet.get_by_role("button", name="Zoom"))
    fingers.drag([centre(tablet)], [centre(tablet, dy=60)])
    wait_map(tablet, 0, moved[0] * 11, moved[0] * 9.9)  # more than a tenth larger
    zoomed = read_map(tablet)
    fingers.tap(tablet.get_by_role("button", name="Window"))
    shade = """() => {
      const canvas = document.querySelector('.pane .viewport canvas');
      const copy = document.createElement('canvas');
      copy.width = copy.height = 16;
      const context = copy.getContext('2d');
      context.drawImage(canvas, 0, 0, 16, 16);
      return [...context.getImageData(0, 0, 16, 16).data].reduce((a, b) => a + b) / 1024;
    }"""
    before = tablet.evaluate(shade)
    fingers.drag([centre(tablet)], [centre(tablet, dy=120)])
    wait_until(tablet, f"() => Math.abs(({shade})() - {before}) > 3")
    assert read_map(tablet) == pytest.approx(zoomed)


@pytest.mark.parametrize("way", ["mouse", "touch"])
def test_an_angle_is_drawn(open_study: Open, way: str) -> None:
    page = open_study(size=TABLET, has_touch=way == "touch")
    page.wait_for_timeout(300)
    corner, first, second = centre(page), centre(page, dx=-90), centre(page, dy=90)
    if way == "touch":
        fingers = Fingers(page)
        fingers.tap(page.get_by_role("button", name="Angle"))
        fingers.drag([first], [corner])
        fingers.drag([centre(page, dx=10, dy=40)], [second])
    else:
        page.keyboard.press("a")
        page.mouse.move(*first)
        page.mouse.down()
        page.mouse.move(*corner, steps=5)
        page.mouse.up()
        page.mouse.move(*second, steps=5)
        page.mouse.down()
        page.mouse.up()
    wait_until(
        page,
        "() => /[0-9]/.test(document.querySelector('.pane .svg-layer text')?.textContent ?? '')",
    )
    text = page.locator(".pane .svg-layer text").first.text_content()
    assert float(text.split("°")[0].split()[0]) == pytest.approx(90, abs=3)
    page.get_by_role("button", name="Clear lines").click()
    wait_until(page, "() => document.querySelectorAll('.pane .svg-layer text').length === 0")


def test_the_magnifier_with_the_mouse_again_and_again(open_study: Open) -> None:
    page = open_study(size=TABLET)
    page.keyboard.press("m")
    for _ in range(2):
        page.mouse.move(*centre(page, dx=-30))
        page.mouse.down()
        page.locator(".magnifyTool").wait_for()
        wait_until(page, f"() => ({MIDDLE})() > 20")
        before = page.locator(".magnifyTool").bounding_box()
        page.mouse.move(*centre(page, dx=30, dy=30), steps=4)
        after = page.locator(".magnifyTool").bounding_box()
        assert after["x"] - before["x"] == pytest.approx(60, abs=2)
        page.mouse.up()
        page.locator(".magnifyTool").wait_for(state="detached")


@pytest.mark.parametrize("tool", ["Window", "Magnifier"])
def test_the_magnifier_with_a_finger(tablet: Any, tool: str) -> None:
    """With its tool at once, with any other by holding still."""
    fingers = Fingers(tablet)
    fingers.tap(tablet.get_by_role("button", name=tool))
    for _ in range(2):
        at = centre(tablet, dx=20, dy=120)
        fingers.send("touchStart", at)
        tablet.locator(".magnifyTool").wait_for()
        wait_until(tablet, f"() => ({MIDDLE})() > 20")
        glass = tablet.locator(".magnifyTool").bounding_box()
        assert glass["y"] + glass["height"] <= at[1]  # the finger does not cover it
        folder = os.environ.get("HILUM_SCREENSHOTS")
        if folder:
            tablet.screenshot(
                path=str(Path(folder) / f"magnifier_{tool}.jpg"), quality=80, type="jpeg"
            )
        fingers.send("touchMove", (at[0], at[1] + 20))
        fingers.send("touchEnd")
        tablet.locator(".magnifyTool").wait_for(state="detached")
    # a finger that moves on before is no long press
    fingers.send("touchStart", centre(tablet))
    fingers.send("touchMove", centre(tablet, dy=30))
    if tool == "Window":
        tablet.wait_for_timeout(700)
        assert tablet.locator(".magnifyTool").count() == 0
    fingers.send("touchEnd")


def test_touches_go_on_after_one_was_cancelled(tablet: Any) -> None:
    fingers = Fingers(tablet)
    fingers.tap(tablet.get_by_role("button", name="Pan"))
    fingers.send("touchStart", centre(tablet))
    fingers.send("touchCancel")
    before = read_map(tablet)
    fingers.drag([centre(tablet)], [centre(tablet, dx=40)])
    wait_map(tablet, 4, before[4] + 40, 2)


def test_a_tap_lights_and_a_second_edits(tablet: Any) -> None:
    fingers = Fingers(tablet)
    sentence = tablet.locator(".sentence", has_text="effusion").first
    fingers.tap(sentence)
    tablet.locator("polygon.region.lit").first.wait_for()
    assert tablet.locator(".sentences textarea").count() == 0
    fingers.tap(sentence)
    tablet.locator(".sentences textarea").wait_for()


def test_a_box_is_drawn_with_a_finger(tablet: Any, served: tuple[ViewerServer, Held]) -> None:
    fingers = Fingers(tablet)
    fingers.tap(tablet.get_by_role("button", name="Correct the box: Cardiomegaly"))
    tablet.locator(".boxing").wait_for()
    tablet.locator(".pane").first.scroll_into_view_if_needed()
    tablet.wait_for_timeout(300)
    scale = read_map(tablet)[0]
    start = centre(tablet, dx=-100, dy=-150)
    fingers.drag([start], [(start[0] + 80, start[1] + 60)])
    fingers.tap(tablet.get_by_role("button", name="Save box"))
    tablet.locator(".toast", has_text="Saved.").wait_for()
    box = served[0].received[-1]["box"]
    assert box["x1"] - box["x0"] == pytest.approx(80 / scale, abs=3)
