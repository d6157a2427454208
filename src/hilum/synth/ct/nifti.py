"""Read a volume from a NIfTI-1 file, as much of the format as a CT and its masks need.

One file (``.nii``, ``.nii.gz``), three dimensions, plain number types, an affine by the header's
sform (or its voxel sizes where there is none); see nifti1.h of the NIfTI-1 standard.
"""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hilum.errors import UnreadableImageError

__all__ = ["Nifti", "read_nifti"]

HEADER = 348
TYPES = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4"}
MOST_VOXELS = 2**29


@dataclass(frozen=True, slots=True, eq=False)
class Nifti:
    """Values ``(i, j, k)`` and the affine ``(4, 4)`` from indices to millimetres.

    Millimetres run to the patient's right, front and head.
    """

    values: npt.NDArray[Any]
    affine: npt.NDArray[np.float64]


def read_nifti(path: Path) -> Nifti:
    """Read a volume; scaled ones become float32, others keep their type.

    Raises:
        UnreadableImageError: It is not a NIfTI-1 file of this kind, or it is cut short.
    """
    try:
        data = path.read_bytes()
        raw = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableImageError(f"{path.name} cannot be read: {error}") from error
    if len(raw) < HEADER or raw[344:348] not in (b"n+1\0", b"n+1"):
        raise UnreadableImageError(f"{path.name} is not a NIfTI-1 file (magic n+1 is missing)")
    order = "<" if int.from_bytes(raw[:4], "little") == HEADER else ">"

    def field(kind: str, offset: int, count: int) -> npt.NDArray[Any]:
        return np.frombuffer(raw, f"{order}{kind}", count, offset)

    dims = field("i2", 40, 8)
    shape = tuple(int(n) for n in dims[1:4])
    code = int(field("i2", 70, 1)[0])
    is_volume = dims[0] >= 3 and min(shape) > 0 and all(n <= 1 for n in dims[4 : 1 + dims[0]])
    if not is_volume or code not in TYPES or np.prod(shape, dtype=np.int64) > MOST_VOXELS:
        raise UnreadableImageError(
            f"{path.name}: a volume of three dimensions and a plain type is needed, got "
            f"{dims[1 : 1 + max(0, min(7, int(dims[0])))].tolist()} of type {code}"
        )
    offset, slope, shift = (float(v) for v in field("f4", 108, 3))
    count = int(np.prod(shape))
    kind = np.dtype(f"{order}{TYPES[code]}")
    if not HEADER <= offset <= len(raw) - count * kind.itemsize:
        raise UnreadableImageError(f"{path.name} is cut short: its {count} voxels are not there")
    values = np.frombuffer(raw, kind, count, int(offset)).reshape(shape, order="F")
    if slope not in (0.0, 1.0) or (slope and shift):
        values = (values * np.float32(slope) + np.float32(shift)).astype(np.float32)
    affine = np.diag([*field("f4", 80, 3).astype(float), 1.0])
    if int(field("i2", 254, 1)[0]) > 0:
        affine[:3] = field("f4", 280, 12).reshape(3, 4)
    return Nifti(values, affine)
