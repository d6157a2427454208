"""QIDO-RS: which studies, series and instances match a query (PS3.18 section 8.3.4)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, and_, extract, func, select

from hilum.errors import InvalidValueError
from hilum.serve.database.tables import InstanceRow, StudyRow
from hilum.serve.dicomweb.levels import find_tag
from hilum.serve.studies import escape_like

__all__ = ["MAX_RESULTS", "Search", "read_search"]

MAX_RESULTS = 5000
NO_FUZZINESS = (
    "The fuzzymatching parameter is not supported. Only literal matching has been performed."
)
_TEXT_KEYS: dict[str, Any] = {
    "00100020": StudyRow.patient_id,
    "00100010": StudyRow.patient_name,
    "00080050": StudyRow.accession,
    "00081030": StudyRow.description,
    "00100040": StudyRow.sex,
    "00100030": StudyRow.birth_date,
    "0020000D": StudyRow.study_uid,
    "0020000E": InstanceRow.series_uid,
    "00080018": InstanceRow.sop_uid,
    "00080016": InstanceRow.sop_class,
    "00080060": InstanceRow.modality,
}
_NUMBER_KEYS: dict[str, Any] = {
    "00200011": InstanceRow.series_number,
    "00200013": InstanceRow.instance_number,
}
_HEADER_KEYS: dict[str, Any] = {
    "00200010": InstanceRow.header["00200010"]["Value"][0].as_string(),
    "00080090": InstanceRow.header["00080090"]["Value"][0]["Alphabetic"].as_string(),
}
_STUDY_KEYS = {"00100020", "00100010", "00080050", "00081030", "00100040", "00100030", "0020000D"}
_DATE, _TIME, _MODALITIES = "00080020", "00080030", "00080061"
_LISTS = {"0020000D", "0020000E", "00080018", "00080016"}
_CONTROLS = {"limit", "offset", "includefield", "fuzzymatching", "accept", "charset"}


@dataclass(slots=True)
class Search:
    """What a query asks for.

    ``fields`` are the tags that the answer is to have beside the usual ones, or ``{"all"}``.
    ``warnings`` say what was not done, for the client to read.
    """

    on_study: list[ColumnElement[bool]] = field(default_factory=list)
    on_instance: list[ColumnElement[bool]] = field(default_factory=list)
    limit: int = MAX_RESULTS
    offset: int = 0
    fields: set[str] = field(default_factory=set)
    warnings: list[str] = field(default_factory=list)

    @property
    def conditions(self) -> list[ColumnElement[bool]]:
        """All of them, for a statement over instances joined with their studies."""
        return [*self.on_study, *self.on_instance]

    @property
    def conditions_of_study(self) -> list[ColumnElement[bool]]:
        """All of them, for a statement over studies: one instance has to meet its part."""
        if not self.on_instance:
            return self.on_study
        found = select(InstanceRow.study_id).where(and_(*self.on_instance))
        return [*self.on_study, StudyRow.id.in_(found)]


def read_search(parameters: Sequence[tuple[str, str]]) -> Search:
    """Read the parameters of a query; what cannot be matched is left out, with a warning.

    Raises:
        InvalidValueError: A value is ill-formed.
    """
    search = Search()
    moments: dict[str, str] = {}
    for name, value in parameters:
        if "\0" in value:
            raise InvalidValueError("a value holds a character that no DICOM value holds")
        if name in _CONTROLS:
            _read_control(search, name, value)
        elif value:
            _add_condition(search, moments, name, value)
    search.on_study += _match_moment(moments.get(_DATE, ""), moments.get(_TIME, ""))
    return search


def _read_control(search: Search, name: str, value: str) -> None:
    if name in ("limit", "offset"):
        if not re.fullmatch(r"[0-9]{1,9}", value):
            raise InvalidValueError("limit and offset expect whole numbers, not negative")
        if name == "limit":
            search.limit = min(int(value), MAX_RESULTS)
        else:
            search.offset = int(value)
    elif name == "fuzzymatching":
        if value not in ("true", "false"):
            raise InvalidValueError("fuzzymatching expects true or false")
        if value == "true":
            search.warnings.append(NO_FUZZINESS)
    elif name == "includefield":
        for part in value.split(","):
            _add_field(search, part.strip())


def _add_field(search: Search, name: str) -> None:
    tag = "all" if name == "all" else find_tag(name.partition(".")[0])
    if tag is not None:
        search.fields.add(tag)
    elif name:
        search.warnings.append(f"The includefield {_shown(name)} is not supported.")


def _add_condition(search: Search, moments: dict[str, str], name: str, value: str) -> None:
    tag = find_tag(name)
    if tag in (_DATE, _TIME):
        moments[tag] = value
    elif tag == _MODALITIES:
        match = _match(InstanceRow.modality, value.replace("\\", ","), is_list=True)
        search.on_study.append(StudyRow.id.in_(select(InstanceRow.study_id).where(match)))
    elif tag in _TEXT_KEYS:
        match = _match(_TEXT_KEYS[tag], value, is_list=tag in _LISTS)
        (search.on_study if tag in _STUDY_KEYS else search.on_instance).append(match)
    elif tag in _NUMBER_KEYS:
        search.on_instance.append(_NUMBER_KEYS[tag] == _read_number(value))
    elif tag in _HEADER_KEYS:
        match = _match(_HEADER_KEYS[tag], value)
        search.on_study.append(StudyRow.id.in_(select(InstanceRow.study_id).where(match)))
    else:
        search.warnings.append(
            f"The attribute {_shown(name)} is not supported for matching and was ignored."
        )
        return
    if tag is not None:
        search.fields.add(tag)  # what was matched is answered, too


def _shown(name: str) -> str:
    """An attribute's name as it may stand in a header."""
    return name if re.fullmatch(r"[A-Za-z0-9.]{1,64}", name) else "that was named"


