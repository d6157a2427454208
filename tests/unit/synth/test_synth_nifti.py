"""NIfTI volumes: values, scaling and affine as written; damage is told."""

import gzip
import struct

import numpy as np
import pytest

from hilum.errors import UnreadableImageError
from hilum.synth.ct.nifti import read_nifti

CODES = {"u1": 2, "i2": 4, "i4": 8, "f4": 16, "f8": 64, "i1": 256, "u2": 512, "u4": 768}
AFFINE = np.array([[-0.7, 0, 0, 166], [0, 0.7, 0, -187], [0, 0, 2.5, -340]], np.float32)


def nifti_bytes(values, *, slope=0.0, shift=0.0, affine=AFFINE, order="<", dims=None, code=None):
    """A NIfTI-1 file in memory, written by the header's field offsets."""
    head = bytearray(352)
    struct.pack_into(f"{order}i", head, 0, 348)
    dims = dims or (3, *values.shape, 1, 1, 1, 1)
    struct.pack_into(f"{order}8h", head, 40, *dims)
    struct.pack_into(f"{order}h", head, 70, code or CODES[values.dtype.str[1:]])
    struct.pack_into(f"{order}8f", head, 76, 1, 0.7, 0.8, 2.5, 0, 0, 0, 0)
    struct.pack_into(f"{order}3f", head, 108, 352, slope, shift)
    struct.pack_into(f"{order}2h", head, 252, 0, int(affine is not None))
    if affine is not None:
        struct.pack_into(f"{order}12f", head, 280, *affine.ravel())
    head[344:348] = b"n+1\0"
    return bytes(head) + values.astype(values.dtype.newbyteorder(order)).tobytes(order="F")


def numbers(kind="i2"):
    return np.arange(24).reshape(2, 3, 4).astype(kind)


@pytest.mark.parametrize("kind", CODES)
@pytest.mark.parametrize("order", ["<", ">"])
def test_values_and_affine_come_back(tmp_path, kind, order):
    path = tmp_path / "a.nii"
    path.write_bytes(nifti_bytes(numbers(kind), order=order))
    volume = read_nifti(path)
    assert (volume.values == numbers(kind)).all()
    assert volume.affine[:3] == pytest.approx(AFFINE)
    assert volume.affine[3].tolist() == [0, 0, 0, 1]


def test_scaled_and_compressed(tmp_path):
    path = tmp_path / "a.nii.gz"
    path.write_bytes(gzip.compress(nifti_bytes(numbers(), slope=2.0, shift=-1024.0)))
    volume = read_nifti(path)
    assert volume.values.dtype == np.float32
    assert (volume.values == 2.0 * numbers() - 1024.0).all()
    path.write_bytes(gzip.compress(nifti_bytes(numbers(), slope=1.0, shift=-1024.0)))
    assert (read_nifti(path).values == numbers() - 1024.0).all()


def test_without_sform_the_voxel_sizes_count(tmp_path):
    path = tmp_path / "a.nii"
    path.write_bytes(nifti_bytes(numbers(), affine=None))
    assert np.diag(read_nifti(path).affine) == pytest.approx([0.7, 0.8, 2.5, 1.0])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a volume" * 60,
        nifti_bytes(numbers())[:-1],
        gzip.compress(nifti_bytes(numbers()))[:-20],
        nifti_bytes(numbers(), dims=(4, 2, 3, 4, 5, 1, 1, 1)),
        nifti_bytes(numbers(), dims=(2, 2, 3, 1, 1, 1, 1, 1)),
        nifti_bytes(numbers(), dims=(3, 32000, 32000, 32000, 1, 1, 1, 1)),
        nifti_bytes(numbers(), code=128),
    ],
)
def test_damage_is_told(tmp_path, data):
    path = tmp_path / "a.nii"
    path.write_bytes(data)
    with pytest.raises(UnreadableImageError, match=r"a\.nii"):
        read_nifti(path)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(UnreadableImageError, match="cannot be read"):
        read_nifti(tmp_path / "none.nii")
