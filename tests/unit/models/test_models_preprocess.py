import numpy as np
import pytest

from hilum.errors import InvalidValueError
from hilum.models.manifest import InputSpec
from hilum.models.preprocess import field_of_view, prepare, resize, stretch_contrast


def ramp(rows, columns):
    return np.linspace(0, 1, rows * columns, dtype=np.float32).reshape(rows, columns)


def test_an_image_of_the_right_size_passes_unchanged():
    image = ramp(8, 6)
    tensor = prepare(image, InputSpec(8, 6))
    assert tensor.shape == (1, 1, 8, 6)
    assert tensor.flags.c_contiguous
    np.testing.assert_array_equal(tensor[0, 0], image)


def test_shrinking_is_the_area_average():
    image = ramp(8, 8)
    blocks = image.reshape(4, 2, 4, 2).mean((1, 3))
    np.testing.assert_allclose(resize(image, 4, 4), blocks, atol=1e-6)


def test_each_axis_is_resized_for_itself():
    image = np.repeat(ramp(8, 1), 2, axis=1)
    out = resize(image, 4, 6)
    np.testing.assert_allclose(
        out, np.repeat(image[:, :1].reshape(4, 2, 1).mean(1), 6, 1), atol=1e-6
    )


def test_percentiles_are_stretched_and_clipped():
    image = ramp(10, 10) * 0.5 + 0.2
    low, high = np.percentile(image, (5, 95))
    expected = np.clip((image - low) / (high - low), 0, 1)
    out = prepare(image, InputSpec(10, 10, percentiles=(5, 95)))[0, 0]
    np.testing.assert_allclose(out, expected, atol=1e-5)
    assert (out.min(), out.max()) == (0.0, 1.0)


def test_percentiles_of_a_large_image_come_from_a_grid():
    image = np.random.default_rng(0).random((512, 400), dtype=np.float32)
    low, high = np.percentile(image[::2, ::2], (2, 98))  # ceil(sqrt(512 * 400 / 65536)) = 2
    expected = np.clip((image - low) / (high - low), 0, 1)
    np.testing.assert_allclose(stretch_contrast(image, 2, 98), expected, atol=1e-5)


def test_a_constant_image_becomes_zero_when_stretched():
    image = np.full((9, 9), 0.7, np.float32)
    assert not prepare(image, InputSpec(4, 4, percentiles=(1, 99))).any()


def test_letterbox_keeps_the_aspect_and_pads_both_sides():
    image = np.ones((10, 20), np.float32)
    tensor = prepare(image, InputSpec(8, 8, resize="letterbox", scale=(-1, 1)))[0, 0]
    assert (tensor[2:6] == 1).all()
    assert (tensor[:2] == -1).all()
    assert (tensor[6:] == -1).all()


def test_centre_crop_takes_the_middle_square():
    image = np.zeros((4, 10), np.float32)
    image[:, 3:7] = 1
    assert (prepare(image, InputSpec(4, 4, resize="centre_crop")) == 1).all()
    image[0] = image[-1] = 0
    half = InputSpec(2, 2, resize="centre_crop", crop_fraction=0.5)
    assert (prepare(image, half) == 1).all()


def test_range_mean_and_std_apply_in_this_order():
    image = np.full((2, 2), 0.5, np.float32)
    spec = InputSpec(2, 2, 3, scale=(0, 255), mean=(100, 110, 120), std=(2, 4, 5))
    expected = [(127.5 - 100) / 2, (127.5 - 110) / 4, (127.5 - 120) / 5]
    np.testing.assert_allclose(prepare(image, spec)[0, :, 0, 0], expected, rtol=1e-5)


def test_one_mean_serves_three_channels():
    tensor = prepare(ramp(3, 3), InputSpec(3, 3, 3, mean=(0.5,), std=(0.25,)))
    assert tensor.shape == (1, 3, 3, 3)
    np.testing.assert_array_equal(tensor[0, 0], tensor[0, 2])


@pytest.mark.parametrize("mode", ["stretch", "letterbox", "centre_crop"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (3, 7)])
def test_odd_shapes(mode, shape):
    spec = InputSpec(12, 9, resize=mode, percentiles=(1, 99))
    tensor = prepare(np.random.default_rng(0).random(shape, dtype=np.float32), spec)
    assert tensor.shape == (1, 1, 12, 9)
    assert np.isfinite(tensor).all()


def test_the_argument_is_not_changed():
    image = ramp(6, 6)
    kept = image.copy()
    prepare(image, InputSpec(6, 6, percentiles=(10, 90), scale=(0, 255)))
    np.testing.assert_array_equal(image, kept)


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4), np.float32),
        np.zeros(4, np.float32),
    ],
)
def test_pixels_of_another_kind_are_refused(pixels):
    with pytest.raises(InvalidValueError, match="expected float pixels"):
        prepare(pixels, InputSpec(4, 4))


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("size", [3, 50])
def test_values_that_are_not_finite_are_refused(value, size):
    image = ramp(20, 20)
    image[7, 11] = value
    with pytest.raises(InvalidValueError, match="NaN or infinite"):
        prepare(image, InputSpec(size, size))


def test_field_of_view_places_the_tensor_on_the_image():
    assert field_of_view((40, 20), InputSpec(8, 8)) == (0, 0, 20, 40)
    assert field_of_view((40, 20), InputSpec(8, 8, resize="centre_crop")) == (0, 10, 20, 20)
    assert field_of_view((40, 20), InputSpec(8, 8, resize="letterbox")) == (-10, 0, 40, 40)
