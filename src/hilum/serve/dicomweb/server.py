"""The DICOMweb routes: STOW-RS in; QIDO-RS and WADO-RS over what Hilum holds.

Enough for a viewer such as OHIF or a DICOMweb client. Hilum is no archive: what is asked for
is what was sent to be read, and what the readings produced.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from hilum.errors import InvalidValueError, UnknownStudyError
from hilum.serve.database.tables import InstanceRow, StudyRow
from hilum.serve.dicomweb.frames import read_frames, render_png
from hilum.serve.dicomweb.matching import find_instances, find_series, find_studies
from hilum.serve.dicomweb.multipart import Multipart, join_parts, split_parts
from hilum.serve.dicomweb.storing import store_instances
from hilum.serve.service import Service

__all__ = ["dicomweb_router"]

DICOM_JSON = "application/dicom+json"
DICOM_FILE = "application/dicom"
Finder = Callable[[Session, Sequence[tuple[str, str]]], list[dict[str, Any]]]


class DicomJson(JSONResponse):
    """A body in the DICOM JSON model."""

    media_type = DICOM_JSON


def dicomweb_router(service: Service) -> APIRouter:
    """The routes under ``/dicom-web`` for a service."""
    router = APIRouter(prefix="/dicom-web", tags=["DICOMweb"])
    _add_storing(router, service)
    _add_searching(router, service)
    _add_retrieving(router, service)
    return router


def _add_storing(router: APIRouter, service: Service) -> None:
    @router.post("/studies", summary="Store instances (STOW-RS)", response_class=DicomJson)
    @router.post(
        "/studies/{study}", summary="Store instances of a study (STOW-RS)", response_class=DicomJson
    )
    async def store(request: Request, study: str = "") -> Response:
        parts = split_parts(await request.body(), request.headers.get("content-type", ""))
        user = getattr(getattr(request.state, "user", None), "name", "local")
        status, answer = await run_in_threadpool(
            store_instances,
            service,
            [content for _, content in parts],
            source=f"http:{user}"[:64],
            study_uid=study,
        )
        return DicomJson(answer, status_code=status)


def _add_searching(router: APIRouter, service: Service) -> None:
    def search(request: Request, finder: Finder, **fixed: str) -> Response:
        _require_open(service)
        parameters = [*request.query_params.multi_items(), *fixed.items()]
        with service.begin() as session:
            return DicomJson(finder(session, parameters))

    @router.get("/studies", summary="Search studies (QIDO-RS)", response_class=DicomJson)
    def studies(request: Request) -> Response:
        return search(request, find_studies)

    @router.get("/series", summary="Search series (QIDO-RS)", response_class=DicomJson)
    def all_series(request: Request) -> Response:
        return search(request, find_series)

    @router.get("/instances", summary="Search instances (QIDO-RS)", response_class=DicomJson)
    def all_instances(request: Request) -> Response:
        return search(request, find_instances)

    @router.get("/studies/{study}/series", summary="Series of a study", response_class=DicomJson)
    def series(request: Request, study: str) -> Response:
        return search(request, find_series, StudyInstanceUID=study)

    @router.get(
        "/studies/{study}/instances", summary="Instances of a study", response_class=DicomJson
    )
    def instances(request: Request, study: str) -> Response:
        return search(request, find_instances, StudyInstanceUID=study)

    @router.get(
        "/studies/{study}/series/{series}/instances",
        summary="Instances of a series",
        response_class=DicomJson,
    )
    def series_instances(request: Request, study: str, series: str) -> Response:
        return search(request, find_instances, StudyInstanceUID=study, SeriesInstanceUID=series)


def _add_retrieving(router: APIRouter, service: Service) -> None:
    study_path = "/studies/{study}"
    series_path = study_path + "/series/{series}"
    instance_path = series_path + "/instances/{instance}"

    def select_rows(study: str, series: str = "", instance: str = "") -> list[InstanceRow]:
        _require_open(service)
        return _rows(service, study, series, instance)

    @router.get(study_path, summary="Retrieve a study (WADO-RS)")
    @router.get(series_path, summary="Retrieve a series (WADO-RS)")
    @router.get(instance_path, summary="Retrieve an instance (WADO-RS)")
    def retrieve(study: str, series: str = "", instance: str = "") -> Response:
        rows = select_rows(study, series, instance)
        return _stream((service.files.read(row.sha256) for row in rows), DICOM_FILE)

    @router.get(study_path + "/metadata", summary="Metadata of a study", response_class=DicomJson)
    @router.get(series_path + "/metadata", summary="Metadata of a series", response_class=DicomJson)
    @router.get(
        instance_path + "/metadata", summary="Metadata of an instance", response_class=DicomJson
    )
    def metadata(request: Request, study: str, series: str = "", instance: str = "") -> Response:
        root = str(request.base_url).rstrip("/") + "/dicom-web"
        return DicomJson(
            [_metadata(row, study, root) for row in select_rows(study, series, instance)]
        )

    @router.get(instance_path + "/frames/{numbers}", summary="Frames of an instance")
    def frames(study: str, series: str, instance: str, numbers: str) -> Response:
        if not re.fullmatch(r"\d{1,6}(,\d{1,6}){0,99}", numbers):
            raise InvalidValueError("frames expects numbers from 1, separated by commas")
        (row,) = select_rows(study, series, instance)
        kind, found = read_frames(
            service.files.read(row.sha256), [int(part) for part in numbers.split(",")]
        )
        return _stream(found, kind)

    @router.get(instance_path + "/rendered", summary="An instance as a picture")
    def rendered(study: str, series: str, instance: str) -> Response:
        (row,) = select_rows(study, series, instance)
        return Response(render_png(service.files.read(row.sha256)), media_type="image/png")


def _require_open(service: Service) -> None:
    if service.settings.is_deidentified:
        raise UnknownStudyError(
            "DICOMweb retrieval is closed in the de-identified mode; use /api/v1, which hides "
            "who the patient is"
        )


def _rows(service: Service, study: str, series: str, instance: str) -> list[InstanceRow]:
    statement = (
        select(InstanceRow)
        .join(StudyRow, StudyRow.id == InstanceRow.study_id)
        .where(StudyRow.study_uid == study)
        .order_by(InstanceRow.series_uid, InstanceRow.instance_number)
    )
    if series:
        statement = statement.where(InstanceRow.series_uid == series)
    if instance:
        statement = statement.where(InstanceRow.sop_uid == instance)
    with service.begin() as session:
        rows = list(session.scalars(statement))
    if not rows:
        raise UnknownStudyError("nothing with these identifiers is held here")
    return rows


def _metadata(row: InstanceRow, study: str, root: str) -> dict[str, Any]:
    result = dict(row.header)
    result["00083002"] = {"vr": "UI", "Value": [row.transfer_syntax]}
    result["00081190"] = {
        "vr": "UR",
        "Value": [f"{root}/studies/{study}/series/{row.series_uid}/instances/{row.sop_uid}"],
    }
    return result


def _stream(parts: Sequence[bytes] | Iterator[bytes], media_type: str) -> Response:
    multipart = Multipart(media_type)
    return StreamingResponse(join_parts(parts, multipart), media_type=multipart.content_type)
