"""Properties of the gate's rules over arbitrary images and declarations."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hilum.quality.declared import check_declared
from hilum.quality.issues import issue_table
from hilum.quality.rules import check_exposure, check_image, neighbour_correlation
from hilum.types import Orientation, Radiograph

IMAGES = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=2, max_dims=2, max_side=80),
    elements=st.floats(0, 1, width=32),
    fill=st.floats(0, 1, width=32),
)


def radiograph(pixels: np.ndarray, **fields: object) -> Radiograph:
    return Radiograph(pixels=pixels, source="a", orientation=Orientation(*pixels.shape), **fields)


@given(IMAGES, st.floats(0, 1), st.integers(1, 500))
@settings(deadline=None)
def test_rules_answer_for_every_image_with_known_codes(pixels, chroma, frames):
    image = radiograph(pixels, chroma=chroma, frames=frames)
    table = issue_table()
    assert all(table[item.code][0] == "refusal" for item in check_image(image))
    assert all(table[item.code][0] == "warning" for item in check_exposure(image))


@given(IMAGES, st.integers(0, 3), st.booleans())
@settings(deadline=None)
def test_format_and_content_rules_do_not_depend_on_orientation(pixels, turns, is_mirrored):
    turned = np.rot90(pixels[:, ::-1] if is_mirrored else pixels, turns).copy()
    sizes = {"too_small", "extreme_shape"}
    before = {i.code for i in check_image(radiograph(pixels))} & sizes
    assert {i.code for i in check_image(radiograph(turned))} & sizes == before


@given(st.floats(0, 1, width=32), st.integers(64, 200), st.integers(64, 200))
@settings(deadline=None)
def test_constant_images_are_always_blank(value, rows, columns):
    image = radiograph(np.full((rows, columns), value, np.float32))
    assert "blank" in {i.code for i in check_image(image)} or max(rows, columns) > 3 * min(
        rows, columns
    )


@given(hnp.arrays(np.float32, (12, 9), elements=st.floats(0, 1, width=32)))
@settings(deadline=None)
def test_correlation_is_bounded_and_blind_to_polarity(pixels):
    found = neighbour_correlation(pixels)
    assert -1.3 <= found <= 1.3
    np.testing.assert_allclose(neighbour_correlation(1 - pixels), found, atol=0.05)


@given(st.text(max_size=40), st.text(max_size=30))
@settings(deadline=None)
def test_any_declaration_is_answered(modality, body_part):
    image = radiograph(np.zeros((2, 2), np.float32), modality=modality, body_part=body_part)
    assert len(check_declared(image)) <= 1
