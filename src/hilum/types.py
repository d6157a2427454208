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

from hilum.errors import require
from hilum.geometry import Box, Orientation, Point, Spacing, SpacingOrigin

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
    "Origin",
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
    "Tip",
    "Unreadable",
    "View",
]

DISCLAIMER = "For research and teaching only. Not a medical device, not for diagnosis."

FloatImage = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


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


def _require_probability(name: str, value: float | None) -> None:
    require(value is None or 0.0 <= value <= 1.0, f"{name} must be in [0, 1], got {value}")


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
        require(pixels.ndim == 2, f"pixels must be (rows, columns), got shape {pixels.shape}")
        require(pixels.dtype == np.float32, f"pixels must be float32, got {pixels.dtype}")
        require(
            pixels.shape == self.orientation.shape,
            f"pixels {pixels.shape} do not fit the orientation {self.orientation.shape}",
        )
        low, high = float(pixels.min()), float(pixels.max())
        require(low >= 0.0 and high <= 1.0, f"pixels must be in [0, 1], got {low} to {high}")
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
        require(age is None or 0 <= age <= 130, f"age must be 0 to 130 years, got {age}")
        require(self.sex in ("", "M", "F", "O"), "sex must be M, F, O or empty")


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
        require(bool(self.radiographs or self.unreadable), "a study needs at least one radiograph")


@dataclass(frozen=True, slots=True)
class Quality:
    """The gate's verdict on one radiograph.

    ``reasons`` say why it was refused (empty when accepted), ``warnings`` what to keep in
    mind. ``scores`` holds what the verdict rests on: probabilities (``prob_chest``, ``prob_ap``,
    ``prob_child`` ...) in [0, 1] and ``novelty``, a distance of which 1 is typical.
    """

    accepted: bool
    reasons: tuple[Issue, ...] = ()
    warnings: tuple[Issue, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require(
            self.accepted != bool(self.reasons), "a refusal has reasons, an acceptance has none"
        )


class Origin(StrEnum):
    """What a network learned a structure from."""

    ANNOTATIONS = "annotations"
    PHANTOMS = "phantoms"


@dataclass(frozen=True, slots=True)
class Tip:
    """Where a tube or line ends: a point in source pixels.

    ``above_carina_mm`` is its height above the carina (negative below) with one standard
    deviation of uncertainty, as measured on phantoms; both are None without spacing or carina.
    """

    point: Point
    above_carina_mm: float | None = None
    uncertainty_mm: float | None = None

    def __post_init__(self) -> None:
        require(
            (self.above_carina_mm is None) == (self.uncertainty_mm is None),
            "a height has its uncertainty",
        )


@dataclass(frozen=True, slots=True, eq=False)
class Structure:
    """A segmented structure: bool mask ``(rows, columns)`` in source pixels.

    ``quality`` in [0, 1] is the mask's self-assessed quality (an estimate of its Dice);
    ``problem`` says why an implausible mask is not measured, None when it is plausible.
    ``origin`` is what the network learned it from; only the plausibility of what it learned
    from phantoms is judged, and nothing is measured in it. ``tip`` is where a device ends.
    """

    name: str
    mask: Mask
    quality: float
    problem: str | None = None
    origin: Origin = Origin.ANNOTATIONS
    tip: Tip | None = None

    @property
    def is_simulated(self) -> bool:
        """Whether it was learned from simulated radiographs only."""
        return self.origin is Origin.PHANTOMS

    def __post_init__(self) -> None:
        require(self.mask.dtype == np.bool_ and self.mask.ndim == 2, "a mask is bool, 2-D")
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
        require(
            (self.value is None) == (self.problem is not None),
            f"{self.name}: a measurement has a value, or a problem that says why not",
        )
        require(self.uncertainty is None or self.uncertainty >= 0.0, "uncertainty is not negative")


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
        require(
            is_assessed == (self.probability is not None),
            f"{self.name}: an assessed finding, and no other, has a probability",
        )
        require(
            is_assessed or self.problem is not None, f"{self.name}: say why it was not assessed"
        )
        _require_probability("probability", self.probability)
        if self.interval is not None:
            low, high = self.interval
            require(0.0 <= low <= high <= 1.0, f"{self.name}: bad interval {self.interval}")


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
        require(bool(self.text.strip()), "a statement has a text")
        require(bool(self.evidence), f"no evidence behind the statement {self.text!r}")
        require(
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
                require(
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
