"""Rules on declarations and pixels."""

from __future__ import annotations

import numpy as np
import pytest

from hilum.models import golden_image
from hilum.quality.declared import check_declared, is_declared_chest
from hilum.quality.rules import check_exposure, check_image, neighbour_correlation
from hilum.types import Orientation, Radiograph


def radiograph(pixels: np.ndarray | None = None, **fields: object) -> Radiograph:
    pixels = golden_image(160, 120) if pixels is None else pixels.astype(np.float32)
    return Radiograph(pixels=pixels, source="a", orientation=Orientation(*pixels.shape), **fields)


def codes(issues: tuple) -> list[str]:
    return [issue.code for issue in issues]


@pytest.mark.parametrize(
    ("modality", "body_part", "code"),
    [
        ("CT", "CHEST", "not_a_radiograph"),
        ("MR", "", "not_a_radiograph"),
        ("us", "", "not_a_radiograph"),
        ("XA", "HEART", "not_a_chest"),
        ("MG", "BREAST", "not_a_chest"),
        ("CR", "HAND", "not_a_chest"),
        ("DX", "LHIP", "not_a_chest"),
        ("DX", "KNEES", "not_a_chest"),
        ("CR", "TSPINE", "not_a_chest"),
        ("", "ABDOMEN", "not_a_chest"),
    ],
)
def test_declared_non_chests_are_refused(modality, body_part, code):
    assert codes(check_declared(radiograph(modality=modality, body_part=body_part))) == [code]


@pytest.mark.parametrize(
    ("modality", "body_part"),
    [("CR", "CHEST"), ("DX", ""), ("", ""), ("DX", "CHESTABDOMEN"), ("CR", "PORT CHEST"),
     ("DX", "THORAX AP"), ("ZZ", "SOMETHING"), ("CR", "CHEST/ARM")],
)  # fmt: skip
def test_declared_chests_and_unknowns_go_on(modality, body_part):
    assert check_declared(radiograph(modality=modality, body_part=body_part)) == ()


def test_only_a_chest_of_a_radiographic_modality_is_declared():
    assert is_declared_chest(radiograph(modality="DX", body_part="CHEST"))
    assert not is_declared_chest(radiograph(modality="DX", body_part=""))
    assert not is_declared_chest(radiograph(modality="OT", body_part="CHEST"))


def test_free_text_of_the_file_is_never_repeated():
    found = check_declared(radiograph(modality="DX", body_part="HAND OF DOE JOHN"))
    assert "DOE" not in found[0].message


def noise(shape: tuple[int, int] = (256, 256)) -> np.ndarray:
    return np.random.default_rng(0).random(shape)


def page() -> np.ndarray:
    pixels = np.ones((200, 200))
    pixels[20:22, 10:90] = 0
    return pixels


@pytest.mark.parametrize(
    ("pixels", "code"),
    [
        (np.zeros((100, 100)), "blank"),
        (np.full((100, 100), 0.7), "blank"),
        (page(), "blank"),
        (noise(), "noise"),
        (golden_image(40, 200), "too_small"),
        (golden_image(800, 200), "extreme_shape"),
    ],
)
def test_pixels_that_are_no_radiograph_are_refused(pixels, code):
    assert code in codes(check_image(radiograph(pixels)))


def test_a_one_pixel_image_is_refused_without_failing():
    assert codes(check_image(radiograph(np.zeros((1, 1))))) == ["too_small"]


def test_frames_and_colour():
    assert codes(check_image(radiograph(frames=40))) == ["several_frames"]
    assert codes(check_image(radiograph(chroma=0.6))) == ["colour_photograph"]
    marked = radiograph(chroma=0.02)
    assert check_image(marked) == ()
    assert codes(check_exposure(marked)) == ["coloured_marks"]


def test_a_good_radiograph_passes_without_warning():
    assert check_image(radiograph()) == ()
    assert check_exposure(radiograph()) == ()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda p: np.clip(3 * p - 1.5, 0, 1), "over_exposed"),
        (lambda p: np.clip(4 * p, 0, 1), "under_exposed"),
        (lambda p: 0.4 + 0.1 * p, "low_contrast"),
    ],
)
def test_exposure_is_judged_in_the_middle(change, code):
    assert code in codes(check_exposure(radiograph(change(golden_image(160, 120)))))


def test_black_borders_do_not_make_an_image_over_exposed():
    bordered = np.pad(golden_image(160, 160), 30)
    assert "over_exposed" not in codes(check_exposure(radiograph(bordered)))


def test_correlation_of_neighbours():
    assert neighbour_correlation(np.ones((9, 9), np.float32)) == 1.0
    assert neighbour_correlation(golden_image(128, 128)) > 0.95
    assert abs(neighbour_correlation(noise().astype(np.float32))) < 0.1
