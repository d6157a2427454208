"""The burned-in picture: the radiograph as it was, what was drawn on it, the words beside it."""

from dataclasses import replace

import numpy as np
import pytest

from hilum.export.capture_picture import BANNER, IMAGE_SIDE, PANEL, draw_capture
from hilum.types import Anatomy, Box, Finding, Orientation, Radiograph, Region, Status
from readings import make_radiograph, make_reading, read_one


def colourful(picture: np.ndarray) -> np.ndarray:
    """Where a picture is not grey."""
    return np.asarray(picture.max(axis=2).astype(int) - picture.min(axis=2) > 40)


def plain(image: Radiograph) -> np.ndarray:
    bare = replace(read_one(radiograph=image), anatomy=Anatomy(), findings=())
    return draw_capture(bare)


def test_the_image_stands_upright_beside_a_panel() -> None:
    picture = draw_capture(make_reading().radiographs[0])
    assert picture.dtype == np.uint8
    assert picture.shape == (
        BANNER + IMAGE_SIDE,
        round(520 * IMAGE_SIDE / 600) + PANEL,
        3,
    )
    turned = Orientation(520, 600, quarter_turns=1)
    other = draw_capture(make_reading(orientation=turned).radiographs[0])
    assert other.shape == picture.shape
    assert np.abs(other.astype(int) - picture.astype(int)).mean() < 1.0


def test_without_findings_the_radiograph_is_untouched() -> None:
    picture = plain(make_radiograph())
    image = picture[BANNER:, :-PANEL]
    assert not colourful(image).any()
    assert image.std() > 20


def test_the_disclaimer_hides_nothing_of_the_image() -> None:
    picture = plain(make_radiograph())
    banner = picture[:BANNER]
    assert colourful(banner).mean() > 0.8
    assert not colourful(picture[BANNER:, :-PANEL]).any()


def test_a_box_is_drawn_where_it_is() -> None:
    box = Box(100.0, 200.0, 150.0, 120.0)
    finding = Finding(
        "pneumonia", Status.PRESENT, 0.9, (0.8, 0.95), 0.5, (Region(box, 0.9),), id="r1.pneumonia"
    )
    image = replace(read_one(), anatomy=Anatomy(), findings=(finding,))
    drawn = colourful(draw_capture(image))[BANNER:, :-PANEL]
    scale = IMAGE_SIDE / 600
    rows, columns = np.nonzero(drawn[round(195 * scale) :])
    assert columns.min() == pytest.approx(100 * scale, abs=4)
    assert columns.max() == pytest.approx(250 * scale, abs=4)
    assert rows.max() + round(195 * scale) == pytest.approx(320 * scale, abs=4)


def test_a_label_stays_inside_the_picture() -> None:
    box = Box(500.0, 2.0, 20.0, 30.0)
    finding = Finding("pleural_effusion", Status.UNCERTAIN, 0.3, regions=(Region(box, 0.5),))
    image = replace(read_one(), anatomy=Anatomy(), findings=(finding,))
    assert colourful(draw_capture(image))[BANNER:, :-PANEL].any()


@pytest.mark.parametrize("shape", [(1, 1), (3, 900), (700, 2)])
def test_any_shape_can_be_drawn(shape: tuple[int, int]) -> None:
    radiograph = Radiograph(np.zeros(shape, np.float32), "strip.dcm", Orientation(*shape))
    picture = plain(radiograph)
    assert picture.shape[0] >= BANNER
    assert picture.shape[1] >= PANEL


def test_the_panel_is_as_high_as_its_words() -> None:
    few, many = (
        replace(
            read_one(
                radiograph=Radiograph(
                    np.zeros((20, 400), np.float32), "a.dcm", Orientation(20, 400)
                )
            ),
            anatomy=Anatomy(),
            findings=tuple(
                Finding("pneumonia", Status.ABSENT, 0.1, id=f"r1.{n}") for n in range(count)
            ),
        )
        for count in (2, 60)
    )
    assert draw_capture(many).shape[0] - draw_capture(few).shape[0] >= 58 * 20
