"""Burned-in text: found where it was written, not where there is anatomy, and blanked."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from hilum.errors import InvalidValueError, UnreadableImageError
from hilum.io.burned_in import blank_boxes, blank_dataset, find_text_boxes
from hilum.types import Box
from image_factory import make_dicom

FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX)
LINES = ("DOE^JANE 4471209", "01/02/1950 F", "Mercy Hosp")


def soft_background(rows: int = 512, columns: int = 480) -> np.ndarray:
    """Smooth blobs and soft bars, as ribs are."""
    generator = np.random.default_rng(3)
    noise = generator.normal(size=(rows, columns)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 30)
    y = np.arange(rows, dtype=np.float32)[:, None]
    ribs = 18 * np.sin(y / 9.0)
    smooth = (smooth - smooth.min()) / (smooth.max() - smooth.min())
    return np.clip(30 + 120 * smooth + ribs, 0, 200).astype(np.uint8)


def write(
    image: np.ndarray, text: str, corner: int, **style: float
) -> tuple[np.ndarray, np.ndarray]:
    """The image with the text in a corner, and the mask of its strokes."""
    font, scale = int(style.get("font", FONTS[0])), float(style.get("scale", 0.8))
    thickness, level = int(style.get("thickness", 1)), int(style.get("level", 255))
    (width, height), below = cv2.getTextSize(text, font, scale, thickness)
    x = 6 if corner % 2 == 0 else image.shape[1] - width - 6
    y = height + 6 if corner < 2 else image.shape[0] - below - 6
    layer = np.zeros(image.shape[:2], np.uint8)
    cv2.putText(layer, text, (x, y), font, scale, 255, thickness, cv2.LINE_AA)
    share = layer[..., None] / 255 if image.ndim == 3 else layer / 255
    return (image * (1 - share) + level * share).astype(image.dtype), layer > 127


def covered(
    shape: tuple[int, ...], image: np.ndarray, kinds: tuple[str, ...] = ("text",)
) -> np.ndarray:
    mask = np.zeros(shape[:2], bool)
    for box, kind in find_text_boxes(image):
        if kind in kinds:
            top, left = int(box.y), int(box.x)
            mask[top : top + int(box.height), left : left + int(box.width)] = True
    return mask


@pytest.mark.parametrize("font", FONTS)
@pytest.mark.parametrize("scale", [0.45, 0.8, 1.3])
@pytest.mark.parametrize("corner", range(4))
def test_text_is_found_in_every_corner(font: int, scale: float, corner: int) -> None:
    image, strokes = write(soft_background(), LINES[0], corner, font=font, scale=scale)
    assert (covered(image.shape, image) & strokes).sum() / strokes.sum() >= 0.95


@pytest.mark.parametrize("change", ["dark", "uint16", "float", "colour"])
def test_any_kind_of_pixels(change: str) -> None:
    image, strokes = write(soft_background(), LINES[0], 0, thickness=2)
    images = {
        "dark": 255 - image,
        "uint16": image.astype(np.uint16) * 16,
        "float": image.astype(np.float64) / 7 - 3,
        "colour": np.repeat(image[..., None], 3, axis=2),
    }
    assert (covered(image.shape, images[change]) & strokes).sum() / strokes.sum() >= 0.95


def test_soft_structures_are_no_text() -> None:
    image = soft_background()
    assert covered(image.shape, image).mean() == 0


def test_a_lone_letter_is_a_marker() -> None:
    image, strokes = write(soft_background(), "L", 1, scale=1.2, thickness=2)
    found = find_text_boxes(image)
    assert [item.kind for item in found] == ["marker"]
    assert (covered(image.shape, image, ("marker",)) & strokes).sum() == strokes.sum()


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((1, 1)),
        np.full((30, 30), np.nan),
        np.full((64, 64), 7),
        np.zeros((20, 3000)),
        np.random.default_rng(0).integers(0, 2, (600, 600)) * 255,
    ],
    ids=["pixel", "nan", "constant", "wide", "grain"],
)
def test_degenerate_images(pixels: np.ndarray) -> None:
    assert [item for item in find_text_boxes(pixels) if item.kind == "text"] == []


def test_wrong_dimensions() -> None:
    with pytest.raises(InvalidValueError, match="got 1 dimensions"):
        find_text_boxes(np.zeros(5))


def test_boxes_are_blanked_and_nothing_else() -> None:
    image = np.full((50, 60), 90, np.uint8)
    image[20:25, 20:30] = 255
    result = blank_boxes(image, [Box(18, 18, 14, 9)])
    assert (result == 90).all()
    assert image.max() == 255
    colour = np.repeat(image[..., None], 3, axis=2)
    assert (blank_boxes(colour, [Box(18, 18, 14, 9)]) == 90).all()
    outside = blank_boxes(image, [Box(55, 45, 50, 50)])
    np.testing.assert_array_equal(outside[:40], image[:40])


def test_pixels_without_text_stay_as_stored() -> None:
    dataset = make_dicom(soft_background())
    before = dataset.PixelData
    assert blank_dataset(dataset) == 0
    assert dataset.PixelData == before


def test_every_frame_is_cleaned() -> None:
    plain = soft_background()
    frames = np.stack([write(plain, LINES[0], 0)[0], plain, write(plain, LINES[1], 3)[0]])
    dataset = make_dicom(frames, NumberOfFrames=3)
    assert blank_dataset(dataset) >= 2
    for frame in dataset.pixel_array:
        assert covered(frame.shape, frame).sum() == 0


def test_markers_are_blanked_on_request() -> None:
    image, strokes = write(soft_background(), "R", 0, scale=1.2, thickness=2)
    kept, gone = make_dicom(image), make_dicom(image)
    assert blank_dataset(kept) == 0
    assert blank_dataset(gone, blanks_markers=True) == 1
    assert gone.pixel_array[strokes].max() < 255


def test_undecodable_pixels_are_an_error() -> None:
    dataset = make_dicom(soft_background())
    dataset.PixelData = b"\0\0"
    with pytest.raises(UnreadableImageError, match="cannot be decoded"):
        blank_dataset(dataset)


@pytest.mark.data
def test_text_on_real_radiographs(shared_data: Path) -> None:
    """Characters' area recalled over the development films, and area lost on plain ones."""
    paths = sorted((shared_data / "nih" / "images").rglob("*.jpg"))[::10]
    if not paths:
        pytest.skip("needs the radiographs of nih/images")
    generator = np.random.default_rng(0)
    found = total = 0
    lost, central = [], []
    for path in paths:
        film = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        blank = covered(film.shape, film)
        lost.append(blank.mean())
        rows, columns = film.shape
        central.append(blank[rows // 4 : -rows // 4, columns // 4 : -columns // 4].mean())
        for corner, line in enumerate(LINES):
            style = {"scale": generator.uniform(0.4, 1.3), "thickness": generator.integers(1, 3)}
            image, strokes = write(film, line, corner, font=FONTS[corner], **style)
            found += (covered(film.shape, image) & strokes).sum()
            total += strokes.sum()
    assert found / total >= 0.95
    # the films hold printed words of their own, so some loss is right
    assert np.mean(lost) <= 0.005
    assert np.mean(central) <= 0.002
