import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.models.manifest import InputSpec
from hilum.models.preprocess import field_of_view, prepare

sides = st.integers(1, 40)
specs = st.builds(
    InputSpec,
    rows=sides,
    columns=sides,
    channels=st.sampled_from([1, 3]),
    resize=st.sampled_from(["stretch", "letterbox", "centre_crop"]),
    percentiles=st.sampled_from([None, (0.0, 100.0), (1.0, 99.0)]),
    scale=st.sampled_from([(0.0, 1.0), (-1024.0, 1024.0), (0.0, 255.0)]),
    crop_fraction=st.floats(0.1, 1.0),
)
seeds = st.integers(0, 2**32 - 1)


@settings(max_examples=60, deadline=None)
@given(sides, sides, seeds, specs)
def test_a_tensor_has_its_shape_and_range(rows, columns, seed, spec):
    image = np.random.default_rng(seed).random((rows, columns), dtype=np.float32)
    tensor = prepare(image, spec)
    assert tensor.shape == (1, spec.channels, spec.rows, spec.columns)
    assert tensor.dtype == np.float32
    low, high = spec.scale
    slack = 1e-4 * (high - low)
    assert low - slack <= tensor.min()
    assert tensor.max() <= high + slack


@settings(max_examples=60, deadline=None)
@given(sides, sides, seeds, specs)
def test_mirroring_the_image_mirrors_the_tensor(rows, columns, seed, spec):
    """Up to one source pixel, by which an odd margin is asymmetric."""
    image = np.random.default_rng(seed).random((2 * rows, 2 * columns), dtype=np.float32)
    x, _, width, _ = field_of_view(image.shape, spec)
    if x + width / 2 != columns:
        return
    plain, mirrored = prepare(image, spec), prepare(image[:, ::-1], spec)
    np.testing.assert_allclose(
        mirrored, plain[..., ::-1], atol=2e-4 * (spec.scale[1] - spec.scale[0])
    )


@settings(max_examples=60, deadline=None)
@given(sides, sides, specs)
def test_the_field_of_view_is_centred(rows, columns, spec):
    x, y, width, height = field_of_view((rows, columns), spec)
    assert width > 0
    assert height > 0
    tolerance_x = 1 + width / spec.columns
    tolerance_y = 1 + height / spec.rows
    assert abs(x + width / 2 - columns / 2) <= tolerance_x
    assert abs(y + height / 2 - rows / 2) <= tolerance_y
