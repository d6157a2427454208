"""QIDO-RS: which studies, series and instances match a query (PS3.18 section 8.3.4)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydicom.datadict import tag_for_keyword
from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from hilum.errors import InvalidValueError
from hilum.serve.database.tables import InstanceRow, StudyRow
from hilum.serve.studies import escape_like

__all__ = ["find_instances", "find_series", "find_studies"]

MAX_RESULTS = 5000
STUDY_TAGS = (
    *("00080005", "00080020", "00080030", "00080050", "00080090", "00081030", "00100010"),
    *("00100020", "00100030", "00100040", "00101010", "0020000D", "00200010"),
)
SERIES_TAGS = ("00080060", "0008103E", "0020000E", "00200011", "00400244", "00400245")
INSTANCE_TAGS = (
    *("00080016", "00080018", "0020000E", "0020000D", "00080060", "00200011", "00200013"),
    *("00280008", "00280010", "00280011", "00280100"),
)

_STUDY_KEYS = {
    "0020000D": StudyRow.study_uid,
    "00100020": StudyRow.patient_id,
    "00100010": StudyRow.patient_name,
    "00080050": StudyRow.accession,
    "00081030": StudyRow.description,
    "00100040": StudyRow.sex,
    "00100030": StudyRow.birth_date,
}
_INSTANCE_KEYS = {
    "0020000E": InstanceRow.series_uid,
    "00080018": InstanceRow.sop_uid,
    "00080016": InstanceRow.sop_class,
    "00080060": InstanceRow.modality,
}
_CONTROLS = {"limit", "offset", "includefield", "fuzzymatching"}


def find_studies(session: Session, parameters: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """The studies that match, in the DICOM JSON model.

    Raises:
        InvalidValueError: A parameter is not one that can be matched or read.
    """
    statement = select(StudyRow).where(*_conditions(parameters))
    statement = statement.order_by(StudyRow.study_date.desc(), StudyRow.id)
    return [_describe_study(session, row) for row in session.scalars(_page(statement, parameters))]


def find_series(session: Session, parameters: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """The series that match.

    Raises:
        InvalidValueError: A parameter is not one that can be matched or read.
    """
    first = (
        select(func.min(InstanceRow.id))
        .join(StudyRow, StudyRow.id == InstanceRow.study_id)
        .where(*_conditions(parameters))
        .group_by(InstanceRow.series_uid)
    )
    statement = select(InstanceRow).where(InstanceRow.id.in_(first))
    statement = statement.order_by(InstanceRow.series_number, InstanceRow.series_uid)
    rows = session.scalars(_page(statement, parameters)).all()
    return [_describe_series(session, row) for row in rows]


def find_instances(session: Session, parameters: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """The instances that match.

    Raises:
        InvalidValueError: A parameter is not one that can be matched or read.
    """
    statement = (
        select(InstanceRow)
        .join(StudyRow, StudyRow.id == InstanceRow.study_id)
        .where(*_conditions(parameters))
        .order_by(InstanceRow.series_uid, InstanceRow.instance_number, InstanceRow.id)
    )
    rows = session.scalars(_page(statement, parameters)).all()
    return [_pick(row.header, (*STUDY_TAGS, *SERIES_TAGS, *INSTANCE_TAGS)) for row in rows]


def _conditions(parameters: Sequence[tuple[str, str]]) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    for name, value in parameters:
        if name in _CONTROLS or not value:
            continue
        tag = _tag_of(name)
        if tag in _STUDY_KEYS:
            conditions.append(_match(_STUDY_KEYS[tag], value))
        elif tag in _INSTANCE_KEYS:
            conditions.append(_match(_INSTANCE_KEYS[tag], value))
        elif tag == "00080020":
            conditions += _match_date(value)
        elif tag == "00080061":
            with_modality = select(InstanceRow.study_id).where(
                _match(InstanceRow.modality, value.replace("\\", ","))
            )
            conditions.append(StudyRow.id.in_(with_modality))
        else:
            raise InvalidValueError(f"{name[:40]} cannot be matched here")
    return conditions


def _tag_of(name: str) -> str:
    if re.fullmatch(r"[0-9A-Fa-f]{8}", name):
        return name.upper()
    tag = tag_for_keyword(name)
    if tag is None:
        raise InvalidValueError(f"{name[:40]} is no DICOM attribute")
    return f"{tag:08X}"


def _match(column: Any, value: str) -> ColumnElement[bool]:
    """Single value, list of values or wild cards (PS3.4 C.2.2.2), without regard to case."""
    if "*" in value or "?" in value:
        pattern = escape_like(value).replace("*", "%").replace("?", "_")
        return column.ilike(pattern, escape="\\")  # type: ignore[no-any-return]
    values = [part.strip().lower() for part in value.split(",")]
    return func.lower(column).in_(values)


def _match_date(value: str) -> list[ColumnElement[bool]]:
    start, dash, end = value.partition("-")
    first, last = _read_date(start), _read_date(end if dash else start)
    conditions: list[ColumnElement[bool]] = []
    if first is not None:
        conditions.append(StudyRow.study_date >= first)
    if last is not None:
        conditions.append(StudyRow.study_date < last + dt.timedelta(days=1))
    return conditions


def _read_date(text: str) -> dt.datetime | None:
    if not text:
        return None
    try:
        return dt.datetime.strptime(text, "%Y%m%d")
    except ValueError as error:
        raise InvalidValueError("StudyDate expects YYYYMMDD or a range of two") from error


def _page(statement: Select[Any], parameters: Sequence[tuple[str, str]]) -> Select[Any]:
    values = dict(parameters)
    try:
        limit = min(int(values.get("limit", MAX_RESULTS)), MAX_RESULTS)
        offset = int(values.get("offset", 0))
    except ValueError as error:
        raise InvalidValueError("limit and offset expect whole numbers") from error
    if limit < 0 or not 0 <= offset < 2**31:
        raise InvalidValueError("limit and offset are not negative")
    return statement.limit(limit).offset(offset)


def _describe_study(session: Session, study: StudyRow) -> dict[str, Any]:
    rows = session.scalars(select(InstanceRow).where(InstanceRow.study_id == study.id)).all()
    received = [row for row in rows if row.origin != "produced"] or rows
    result = _pick(received[0].header if received else {}, STUDY_TAGS)
    result["0020000D"] = {"vr": "UI", "Value": [study.study_uid]}
    modalities = sorted({row.modality for row in rows if row.modality})
    result["00080061"] = {"vr": "CS", "Value": modalities}
    result["00201206"] = {"vr": "IS", "Value": [len({row.series_uid for row in rows})]}
    result["00201208"] = {"vr": "IS", "Value": [len(rows)]}
    return result


def _describe_series(session: Session, row: InstanceRow) -> dict[str, Any]:
    count = session.scalar(select(func.count()).where(InstanceRow.series_uid == row.series_uid))
    result = _pick(row.header, (*STUDY_TAGS, *SERIES_TAGS))
    result["00201209"] = {"vr": "IS", "Value": [count]}
    return result


def _pick(header: Mapping[str, Any], tags: Sequence[str]) -> dict[str, Any]:
    return {tag: header[tag] for tag in tags if tag in header}
