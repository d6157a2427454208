"""Shapes of what the API takes and gives; the viewer is written against them."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from hilum.serve.database.tables import StudyState

__all__ = [
    "AuditCheckShape",
    "AuditEntry",
    "AuditPage",
    "Corners",
    "Deleted",
    "FeedbackIn",
    "FeedbackOut",
    "FindingSummary",
    "Health",
    "ImageShape",
    "JobShape",
    "Me",
    "Prior",
    "RewordIn",
    "Reworded",
    "SessionShape",
    "SignIn",
    "StudyDetail",
    "StudyPage",
    "StudySummary",
    "Submitted",
]

Identifier = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$", examples=["0a" * 16])]
Probability = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Coordinate = Annotated[float, Field(ge=-100_000, le=100_000, allow_inf_nan=False)]
Status = Literal["present", "absent", "uncertain", "not_assessed"]
FeedbackKind = Literal["agree", "correct", "reject", "comment", "report"]
State = StudyState
MAX_TEXT = 10_000


def _with_example(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [example]})


class Me(BaseModel):
    """Who asks, and what this server is."""

    model_config = _with_example(
        {
            "user": "local",
            "roles": ["admin", "reader", "submitter"],
            "is_loopback": True,
            "is_deidentified": False,
            "version": "0.2.0",
            "disclaimer": "For research and teaching only.",
            "languages": ["en", "es", "de", "fr"],
            "signed_in_by": "nothing",
            "expires_at": None,
        }
    )
    user: str
    roles: list[str]
    is_loopback: bool
    is_deidentified: bool
    version: str
    disclaimer: str
    languages: list[str]
    signed_in_by: Literal["nothing", "header", "cookie"] = Field(
        description="nothing: nobody is asked here; a cookie can be signed out"
    )
    expires_at: dt.datetime | None = Field(description="when one must sign in again")


class SignIn(BaseModel):
    """A token that opens a session."""

    model_config = ConfigDict(extra="forbid")
    token: str = Field(min_length=1, max_length=16_384)


class SessionShape(BaseModel):
    """How this server is entered, and whether the browser that asks is in."""

    model_config = _with_example(
        {"is_needed": True, "is_signed_in": False, "provider": "login.example"}
    )
    is_needed: bool = Field(description="false: nobody is asked who they are")
    is_signed_in: bool
    provider: str | None = Field(description="host of the identity provider that may be used")


class Submitted(BaseModel):
    """What became of submitted files; ``ids`` when they were of several studies."""

    model_config = _with_example(
        {
            "id": "0a" * 16,
            "state": "queued",
            "url": "/api/v1/studies/" + "0a" * 16,
            "ids": ["0a" * 16],
        }
    )
    id: Identifier
    state: State
    url: str
    ids: list[Identifier]


class FindingSummary(BaseModel):
    """A finding that is present or uncertain on any radiograph of the study."""

    name: str
    display: str
    status: Status
    probability: float | None


class StudyBase(BaseModel):
    """What the worklist shows of a study; ``study_date`` is local time, the others UTC."""

    id: Identifier
    state: State
    priority: int = Field(ge=1, le=9, description="1 is read first, 5 is routine")
    patient_name: str | None
    patient_id: str | None
    sex: str | None
    age_years: float | None
    accession: str | None
    study_date: dt.datetime | None
    received_at: dt.datetime
    read_at: dt.datetime | None
    description: str | None
    indication: str | None
    findings: list[FindingSummary]
    suspicion: str | None = Field(description="the urgent finding that the indication asks about")
    reason: str | None = Field(description="why it was refused or failed")
    has_prior: bool
    feedback: FeedbackKind | None


_SUMMARY: dict[str, Any] = {
    "id": "0a" * 16,
    "state": "read",
    "priority": 1,
    "patient_name": "PHANTOM^ONE",
    "patient_id": "P1",
    "sex": "F",
    "age_years": 61.0,
    "accession": "A1",
    "study_date": "2026-01-02T10:00:00",
    "received_at": "2026-01-02T10:05:00Z",
    "read_at": "2026-01-02T10:05:04Z",
    "description": "Chest PA",
    "indication": "Dyspnea",
    "findings": [
        {
            "name": "pneumothorax",
            "display": "Pneumothorax",
            "status": "present",
            "probability": 0.91,
        }
    ],
    "suspicion": "pneumothorax",
    "reason": None,
    "has_prior": False,
    "feedback": None,
}


class StudySummary(StudyBase):
    """A row of the worklist; ``images`` counts the instances received."""

    model_config = _with_example({**_SUMMARY, "images": 1})
    images: int


class StudyPage(BaseModel):
    """A page of the worklist; ``next_cursor`` leads to the next."""

    items: list[StudySummary]
    total: int
    next_cursor: str | None


class ImageShape(BaseModel):
    """An image of a study; its DICOM file is at ``wado_uri``."""

    number: int
    sop_uid: str
    series_uid: str
    rows: int
    columns: int
    view: str | None
    wado_uri: str
    is_refused: bool


class Prior(StudyBase):
    """An earlier study of the same patient."""

    images: list[ImageShape]
    has_reading: bool


class StudyDetail(StudyBase):
    """A study with its images and earlier studies, newest first."""

    study_uid: str
    images: list[ImageShape]
    priors: list[Prior]
    revision: int


class RewordIn(BaseModel):
    """Operating points by the name of a finding, or by its id on one radiograph."""

    model_config = _with_example({"operating_points": {"pleural_effusion": 0.35}})
    operating_points: dict[str, Probability] = Field(max_length=500)


class RewordedFinding(BaseModel):
    """A finding's status by the operating point that now applies."""

    id: str
    name: str
    status: Status
    operating_point: float | None


