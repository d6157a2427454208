"""What a phantom study is asked to be, and what is known of it once it is made.

A ``PhantomSpec`` is plain numbers (sampling is separate from rendering); the same spec gives
the same pixels. Truth is in pixels of the rendered image: x to the right, y down, origin at
the corner of the top-left pixel, as everywhere in Hilum.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hilum.errors import require
from hilum.synth.thorax.build import Build
from hilum.synth.thorax.space import Array, Vector
from hilum.synth.thorax.trees import Tube
from hilum.synth.thorax.volume import Part
from hilum.types import Box, Mask, Point, Radiograph, View

__all__ = [
    "DevicePart",
    "DeviceSpec",
    "DeviceTruth",
    "FindingPart",
    "FindingSpec",
    "FindingTruth",
    "Imaging",
    "PhantomImage",
    "PhantomSpec",
    "Truth",
]

SEVERITIES = ("minimal", "mild", "moderate", "severe")


@dataclass(frozen=True, slots=True)
class FindingSpec:
    """A finding to insert: an ontology name, where, how much.

    ``extent`` in (0, 1] grades it from barely seen to the worst; ``severity`` is the word for
    it. ``place`` is an anatomy name of the ontology or empty where the finding decides
    (``lower_lobe`` for a consolidation, ``apex`` for a nodule). ``size_mm`` is the diameter of
    what has one. ``kind`` names a variant: ``loculated``, ``tension``, ``calcified``,
    ``spiculated`` and so on. ``seed`` decides what is irregular about it.
    """

    name: str
    side: str = ""
    place: str = ""
    extent: float = 0.5
    size_mm: float = 0.0
    kind: str = ""
    seed: int = 0

    def __post_init__(self) -> None:
        require(self.side in ("", "left", "right", "bilateral"), f"unknown side {self.side!r}")
        require(0.0 < self.extent <= 1.0, f"{self.name}: extent in (0, 1], got {self.extent}")

    @property
    def severity(self) -> str:
        """``minimal`` to ``severe``, by quarters of the extent."""
        return SEVERITIES[min(3, int(self.extent * 4 - 1e-9))]


@dataclass(frozen=True, slots=True)
class DeviceSpec:
    """A device to insert; ``is_correct`` False puts its tip where it does not belong."""

    name: str
    side: str = ""
    is_correct: bool = True
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Imaging:
    """How the film is taken: geometry, beam, detector and display.

    Angles in degrees, distances in millimetres, ``dose`` relative to a usual exposure (noise
    variance goes with its inverse), ``scatter`` the scattered share of the detected energy
    without lungs in the way, ``blur_mm`` the detector's spread, ``window`` the lower and upper
    percentile of the body that are shown black and white, ``gamma`` the display curve,
    ``equalise`` the share of the film's wide variation that its processing takes away.
    """

    view: View = View.PA
    is_supine: bool = False
    source_mm: float = 1800.0
    detector_mm: float = 180.0
    kvp: float = 120.0
    yaw: float = 0.0
    roll: float = 0.0
    centre_mm: tuple[float, float] = (0.0, 135.0)
    field_mm: tuple[float, float] = (420.0, 420.0)
    dose: float = 1.0
    scatter: float = 0.15
    heel: float = 0.08
    blur_mm: float = 0.35
    grid_lines: bool = False
    collimation: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    marker: str = "L"
    window: tuple[float, float] = (6.0, 99.0)
    gamma: float = 1.0
    equalise: float = 0.45
    seed: int = 0


@dataclass(frozen=True, slots=True)
class PhantomSpec:
    """One radiograph to make: who, what is wrong, what was put in, how it is taken."""

    build: Build
    findings: tuple[FindingSpec, ...] = ()
    devices: tuple[DeviceSpec, ...] = ()
    imaging: Imaging = field(default_factory=Imaging)


@dataclass(frozen=True, slots=True, eq=False)
class FindingPart:
    """A finding as it was inserted, in patient space.

    ``parts`` are its solids in windows of the grid (two where it is bilateral), ``tubes`` what
    is thinner than a voxel (septal lines, the ends of a broken rib). ``volume_ml`` is what the
    solids hold.
    """

    spec: FindingSpec
    parts: tuple[Part, ...]
    tubes: tuple[Tube, ...] = ()
    volume_ml: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class DevicePart:
    """A device as it was inserted; ``tip_mm`` is in patient space.

    ``tip_place`` is where the tip truly lies (``superior_vena_cava``), ``above_carina_mm`` the
    height of the tip above the carina (negative below), None where it means nothing.
    """

    spec: DeviceSpec
    tubes: tuple[Tube, ...]
    tip_mm: Vector
    tip_place: str
    above_carina_mm: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class FindingTruth:
    """An inserted finding as projected.

    ``mask`` and ``box`` are None where it lies outside the film. ``thickest_mm`` is the
    longest way of a ray through it, ``volume_ml`` what it fills.
    """

    spec: FindingSpec
    mask: Mask | None
    box: Box | None
    zones: tuple[str, ...] = ()
    volume_ml: float = 0.0
    thickest_mm: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class DeviceTruth:
    """An inserted device as projected.

    ``tip`` is in pixels, ``tip_place`` an anatomy name, ``above_carina_mm`` the true distance
    of the tip above the carina (negative below), None for devices it means nothing for.
    """

    spec: DeviceSpec
    mask: Mask
    tip: Point
    tip_place: str
    above_carina_mm: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """Everything known of a rendered phantom.

    ``masks`` are the projected structures by name (they overlap), ``landmarks`` points by the
    names that readings use, ``measurements`` by the names of readings, ``view`` the projection.
    """

    view: View
    masks: dict[str, Mask]
    landmarks: dict[str, Point]
    measurements: dict[str, float]
    findings: tuple[FindingTruth, ...] = ()
    devices: tuple[DeviceTruth, ...] = ()
    spacing_mm: tuple[float, float] = (0.82, 0.82)


@dataclass(frozen=True, slots=True, eq=False)
class PhantomImage:
    """A rendered phantom: the radiograph as a reading would get it, and its truth.

    ``thickness`` holds the line integrals (``water``, ``bone``, ``metal``; millimetres) that
    the image was made from, for whoever wants to image them otherwise.
    """

    spec: PhantomSpec
    radiograph: Radiograph
    truth: Truth
    thickness: dict[str, Array]
