"""QIDO-RS: search for studies, series and instances (PS3.18 section 10.6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from hilum.serve.database.tables import InstanceRow, StudyRow
from hilum.serve.dicomweb.levels import (
    INSTANCE_TAGS,
    SERIES_LEVEL,
    SERIES_TAGS,
    STUDY_LEVEL,
    STUDY_TAGS,
    empty_element,
)
from hilum.serve.dicomweb.matching import Search, read_search
from hilum.serve.dicomweb.metadata import DicomJson
from hilum.serve.dicomweb.negotiation import choose_media, read_accept
from hilum.serve.dicomweb.routing import JSON_TYPES, base_url, check_uid, require_open
from hilum.serve.service import Service

__all__ = ["add_searching"]

Item = dict[str, Any]
Finder = Callable[[Session, Search, str], tuple[list[Item], int]]
_USUAL_STUDY = (*STUDY_TAGS, "00080005", "00080201", "00081030", "00101010")
_USUAL_SERIES = (*SERIES_TAGS, "00080201", "0008103E", "00400244", "00400245", "00400275")
_USUAL_INSTANCE = (*INSTANCE_TAGS, "00280008", "00280010", "00280011", "00280100")


def add_searching(router: APIRouter, service: Service) -> None:
    """Add the routes of the search."""

    def search(request: Request, finder: Finder, **fixed: str) -> Response:
        require_open(service)
        media_type, _ = choose_media(read_accept(request), JSON_TYPES)
        for value in fixed.values():
            check_uid(value)
        wanted = read_search([*request.query_params.multi_items(), *fixed.items()])
        with service.begin() as session:
            found, remaining = finder(session, wanted, base_url(request))
        response = DicomJson(found, media_type=media_type) if found else Response(status_code=204)
        if remaining > 0:
            wanted.warnings.append(
                f"There are {remaining} additional results that can be requested"
            )
        for text in dict.fromkeys(wanted.warnings):
            response.headers.append("warning", f"299 {base_url(request)}: {text}")
        return response

    @router.get("/studies", summary="Search studies (QIDO-RS)", response_class=DicomJson)
    def studies(request: Request) -> Response:
        return search(request, _find_studies)

    @router.get("/series", summary="Search series (QIDO-RS)", response_class=DicomJson)
    def all_series(request: Request) -> Response:
        return search(request, _find_series)

    @router.get("/instances", summary="Search instances (QIDO-RS)", response_class=DicomJson)
    def all_instances(request: Request) -> Response:
        return search(request, _find_instances)

    @router.get("/studies/{study}/series", summary="Series of a study", response_class=DicomJson)
    def series(request: Request, study: str) -> Response:
        return search(request, _find_series, StudyInstanceUID=study)

    @router.get(
        "/studies/{study}/instances", summary="Instances of a study", response_class=DicomJson
    )
    def instances(request: Request, study: str) -> Response:
        return search(request, _find_instances, StudyInstanceUID=study)

    @router.get(
        "/studies/{study}/series/{series}/instances",
        summary="Instances of a series",
        response_class=DicomJson,
    )
    def series_instances(request: Request, study: str, series: str) -> Response:
        return search(request, _find_instances, StudyInstanceUID=study, SeriesInstanceUID=series)


def _page(session: Session, statement: Select[Any], search: Search) -> tuple[list[Any], int]:
    """The rows of the page, and how many matches come after it."""
    rows = list(session.scalars(statement.limit(search.limit).offset(search.offset)))
    if len(rows) < search.limit:
        return rows, 0
    counted = select(func.count()).select_from(statement.order_by(None).subquery())
    return rows, (session.scalar(counted) or 0) - search.offset - len(rows)


def _find_studies(session: Session, search: Search, root: str) -> tuple[list[Item], int]:
    statement = select(StudyRow).where(*search.conditions_of_study)
    statement = statement.order_by(StudyRow.study_date.desc(), StudyRow.id)
    rows, remaining = _page(session, statement, search)
    return [_describe_study(session, row, search, root) for row in rows], remaining


def _find_series(session: Session, search: Search, root: str) -> tuple[list[Item], int]:
    first = (
        select(func.min(InstanceRow.id))
        .join(StudyRow, StudyRow.id == InstanceRow.study_id)
        .where(*search.conditions)
        .group_by(InstanceRow.study_id, InstanceRow.series_uid)
    )
    statement = select(InstanceRow).where(InstanceRow.id.in_(first))
    statement = statement.order_by(InstanceRow.series_number, InstanceRow.series_uid)
    rows, remaining = _page(session, statement, search)
    return [_describe_series(session, row, search, root) for row in rows], remaining


def _find_instances(session: Session, search: Search, root: str) -> tuple[list[Item], int]:
    statement = (
        select(InstanceRow)
        .join(StudyRow, StudyRow.id == InstanceRow.study_id)
        .where(*search.conditions)
        .order_by(InstanceRow.series_uid, InstanceRow.instance_number, InstanceRow.id)
    )
    rows, remaining = _page(session, statement, search)
    return [_describe_instance(row, search, root) for row in rows], remaining


def _describe_study(session: Session, study: StudyRow, search: Search, root: str) -> Item:
    rows = session.scalars(select(InstanceRow).where(InstanceRow.study_id == study.id)).all()
    received = [row for row in rows if row.origin != "produced"] or list(rows)
    header = received[0].header if received else {}
    result = _pick(header, _USUAL_STUDY, STUDY_TAGS) | _chosen(header, search, STUDY_LEVEL)
    result["0020000D"] = {"vr": "UI", "Value": [study.study_uid]}
    modalities = sorted({row.modality for row in rows if row.modality})
    result["00080061"] = {"vr": "CS", "Value": modalities}
    result["00201206"] = {"vr": "IS", "Value": [len({row.series_uid for row in rows})]}
    result["00201208"] = {"vr": "IS", "Value": [len(rows)]}
    return _located(result, f"{root}/studies/{study.study_uid}")


def _describe_series(session: Session, row: InstanceRow, search: Search, root: str) -> Item:
    same = InstanceRow.study_id == row.study_id, InstanceRow.series_uid == row.series_uid
    count = session.scalar(select(func.count()).where(*same))
    header = row.header
    result = _pick(header, (*_USUAL_STUDY, *_USUAL_SERIES), (*STUDY_TAGS, *SERIES_TAGS))
    result |= _chosen(header, search, SERIES_LEVEL)
    result["00201209"] = {"vr": "IS", "Value": [count]}
    return _located(result, f"{root}/studies/{_study_of(header)}/series/{row.series_uid}")


def _describe_instance(row: InstanceRow, search: Search, root: str) -> Item:
    usual = (*_USUAL_STUDY, *_USUAL_SERIES, *_USUAL_INSTANCE)
    result = _pick(row.header, usual, (*STUDY_TAGS, *SERIES_TAGS, *INSTANCE_TAGS))
    result |= _chosen(row.header, search, None)
    result["00083002"] = {"vr": "UI", "Value": [row.transfer_syntax]}
    series = f"{root}/studies/{_study_of(row.header)}/series/{row.series_uid}"
    return _located(result, f"{series}/instances/{row.sop_uid}")


def _study_of(header: Mapping[str, Any]) -> str:
    values = header.get("0020000D", {}).get("Value") or [""]
    return str(values[0])


def _located(result: Item, url: str) -> Item:
    result["00080056"] = {"vr": "CS", "Value": ["ONLINE"]}
    result["00081190"] = {"vr": "UR", "Value": [url]}
    return dict(sorted(result.items()))


def _pick(header: Mapping[str, Any], usual: tuple[str, ...], required: tuple[str, ...]) -> Item:
    found = {tag: header[tag] for tag in usual if tag in header}
    return found | {tag: empty_element(tag) for tag in required if tag not in found}


def _chosen(header: Mapping[str, Any], search: Search, level: frozenset[str] | None) -> Item:
    """What ``includefield`` and the matched attributes add at this level (None: all levels)."""
    wanted = set(header) if "all" in search.fields else search.fields & set(header)
    return {tag: header[tag] for tag in wanted if level is None or tag in level}
