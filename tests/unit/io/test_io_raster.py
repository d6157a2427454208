"""Raster files: depths, colour, alpha, EXIF rotation, and damage."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from hilum.errors import ResourceLimitError, UnreadableImageError
from hilum.io.raster import decode_raster, make_orientation
from hilum.types import Radiograph
from image_factory import ramp

GREY = ramp(top=255)


def save(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def decode(data: bytes) -> Radiograph:
    return decode_raster(io.BytesIO(data), "a.png")


def codes(radiograph: Radiograph) -> set[str]:
    return {note.code for note in radiograph.notes}


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "WEBP"])
def test_grey_8_bit_is_taken_as_it_is(kind):
    options = {"lossless": True} if kind == "WEBP" else {}
    radiograph = decode(save(Image.fromarray(GREY), kind, **options))
    np.testing.assert_allclose(radiograph.pixels, GREY / 255, atol=1e-6)
    assert radiograph.chroma == 0
    assert radiograph.spacing is None


def test_jpeg_is_close():
    radiograph = decode(save(Image.fromarray(GREY), "JPEG", quality=95, dpi=(300, 300)))
    np.testing.assert_allclose(radiograph.pixels, GREY / 255, atol=0.03)
    assert radiograph.spacing is None


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_grey_16_bit_takes_the_smallest_usual_depth(kind, bits):
    array = ramp(top=(1 << bits) - 1).astype(np.uint16)
    radiograph = decode(save(Image.fromarray(array), kind))
    np.testing.assert_allclose(radiograph.pixels, array / ((1 << bits) - 1), atol=1e-6)
    assert ("bit_depth_assumed" in codes(radiograph)) == (bits < 16)


def test_colour_has_luma_and_chroma():
    array = np.zeros((4, 4, 3), np.uint8)
    array[:2] = (0, 255, 0)
    radiograph = decode(save(Image.fromarray(array), "PNG"))
    assert radiograph.chroma == 0.5
    assert radiograph.pixels[0, 0] == pytest.approx(0.587)


@pytest.mark.parametrize("mode", ["RGB", "P", "CMYK", "RGBA", "LA"])
def test_grey_in_a_colour_file_is_the_same_grey(mode):
    kind = "TIFF" if mode == "CMYK" else "PNG"
    radiograph = decode(save(Image.fromarray(GREY).convert(mode), kind))
    np.testing.assert_allclose(radiograph.pixels, GREY / 255, atol=0.01)
    assert radiograph.chroma == 0


def test_deep_colour_and_deep_grey_with_alpha_keep_their_depth():
    array = ramp(top=65535).astype(np.uint16)
    colour = cv2.imencode(".png", np.repeat(array[..., None], 3, axis=2))[1].tobytes()
    np.testing.assert_allclose(decode(colour).pixels, array / 65535, atol=1e-6)
    alpha = np.full((*array.shape, 4), 65535, np.uint16)
    alpha[..., :3] = array[..., None]
    alpha[0, ..., 3] = 0
    radiograph = decode(cv2.imencode(".png", alpha)[1].tobytes())
    assert radiograph.pixels[0].max() == 0
    np.testing.assert_allclose(radiograph.pixels[1:], array[1:] / 65535, atol=1e-6)


def test_alpha_is_composited_on_black():
    array = np.full((2, 2, 2), 255, np.uint8)
    array[0, 0, 1], array[0, 1, 1] = 0, 51
    radiograph = decode(save(Image.fromarray(array, "LA"), "PNG"))
    np.testing.assert_allclose(radiograph.pixels, [[0, 0.2], [1, 1]], atol=1e-6)


@pytest.mark.parametrize("exif", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_exif_turns_pixels_upright_and_keeps_source_coordinates(exif, kind):
    stored = np.zeros((32, 48), np.uint8)
    stored[4:8, 40:44] = 255
    tags = Image.Exif()
    tags[0x0112] = exif
    options = {"lossless": True} if kind == "WEBP" else {}
    data = save(Image.fromarray(stored), kind, exif=tags, **options)
    radiograph = decode(data)
    assert (radiograph.rows, radiograph.columns) == stored.shape
    np.testing.assert_allclose(
        radiograph.orientation.undo(radiograph.pixels), stored / 255, atol=0.1
    )
    with Image.open(io.BytesIO(data)) as image:
        upright = np.asarray(ImageOps.exif_transpose(image).convert("L")) / 255
    np.testing.assert_allclose(radiograph.pixels, upright, atol=0.1)


def test_unknown_exif_orientation_means_upright():
    assert make_orientation(2, 3, 77).shape == (2, 3)


def test_several_pages_read_the_first_and_say_so():
    other = Image.fromarray(GREY * 0)
    data = save(Image.fromarray(GREY), "TIFF", save_all=True, append_images=[other])
    radiograph = decode(data)
    assert radiograph.frames == 2
    assert "several_frames" in codes(radiograph)
    np.testing.assert_allclose(radiograph.pixels, GREY / 255, atol=1e-6)


def test_float_image_is_stretched_and_nan_becomes_air():
    array = np.array([[np.nan, 10.0], [20.0, np.inf]], np.float32)
    radiograph = decode(save(Image.fromarray(array), "TIFF"))
    np.testing.assert_allclose(radiograph.pixels, [[0, 0], [1, 0]])
    assert "not_finite" in codes(radiograph)


def test_float_image_of_nan_only_is_refused():
    data = save(Image.fromarray(np.full((3, 3), np.nan, np.float32)), "TIFF")
    with pytest.raises(UnreadableImageError, match="no finite pixel"):
        decode(data)


def test_tiff_whose_zero_is_white_is_inverted():
    array = ramp(top=65535).astype(np.uint16)
    plain = Image.fromarray(array)
    data = bytearray(save(plain, "TIFF"))
    tag = struct.pack("<HHL", 262, 3, 1)
    at = data.index(tag) + len(tag)
    data[at : at + 2] = b"\0\0"
    np.testing.assert_allclose(decode(bytes(data)).pixels, 1 - array / 65535, atol=1e-6)


@pytest.mark.parametrize("value", [0, 255])
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (64, 64)])
def test_constant_and_tiny_images_are_valid(value, size):
    radiograph = decode(save(Image.fromarray(np.full(size, value, np.uint8)), "PNG"))
    assert np.all(radiograph.pixels == value / 255)


def make_png_header(width: int, height: int) -> bytes:
    body = b"IHDR" + struct.pack(">LLBBBBB", width, height, 8, 0, 0, 0, 0)
    chunk = struct.pack(">L", 13) + body + struct.pack(">L", zlib.crc32(body))
    data = b"IDAT" + zlib.compress(b"\0" * 100)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk
        + struct.pack(">L", len(data) - 4)
        + data
        + struct.pack(">L", zlib.crc32(data))
    )


@pytest.mark.parametrize("side", [9_000, 20_000])
def test_huge_image_is_refused_before_decoding(side):
    with pytest.raises(ResourceLimitError, match="pixels"):
        decode(make_png_header(side, side))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP", "WEBP"])
@pytest.mark.parametrize("share", [0.2, 0.7])
def test_truncated_image_is_refused(kind, share):
    rng = np.random.default_rng(3)
    data = save(Image.fromarray(rng.integers(0, 255, (64, 64), np.uint8)), kind)
    with pytest.raises(UnreadableImageError, match="damaged"):
        decode(data[: int(len(data) * share)])