def _read_number(value: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,9}", value.strip()):
        raise InvalidValueError("SeriesNumber and InstanceNumber expect a whole number")
    return int(value)


def _match(column: Any, value: str, *, is_list: bool = False) -> ColumnElement[bool]:
    """Single value, list of values or wild cards (PS3.4 C.2.2.2), without regard to case."""
    if "*" in value or "?" in value:
        pattern = escape_like(value).replace("*", "%").replace("?", "_")
        return column.ilike(pattern, escape="\\")  # type: ignore[no-any-return]
    values = value.split(",") if is_list else [value]
    return func.lower(column).in_([part.strip().lower() for part in values])


def _match_moment(date: str, time: str) -> list[ColumnElement[bool]]:
    """StudyDate and StudyTime, each one value or a range; two of them are combined."""
    dates, times = _read_range(date, _read_date), _read_range(time, _read_time)
    if dates is not None and times is not None and "-" in date:
        start = None if dates[0] is None else dt.datetime.combine(dates[0], times[0] or dt.time())
        end = None if dates[1] is None else dt.datetime.combine(dates[1], times[1] or dt.time.max)
        return _between(StudyRow.study_date, start, end)
    conditions: list[ColumnElement[bool]] = []
    if dates is not None:
        start = None if dates[0] is None else dt.datetime.combine(dates[0], dt.time())
        end = None if dates[1] is None else dt.datetime.combine(dates[1], dt.time.max)
        conditions += _between(StudyRow.study_date, start, end)
    if times is not None:
        hour, minute, second = (
            extract(part, StudyRow.study_date) for part in ("hour", "minute", "second")
        )
        seconds = [None if t is None else t.hour * 3600 + t.minute * 60 + t.second for t in times]
        conditions += _between(hour * 3600 + minute * 60 + func.floor(second), *seconds)
    return conditions


def _between(column: Any, start: Any, end: Any) -> list[ColumnElement[bool]]:
    conditions = [] if start is None else [column >= start]
    return conditions if end is None else [*conditions, column <= end]


def _read_range(text: str, read: Any) -> tuple[Any, Any] | None:
    """First and last moment; None for an open end, or where nothing is asked."""
    if not text or text == "-":
        return None
    start, dash, end = text.partition("-")
    return (
        read(start, False) if start else None,
        read(end if dash else start, True) if (end or not dash) else None,
    )


def _read_date(text: str, is_end: bool) -> dt.date:
    del is_end
    if not re.fullmatch(r"[0-9]{8}", text):
        raise InvalidValueError("StudyDate expects YYYYMMDD or a range of two")
    try:
        return dt.datetime.strptime(text, "%Y%m%d").date()
    except ValueError as error:
        raise InvalidValueError("StudyDate expects YYYYMMDD or a range of two") from error


def _read_time(text: str, is_end: bool) -> dt.time:
    """HH, HHMM or HHMMSS with a fraction; the last moment that it covers as an end."""
    match = re.fullmatch(r"([01]\d|2[0-3])(?:([0-5]\d)(?:([0-5]\d)(?:\.\d{1,6})?)?)?", text)
    if match is None:
        raise InvalidValueError("StudyTime expects HHMMSS, a part of it, or a range of two")
    filler = "59" if is_end else "00"
    hour, minute, second = (int(part or filler) for part in match.groups())
    return dt.time(hour, minute, second, 999_999 if is_end else 0)
