"""Run lengths: against the COCO API itself, and back to the same mask."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pycocotools import mask as coco

from hilum.errors import InvalidValueError
from hilum.synth.files.rle import compress_counts, counts_of, decode_rle, encode_rle, expand_counts

# pycocotools 2.0.11 returns arrays in a way that NumPy 2 deprecates
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

MASKS = arrays.arrays(
    np.bool_, arrays.array_shapes(min_dims=2, max_dims=2, max_side=40), elements=st.booleans()
)


@given(MASKS)
def test_a_mask_comes_back_and_the_coco_api_agrees(mask):
    rle = encode_rle(mask)
    assert (decode_rle(rle) == mask).all()
    theirs = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
    assert rle["counts"] == theirs["counts"].decode()
    assert rle["size"] == theirs["size"]
    assert (coco.decode(rle) == mask).all()


@given(st.lists(st.integers(0, 2**20), min_size=1, max_size=40))
def test_any_counts_survive_the_string(counts):
    assert expand_counts(compress_counts(counts)) == counts


def test_plain_counts_are_read_and_agree_with_the_coco_api():
    rng = np.random.default_rng(3)
    mask = rng.random((31, 17)) > 0.7
    plain = {"size": [31, 17], "counts": counts_of(mask)}
    assert (decode_rle(plain) == mask).all()
    assert (coco.decode(coco.frPyObjects(plain, 31, 17)) == mask).all()


@pytest.mark.parametrize("value", [False, True])
def test_uniform_masks(value):
    mask = np.full((300, 200), value)
    assert counts_of(mask) == ([0, 60000] if value else [60000])
    assert (decode_rle(encode_rle(mask)) == mask).all()


@pytest.mark.parametrize(
    "rle",
    [
        {"size": [2, 2], "counts": "1"},
        {"size": [2, 2], "counts": "P"},
        {"size": [2, 2], "counts": "é"},
        {"size": [2, 2], "counts": [5, -1]},
        {"size": [2], "counts": [2]},
        {"counts": [4]},
        {"size": [2, 2]},
    ],
)
def test_damage_is_told(rle):
    with pytest.raises(InvalidValueError):
        decode_rle(rle)
