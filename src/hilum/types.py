"""The data that flows along the main path: Study in, Reading out.

Every type is a frozen dataclass that is valid once constructed. Pixels are float32
``(rows, columns)`` in [0, 1] with air dark and bone bright. All coordinates in these
types are *source pixels*: x to the right and y down, in the stored pixel matrix of the
file that the radiograph came from, origin at the top-left corner of its top-left pixel.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from hilum.errors import InvalidValueError

__all__ = [
    "DISCLAIMER",
    "Anatomy",
    "Box",
    "Change",
    "ChangeKind",
    "Context",
    "Evidence",
    "Finding",
    "FloatImage",
    "Issue",
    "Mask",
    "Measurement",
    "Orientation",
    "Point",
    "Quality",
    "Radiograph",
    "RadiographReading",
    "Reading",
    "Region",
    "Report",
    "Spacing",
    "SpacingOrigin",
    "Statement",
    "Status",
    "Structure",
    "Study",
    "Unreadable",
    "View",
]

DISCLAIMER = "For research and teaching only. Not a medical device, not for diagnosis."

FloatImage = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Point = tuple[float, float]


class View(StrEnum):
    """Projection of a chest radiograph; ``FRONTAL`` is AP or PA without knowing which."""

    PA = "PA"
    AP = "AP"
    FRONTAL = "FRONTAL"
    LATERAL = "LATERAL"
    UNKNOWN = "UNKNOWN"

    @property
    def is_frontal(self) -> bool:
        """Whether the beam ran front to back or back to front."""
        return self in (View.PA, View.AP, View.FRONTAL)


class Status(StrEnum):
    """Four-valued status of a finding; unknown never becomes negative."""

    PRESENT = "present"
    ABSENT = "absent"
    UNCERTAIN = "uncertain"
    NOT_ASSESSED = "not_assessed"


class ChangeKind(StrEnum):
    """What became of a finding between the prior and the current study."""

    NEW = "new"
    LARGER = "larger"
    SMALLER = "smaller"
    GONE = "gone"
    UNCHANGED = "unchanged"


class SpacingOrigin(StrEnum):
    """The plane that ``Spacing`` refers to."""

    CALIBRATED = "calibrated"
    """PixelSpacing: calibrated or at the patient's plane, as the file declares."""
    PATIENT = "patient"
    """ImagerPixelSpacing divided by the estimated magnification."""
    DETECTOR = "detector"
    """ImagerPixelSpacing as it is: lengths are magnified by an unknown factor."""


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise InvalidValueError(message)


def _require_probability(name: str, value: float | None) -> None:
    _require(value is None or 0.0 <= value <= 1.0, f"{name} must be in [0, 1], got {value}")


@dataclass(frozen=True, slots=True)
class Spacing:
    """Distance of neighbouring pixel centres: ``row_mm`` down, ``column_mm`` across."""

    row_mm: float
    column_mm: float
    origin: SpacingOrigin

    def __post_init__(self) -> None:
        for value in (self.row_mm, self.column_mm):
            _require(0.0 < value < 10.0, f"pixel spacing must be in (0, 10) mm, got {value}")


