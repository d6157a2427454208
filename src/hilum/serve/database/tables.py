"""The tables. Times are UTC; identifiers in URLs are random and say nothing."""

from __future__ import annotations

import datetime as dt
import uuid
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

__all__ = [
    "AuditRow",
    "Base",
    "DeliveryRow",
    "EventRow",
    "FeedbackRow",
    "InstanceRow",
    "ReadingRow",
    "SessionRow",
    "StudyRow",
    "StudyState",
    "StudyTextRow",
    "TokenRow",
    "WorkerRow",
    "new_id",
    "now",
]


class StudyState(StrEnum):
    """Where a study stands; ``FAILED`` is the dead letter that a person must look at.

    ``PRIOR`` was fetched from an archive to compare with, and is not read for itself.
    """

    RECEIVING = "receiving"
    QUEUED = "queued"
    READING = "reading"
    READ = "read"
    REFUSED = "refused"
    FAILED = "failed"
    PRIOR = "prior"


def new_id() -> str:
    """A random identifier of 32 hexadecimal digits."""
    return uuid.uuid4().hex


def now() -> dt.datetime:
    """The time, with its zone (UTC)."""
    return dt.datetime.now(dt.UTC)


class Moment(TypeDecorator[dt.datetime]):
    """A time that comes back in UTC from databases that keep no zone, too."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> Any:
        """Store in UTC."""
        del dialect
        return None if value is None else value.astimezone(dt.UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> dt.datetime | None:
        """Read as UTC."""
        del dialect
        if value is None or value.tzinfo is not None:
            return value  # type: ignore[no-any-return]
        return value.replace(tzinfo=dt.UTC)  # type: ignore[no-any-return]


class Base(DeclarativeBase):
    """Base of all tables."""

    type_annotation_map = {dt.datetime: Moment, dict[str, Any]: JSON, list[Any]: JSON}  # noqa: RUF012


class StudyRow(Base):
    """One examination, from its first instance to its reading.

    ``revision`` counts how often the study was complete: an instance that comes after the
    reading makes a new one. ``study_date`` is the hospital's local time, without a zone.
    """

    __tablename__ = "studies"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    study_uid: Mapped[str] = mapped_column(String(64), unique=True)
    patient_id: Mapped[str] = mapped_column(String(255), default="")
    patient_name: Mapped[str] = mapped_column(String(255), default="", index=True)
    patient_key: Mapped[str] = mapped_column(String(32), default="", index=True)
    birth_date: Mapped[str] = mapped_column(String(8), default="")
    sex: Mapped[str] = mapped_column(String(1), default="")
    age_years: Mapped[float | None]
    accession: Mapped[str] = mapped_column(String(64), default="", index=True)
    study_date: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=False), index=True)
    description: Mapped[str] = mapped_column(String(255), default="")
    indication: Mapped[str] = mapped_column(Text, default="")
    history: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[str] = mapped_column(String(16), default=StudyState.RECEIVING)
    priority: Mapped[int] = mapped_column(default=5)
    suspicion: Mapped[str] = mapped_column(String(64), default="")
    reason: Mapped[str] = mapped_column(Text, default="")
    revision: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    source: Mapped[str] = mapped_column(String(64), default="")
    received_at: Mapped[dt.datetime] = mapped_column(default=now, index=True)
    changed_at: Mapped[dt.datetime] = mapped_column(default=now)
    completed_at: Mapped[dt.datetime | None]
    read_at: Mapped[dt.datetime | None]
    instances: Mapped[int] = mapped_column(default=0)
    findings: Mapped[list[Any]] = mapped_column(default=list)
    feedback: Mapped[str] = mapped_column(String(16), default="")

    __table_args__ = (
        Index("ix_studies_state_priority", "state", "priority", "received_at"),
        Index("ix_studies_priority", "priority", "received_at"),
    )


Index("ix_studies_worklist", StudyRow.priority, StudyRow.received_at.desc(), StudyRow.id)


class StudyTextRow(Base):
    """What a study is found by, in lower case; see ``database.search``."""

    __tablename__ = "study_texts"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    study_id: Mapped[str] = mapped_column(ForeignKey("studies.id", ondelete="CASCADE"), unique=True)
    text: Mapped[str] = mapped_column(Text, default="")


class WorkerRow(Base):
    """A worker and when it was last heard of."""

    __tablename__ = "workers"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    pid: Mapped[int]
    beat_at: Mapped[dt.datetime]


class InstanceRow(Base):
    """A DICOM instance: received, or produced by a reading (``origin``)."""

    __tablename__ = "instances"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    study_id: Mapped[str] = mapped_column(ForeignKey("studies.id", ondelete="CASCADE"), index=True)
    series_uid: Mapped[str] = mapped_column(String(64), index=True)
    sop_uid: Mapped[str] = mapped_column(String(64), unique=True)
    sop_class: Mapped[str] = mapped_column(String(64))
    transfer_syntax: Mapped[str] = mapped_column(String(64))
    modality: Mapped[str] = mapped_column(String(16), default="")
    series_number: Mapped[int | None]
    instance_number: Mapped[int | None]
    rows: Mapped[int] = mapped_column(default=0)
    columns: Mapped[int] = mapped_column(default=0)
    view: Mapped[str] = mapped_column(String(16), default="")
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    size: Mapped[int]
    origin: Mapped[str] = mapped_column(String(16), default="received")
    received_at: Mapped[dt.datetime] = mapped_column(default=now)
    header: Mapped[dict[str, Any]] = mapped_column(default=dict)


class ReadingRow(Base):
    """A reading of one revision of a study; ``document`` is ``reading.json``."""

    __tablename__ = "readings"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    study_id: Mapped[str] = mapped_column(ForeignKey("studies.id", ondelete="CASCADE"), index=True)
    revision: Mapped[int]
    hilum_version: Mapped[str] = mapped_column(String(32))
    models: Mapped[dict[str, Any]] = mapped_column(default=dict)
    document: Mapped[dict[str, Any]] = mapped_column(default=dict)
    seconds: Mapped[float] = mapped_column(default=0.0)
    created_at: Mapped[dt.datetime] = mapped_column(default=now)

    __table_args__ = (UniqueConstraint("study_id", "revision"),)


class FeedbackRow(Base):
    """What a person said of a reading."""

    __tablename__ = "feedback"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    study_id: Mapped[str] = mapped_column(ForeignKey("studies.id", ondelete="CASCADE"), index=True)
    reading_id: Mapped[str] = mapped_column(String(32))
    user: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    kind: Mapped[str] = mapped_column(String(16))
    payload: Mapped[dict[str, Any]] = mapped_column(default=dict)


class EventRow(Base):
    """What happened to a study, in order; without patient data."""

    __tablename__ = "events"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    kind: Mapped[str] = mapped_column(String(32))
    study_id: Mapped[str] = mapped_column(String(32), index=True)
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)


class AuditRow(Base):
    """Who did what: append-only, each row sealed with the hash of the one before it."""

    __tablename__ = "audit"

    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    created_at: Mapped[str] = mapped_column(String(40))
    user: Mapped[str] = mapped_column(String(255))
    action: Mapped[str] = mapped_column(String(64))
    object: Mapped[str] = mapped_column(String(255))
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64), unique=True)


class DeliveryRow(Base):
    """A result on its way to an archive."""

    __tablename__ = "deliveries"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    study_id: Mapped[str] = mapped_column(ForeignKey("studies.id", ondelete="CASCADE"), index=True)
    reading_id: Mapped[str] = mapped_column(String(32))
    destination: Mapped[str] = mapped_column(String(255))
    state: Mapped[str] = mapped_column(String(16), default="waiting")
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(Text, default="")
    changed_at: Mapped[dt.datetime] = mapped_column(default=now)

    __table_args__ = (UniqueConstraint("reading_id", "destination"),)


class TokenRow(Base):
    """A bearer token of the server's own, kept as a hash."""

    __tablename__ = "tokens"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    user: Mapped[str] = mapped_column(String(255))
    roles: Mapped[list[Any]] = mapped_column(default=list)
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    expires_at: Mapped[dt.datetime | None]
    is_revoked: Mapped[bool] = mapped_column(default=False)


class SessionRow(Base):
    """A browser that signed in; its secret is kept as a hash.

    With ``token_id`` it ends with that token, and user and roles are the token's; without, an
    identity provider said who it is, and ``expires_at`` moves on while the provider agrees.
    """

    __tablename__ = "sessions"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    token_id: Mapped[str] = mapped_column(String(32), default="", index=True)
    user: Mapped[str] = mapped_column(String(255))
    roles: Mapped[list[Any]] = mapped_column(default=list)
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    expires_at: Mapped[dt.datetime] = mapped_column(index=True)