class StatementShape(BaseModel):
    """A sentence and the ids of what it rests on."""

    text: str
    evidence: list[str]


class RewordedReport(BaseModel):
    """The two lists of sentences of a report."""

    findings: list[StatementShape]
    impression: list[StatementShape]


class Reworded(BaseModel):
    """Statuses and report by other operating points; nothing was stored."""

    findings: list[RewordedFinding]
    report: RewordedReport


class Corners(BaseModel):
    """A box in source pixels by two corners."""

    x0: Coordinate
    y0: Coordinate
    x1: Coordinate
    y1: Coordinate


class Sentence(BaseModel):
    """A sentence of a report that a person changed or left as it was."""

    text: str = Field(min_length=1, max_length=MAX_TEXT)
    evidence: list[Annotated[str, Field(max_length=100)]] = Field(max_length=200)
    is_edited: bool = False
    section: Literal["findings", "impression"] | None = Field(
        None, description="where it stands; without it the two cannot be told apart"
    )


class FeedbackIn(BaseModel):
    """What a person says of a reading; which fields belong to it is up to ``kind``."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"kind": "correct", "finding": "r1.pneumothorax", "status": "absent"}]
        },
    )
    kind: FeedbackKind
    finding: str | None = Field(None, max_length=100, description="id in reading.json")
    box: Corners | None = None
    status: Status | None = None
    text: str | None = Field(None, max_length=MAX_TEXT)
    sentences: list[Sentence] | None = Field(None, max_length=200)


class FeedbackOut(FeedbackIn):
    """Feedback as it was kept, with who gave it and when."""

    id: Identifier
    user: str
    created_at: dt.datetime
    reading_id: str


class JobShape(BaseModel):
    """A study in the queue."""

    study_id: Identifier
    state: State
    priority: int
    attempts: int
    reason: str


class AuditEntry(BaseModel):
    """Who did what; sealed with the hash of the entry before it."""

    sequence: int
    created_at: str
    user: str
    action: str
    object: str
    detail: dict[str, Any]
    previous_hash: str
    hash: str


class AuditPage(BaseModel):
    """The newest entries; ``next_before`` leads to older ones."""

    items: list[AuditEntry]
    next_before: int | None


class AuditCheckShape(BaseModel):
    """Whether the chain of the audit log holds; ``broken_at`` is the first wrong entry."""

    is_intact: bool
    entries: int
    head: str
    broken_at: int | None


class Proof(BaseModel):
    """SHA-256 of the deleted files, and the entry of the audit log that says so."""

    study_id: Identifier
    sha256: list[str]
    audit_sequence: int
    deleted_at: str


class Deleted(BaseModel):
    """A study was deleted."""

    proof: Proof


class Health(BaseModel):
    """Whether the server can work; each part is ``ok`` or says what is wrong."""

    model_config = _with_example(
        {
            "status": "ok",
            "database": "ok",
            "disk": "ok",
            "workers": "ok",
            "free_mb": 80000,
            "waiting": 2,
            "dead_letters": 0,
            "heartbeat_seconds": 3.1,
        }
    )
    status: Literal["ok", "unavailable"]
    database: str = "ok"
    disk: str = "ok"
    workers: str = "ok"
    free_mb: int | None = None
    waiting: int | None = None
    dead_letters: int | None = None
    heartbeat_seconds: float | None = None