@dataclass(frozen=True, slots=True)
class Orientation:
    """How upright pixels came from the stored pixel matrix of the file.

    The stored matrix (``source_rows`` by ``source_columns``) was first mirrored left to
    right when ``is_mirrored``, then turned counter-clockwise by ``quarter_turns`` times 90
    degrees (the convention of ``numpy.rot90``).

    >>> upright = Orientation(source_rows=2, source_columns=4, quarter_turns=1)
    >>> upright.shape
    (4, 2)
    >>> upright.point_to_source(0.0, 0.0)
    (4.0, 0.0)
    """

    source_rows: int
    source_columns: int
    quarter_turns: int = 0
    is_mirrored: bool = False

    def __post_init__(self) -> None:
        _require(
            self.source_rows > 0 and self.source_columns > 0,
            f"an image has rows and columns, got {self.source_rows} x {self.source_columns}",
        )
        _require(self.quarter_turns in (0, 1, 2, 3), "quarter_turns must be 0, 1, 2 or 3")

    @property
    def shape(self) -> tuple[int, int]:
        """``(rows, columns)`` of the upright pixels."""
        if self.quarter_turns % 2:
            return self.source_columns, self.source_rows
        return self.source_rows, self.source_columns

    def turned(self, quarter_turns: int) -> Orientation:
        """The orientation after ``quarter_turns`` more counter-clockwise turns."""
        turns = (self.quarter_turns + quarter_turns) % 4
        return Orientation(self.source_rows, self.source_columns, turns, self.is_mirrored)

    def point_to_source(self, x: float, y: float) -> Point:
        """Map a point ``(x, y)`` of the upright pixels to source pixels."""
        rows, columns = self.shape
        for _ in range(self.quarter_turns):
            x, y = rows - y, x
            rows, columns = columns, rows
        return (self.source_columns - x, y) if self.is_mirrored else (x, y)

    def point_from_source(self, x: float, y: float) -> Point:
        """Map a point ``(x, y)`` of source pixels to the upright pixels."""
        columns, rows = self.source_columns, self.source_rows
        if self.is_mirrored:
            x = columns - x
        for _ in range(self.quarter_turns):
            x, y = y, columns - x
            rows, columns = columns, rows
        return x, y

    def box_to_source(self, box: Box) -> Box:
        """Map a box of the upright pixels to source pixels."""
        x0, y0 = self.point_to_source(box.x, box.y)
        x1, y1 = self.point_to_source(box.x + box.width, box.y + box.height)
        return Box(min(x0, x1), min(y0, y1), abs(x1 - x0), abs(y1 - y0))

    def apply(self, source: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Turn an array ``(source_rows, source_columns, ...)`` upright (a view)."""
        return np.rot90(source[:, ::-1] if self.is_mirrored else source, self.quarter_turns)

    def undo(self, upright: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Bring an upright array back to the layout of the source (a view)."""
        source = np.rot90(upright, -self.quarter_turns)
        return source[:, ::-1] if self.is_mirrored else source


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-aligned box in pixels; ``x``, ``y`` is its top-left corner."""

    x: float
    y: float
    width: float
    height: float

    def __post_init__(self) -> None:
        values = (self.x, self.y, self.width, self.height)
        _require(all(np.isfinite(values)), f"a box must be finite, got {values}")
        _require(self.width > 0 and self.height > 0, f"a box must have an extent, got {values}")

    @property
    def area(self) -> float:
        """Area in square pixels."""
        return self.width * self.height

    @property
    def centre(self) -> Point:
        """Centre ``(x, y)`` in pixels."""
        return self.x + self.width / 2, self.y + self.height / 2


@dataclass(frozen=True, slots=True)
class Issue:
    """Something that the reader must know: a refusal, a correction or a warning.

    ``code`` is machine-readable (snake case), ``message`` is a sentence without patient data.
    """

    code: str
    message: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that was given but could not be used, and why: nothing is lost silently."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Radiograph:
    """One image, decoded and ready to read.

    ``pixels`` is float32 ``(rows, columns)`` in [0, 1], air dark and bone bright, stored
    read-only. ``orientation`` maps it back to the stored matrix of the file. ``spacing`` is
    in the source's rows and columns, None when the file states none. ``chroma`` is the
    share of pixels with visible colour (0 for a grey file). ``modality``, ``body_part`` and
    ``frames`` are what a DICOM file declares.
    """

    pixels: FloatImage
    source: str
    orientation: Orientation
    view: View = View.UNKNOWN
    view_origin: str = "none"
    spacing: Spacing | None = None
    study_uid: str = ""
    sop_instance_uid: str = ""
    patient_key: str = ""
    acquired: dt.datetime | None = None
    modality: str = ""
    body_part: str = ""
    frames: int = 1
    chroma: float = 0.0
    is_inverted: bool = False
    notes: tuple[Issue, ...] = ()

    def __post_init__(self) -> None:
        pixels = self.pixels
        _require(pixels.ndim == 2, f"pixels must be (rows, columns), got shape {pixels.shape}")
        _require(pixels.dtype == np.float32, f"pixels must be float32, got {pixels.dtype}")
        _require(
            pixels.shape == self.orientation.shape,
            f"pixels {pixels.shape} do not fit the orientation {self.orientation.shape}",
        )
        low, high = float(pixels.min()), float(pixels.max())
        _require(low >= 0.0 and high <= 1.0, f"pixels must be in [0, 1], got {low} to {high}")
        _require_probability("chroma", self.chroma)
        pixels.setflags(write=False)

    @property
    def rows(self) -> int:
        """Rows of the source image."""
        return self.orientation.source_rows

    @property
    def columns(self) -> int:
        """Columns of the source image."""
        return self.orientation.source_columns


@dataclass(frozen=True, slots=True)
class Context:
    """What the requester says: free text, and age in years and sex (M, F or O) if known."""

    indication: str = ""
    history: str = ""
    age_years: float | None = None
    sex: str = ""

    def __post_init__(self) -> None:
        age = self.age_years
        _require(age is None or 0 <= age <= 130, f"age must be 0 to 130 years, got {age}")
        _require(self.sex in ("", "M", "F", "O"), "sex must be M, F, O or empty")


@dataclass(frozen=True, slots=True)
class Study:
    """One examination: its radiographs, the context, and earlier studies, newest first."""

    radiographs: tuple[Radiograph, ...]
    uid: str = ""
    date: dt.datetime | None = None
    context: Context = field(default_factory=Context)
    priors: tuple[Study, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()

    def __post_init__(self) -> None:
        _require(
            bool(self.radiographs or self.unreadable), "a study needs at least one radiograph"
        )


@dataclass(frozen=True, slots=True)
class Quality:
    """The gate's verdict on one radiograph.

    ``reasons`` say why it was refused (empty when accepted), ``warnings`` what to keep in
    mind. ``scores`` holds what the verdict rests on, e.g. ``prob_chest``, ``prob_ap``,
    ``prob_child``, each in [0, 1].
    """

    accepted: bool
    reasons: tuple[Issue, ...] = ()
    warnings: tuple[Issue, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _require(
            self.accepted != bool(self.reasons), "a refusal has reasons, an acceptance has none"
        )


@dataclass(frozen=True, slots=True, eq=False)
class Structure:
    """A segmented structure: bool mask ``(rows, columns)`` in source pixels.

    ``quality`` in [0, 1] is the mask's self-assessed quality (an estimate of its Dice);
    ``problem`` says why an implausible mask is not measured, None when it is plausible.
    """

    name: str
    mask: Mask
    quality: float
    problem: str | None = None

    def __post_init__(self) -> None:
        _require(self.mask.dtype == np.bool_ and self.mask.ndim == 2, "a mask is bool, 2-D")
        _require_probability("quality", self.quality)


@dataclass(frozen=True, slots=True)
class Measurement:
    """A measured quantity with one standard deviation of uncertainty, in ``unit``.

    ``value`` None means that it could not be measured; ``problem`` then says why.
    """

    name: str
    value: float | None
    unit: str
    uncertainty: float | None = None
    problem: str | None = None
    id: str = ""

    def __post_init__(self) -> None:
        _require(
            (self.value is None) == (self.problem is not None),
            f"{self.name}: a measurement has a value, or a problem that says why not",
        )
        _require(
            self.uncertainty is None or self.uncertainty >= 0.0, "uncertainty is not negative"
        )


@dataclass(frozen=True, slots=True)
class Anatomy:
    """Structures by name, landmarks (source pixels) by name, zones and measurements.

    ``zones`` maps the six lung zones (``right_upper_zone`` to ``left_lower_zone``) to bool
    masks ``(rows, columns)`` in source pixels. ``warnings`` are about the anatomy seen.
    """

    structures: Mapping[str, Structure] = field(default_factory=dict)
    landmarks: Mapping[str, Point] = field(default_factory=dict)
    zones: Mapping[str, Mask] = field(default_factory=dict)
    measurements: tuple[Measurement, ...] = ()
    warnings: tuple[Issue, ...] = ()

    def measurement(self, name: str) -> Measurement | None:
        """The measurement of that name, or None."""
        return next((m for m in self.measurements if m.name == name), None)


@dataclass(frozen=True, slots=True)
class Region:
    """Where a finding is seen: a box in source pixels and its score in [0, 1]."""

    box: Box
    score: float

    def __post_init__(self) -> None:
        _require_probability("score", self.score)


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """One finding of one radiograph.

    ``name`` is the ontology's snake-case name. ``probability`` is calibrated, ``interval``
    its 95 % interval and ``operating_point`` the probability at or above which the status
    is ``present``; all are None when the finding was not assessed, and ``problem`` says
    why. ``heatmap`` is float32 ``(rows, columns)`` of any resolution over the whole source
    image, in [0, 1], or None.
    """

    name: str
    status: Status
    probability: float | None = None
    interval: tuple[float, float] | None = None
    operating_point: float | None = None
    regions: tuple[Region, ...] = ()
    zones: tuple[str, ...] = ()
    heatmap: FloatImage | None = None
    problem: str | None = None
    id: str = ""

    def __post_init__(self) -> None:
        is_assessed = self.status is not Status.NOT_ASSESSED
        _require(
            is_assessed == (self.probability is not None),
            f"{self.name}: an assessed finding, and no other, has a probability",
        )
        _require(
            is_assessed or self.problem is not None, f"{self.name}: say why it was not assessed"
        )
        _require_probability("probability", self.probability)
        if self.interval is not None:
            low, high = self.interval
            _require(0.0 <= low <= high <= 1.0, f"{self.name}: bad interval {self.interval}")


@dataclass(frozen=True, slots=True)
class Change:
    """What became of a finding since the prior study ``prior_date``.

    ``evidence`` holds the ids of the current and the prior finding or measurement.
    """

    finding: str
    kind: ChangeKind
    evidence: tuple[str, ...]
    prior_date: dt.datetime | None = None
    id: str = ""


Evidence = Finding | Measurement | Change | Issue


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence of the report, bound to what it rests on; without evidence it cannot exist."""

    text: str
    evidence: tuple[Evidence, ...]

    def __post_init__(self) -> None:
        _require(bool(self.text.strip()), "a statement has a text")
        _require(bool(self.evidence), f"no evidence behind the statement {self.text!r}")
        _require(
            all(item.id for item in self.evidence), "evidence must carry an id to be pointed at"
        )


@dataclass(frozen=True, slots=True)
class Report:
    """A draft report: ``findings`` and ``impression`` are evidence-bound statements."""

    findings: tuple[Statement, ...] = ()
    impression: tuple[Statement, ...] = ()
    indication: str = ""
    technique: str = ""
    comparison: str = ""


@dataclass(frozen=True, slots=True)
class RadiographReading:
    """What was seen on one radiograph; a refused one has only ``quality``."""

    radiograph: Radiograph
    quality: Quality
    anatomy: Anatomy = field(default_factory=Anatomy)
    findings: tuple[Finding, ...] = ()

    def finding(self, name: str) -> Finding | None:
        """The finding of that name, or None."""
        return next((f for f in self.findings if f.name == name), None)


@dataclass(frozen=True, slots=True)
class Reading:
    """The result of reading a study.

    ``models`` maps each model used to the SHA-256 of its weights, ``settings`` is the
    resolved configuration of the run.
    """

    study: Study
    radiographs: tuple[RadiographReading, ...]
    report: Report
    changes: tuple[Change, ...] = ()
    models: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = self.evidence()
        for statement in (*self.report.findings, *self.report.impression):
            for item in statement.evidence:
                _require(
                    known.get(item.id) is item,
                    f"the statement {statement.text!r} points at {item.id!r}, "
                    "which is not part of this reading",
                )

    @property
    def is_readable(self) -> bool:
        """Whether at least one radiograph passed the gate."""
        return any(r.quality.accepted for r in self.radiographs)

    def evidence(self) -> dict[str, Evidence]:
        """Everything a statement may point at, by id."""
        items: list[Evidence] = list(self.changes)
        for image in self.radiographs:
            items += [*image.quality.reasons, *image.quality.warnings, *image.anatomy.warnings]
            items += [*image.anatomy.measurements, *image.findings]
        return {item.id: item for item in items if item.id}
