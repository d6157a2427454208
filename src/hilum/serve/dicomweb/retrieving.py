"""WADO-RS: instances, metadata, frames, bulk data and pictures (PS3.18 section 10.4)."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from itertools import islice

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from pydicom.uid import ExplicitVRLittleEndian
from sqlalchemy import select
from starlette.exceptions import HTTPException

from hilum.errors import InvalidValueError, UnknownStudyError, UnreadableImageError
from hilum.serve.database.tables import InstanceRow, StudyRow
from hilum.serve.dicomweb.frames import count_frames, read_dataset, read_frames, transcode
from hilum.serve.dicomweb.metadata import DicomJson, describe_instance, find_bulk
from hilum.serve.dicomweb.multipart import Multipart, Part, join_parts
from hilum.serve.dicomweb.negotiation import (
    DICOM_FILE,
    OCTETS,
    MediaRange,
    choose_file,
    choose_frames,
    choose_media,
    read_accept,
)
from hilum.serve.dicomweb.rendering import PICTURE_TYPES, read_look, render
from hilum.serve.dicomweb.routing import JSON_TYPES, base_url, check_uid, require_open
from hilum.serve.service import Service

__all__ = ["add_retrieving"]

STUDY = "/studies/{study}"
SERIES = STUDY + "/series/{series}"
INSTANCE = SERIES + "/instances/{instance}"
MAX_FRAMES = 100


def add_retrieving(router: APIRouter, service: Service) -> None:
    """Add the routes of the retrieval."""
    _add_instances(router, service)
    _add_frames(router, service)
    _add_pictures(router, service)


def _add_instances(router: APIRouter, service: Service) -> None:
    @router.get(STUDY, summary="Retrieve a study (WADO-RS)")
    @router.get(SERIES, summary="Retrieve a series (WADO-RS)")
    @router.get(INSTANCE, summary="Retrieve an instance (WADO-RS)")
    def retrieve(request: Request, study: str, series: str = "", instance: str = "") -> Response:
        rows = _find_rows(service, study, series, instance)
        ranges = read_accept(request)
        for row in rows:  # what cannot be sent is said before anything is sent
            choose_file(ranges, row.transfer_syntax)
        is_multipart = choose_file(ranges, rows[0].transfer_syntax).is_multipart
        parts = (_read_file(service, row, ranges) for row in rows)
        return _answer(parts, DICOM_FILE, is_multipart, count=len(rows))

    @router.get(STUDY + "/metadata", summary="Metadata of a study", response_class=DicomJson)
    @router.get(SERIES + "/metadata", summary="Metadata of a series", response_class=DicomJson)
    @router.get(INSTANCE + "/metadata", summary="Metadata of an instance", response_class=DicomJson)
    def metadata(request: Request, study: str, series: str = "", instance: str = "") -> Response:
        media_type, _ = choose_media(read_accept(request), JSON_TYPES)
        root = f"{base_url(request)}/studies/{study}"
        found = []
        for row in _find_rows(service, study, series, instance):
            url = f"{root}/series/{row.series_uid}/instances/{row.sop_uid}"
            found.append(describe_instance(service.files.path(row.sha256), url))
        return DicomJson(found, media_type=media_type)


def _add_frames(router: APIRouter, service: Service) -> None:
    @router.get(INSTANCE + "/frames/{numbers}", summary="Frames of an instance")
    def frames(request: Request, study: str, series: str, instance: str, numbers: str) -> Response:
        wanted = _read_numbers(numbers)
        (row,) = _find_rows(service, study, series, instance)
        return _send_frames(service, row, wanted, read_accept(request))

    @router.get(INSTANCE + "/bulkdata/{tag}", summary="A binary element of an instance")
    def bulkdata(request: Request, study: str, series: str, instance: str, tag: str) -> Response:
        if not re.fullmatch(r"[0-9A-Fa-f]{8}", tag):
            raise UnknownStudyError("the instance has no such bulk data")
        (row,) = _find_rows(service, study, series, instance)
        value = find_bulk(service.files.path(row.sha256), tag)
        ranges = read_accept(request)
        if value is None:
            return _send_frames(service, row, [], ranges)
        media_type, is_multipart = choose_media(ranges, (OCTETS,))
        return _answer(iter([(media_type, value)]), media_type, is_multipart is not False)


def _add_pictures(router: APIRouter, service: Service) -> None:
    def send(
        request: Request, rows: list[InstanceRow], *, frame: int = 1, is_thumbnail: bool = False
    ) -> Response:
        look = read_look(request.query_params, is_thumbnail=is_thumbnail)
        media_type, is_multipart = choose_media(read_accept(request), PICTURE_TYPES)
        pictures = (
            (media_type, render(service.files.read(row.sha256), media_type, look, frame=frame))
            for row in rows
        )
        # drawn before the answer begins, so that what cannot be shown is said by its status
        parts = list(pictures)
        is_multipart = len(parts) > 1 if is_multipart is None else is_multipart
        return _answer(iter(parts), media_type, is_multipart, count=len(parts))

    @router.get(STUDY + "/rendered", summary="A study's images as pictures")
    @router.get(SERIES + "/rendered", summary="A series' images as pictures")
    @router.get(INSTANCE + "/rendered", summary="An instance as a picture")
    def rendered(request: Request, study: str, series: str = "", instance: str = "") -> Response:
        rows = _find_rows(service, study, series, instance)
        return send(request, rows if instance else _shown(rows)[:MAX_FRAMES])

    @router.get(INSTANCE + "/frames/{number}/rendered", summary="A frame as a picture")
    def rendered_frame(
        request: Request, study: str, series: str, instance: str, number: str
    ) -> Response:
        rows = _find_rows(service, study, series, instance)
        return send(request, rows, frame=_read_numbers(number, at_most=1)[0])

    @router.get(STUDY + "/thumbnail", summary="A small picture of a study")
    @router.get(SERIES + "/thumbnail", summary="A small picture of a series")
    @router.get(INSTANCE + "/thumbnail", summary="A small picture of an instance")
    def thumbnail(request: Request, study: str, series: str = "", instance: str = "") -> Response:
        rows = _find_rows(service, study, series, instance)
        return send(request, rows if instance else _shown(rows)[:1], is_thumbnail=True)

    @router.get(INSTANCE + "/frames/{number}/thumbnail", summary="A small picture of a frame")
    def frame_thumbnail(
        request: Request, study: str, series: str, instance: str, number: str
    ) -> Response:
        rows = _find_rows(service, study, series, instance)
        frame = _read_numbers(number, at_most=1)[0]
        return send(request, rows, frame=frame, is_thumbnail=True)


def _find_rows(
    service: Service, study: str, series: str = "", instance: str = ""
) -> list[InstanceRow]:
    require_open(service)
    for value in filter(None, (study, series, instance)):
        check_uid(value)
    statement = (
        select(InstanceRow)
        .join(StudyRow, StudyRow.id == InstanceRow.study_id)
        .where(StudyRow.study_uid == study)
        .order_by(InstanceRow.series_uid, InstanceRow.instance_number, InstanceRow.id)
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


def _shown(rows: list[InstanceRow]) -> list[InstanceRow]:
    """Those that are pictures: what was received before what a reading produced.

    Raises:
        HTTPException: 406, there is none.
    """
    images = [row for row in rows if row.rows > 0 and row.columns > 0 and row.modality != "SEG"]
    images = images or [row for row in rows if row.rows > 0 and row.columns > 0]
    if not images:
        raise HTTPException(406, "there is nothing here that could be shown as a picture")
    return sorted(images, key=lambda row: row.origin == "produced")


def _read_numbers(text: str, *, at_most: int = MAX_FRAMES) -> list[int]:
    if not re.fullmatch(rf"[0-9]{{1,6}}(,[0-9]{{1,6}}){{0,{at_most - 1}}}", text):
        raise InvalidValueError("frames expects numbers from 1, separated by commas")
    return [int(part) for part in text.split(",")]


def _read_file(service: Service, row: InstanceRow, ranges: list[MediaRange]) -> Part:
    """A file in the syntax that was asked for; one that cannot be decoded goes as it is."""
    data, syntax = service.files.read(row.sha256), row.transfer_syntax
    encoding = choose_file(ranges, syntax)
    if encoding.syntax != syntax:
        with contextlib.suppress(UnreadableImageError):
            data, syntax = transcode(data), ExplicitVRLittleEndian
    return f"{DICOM_FILE}; transfer-syntax={syntax}", data


def _send_frames(
    service: Service, row: InstanceRow, numbers: list[int], ranges: list[MediaRange]
) -> Response:
    """Frames by number, all of them where none is named."""
    dataset = read_dataset(service.files.read(row.sha256))
    numbers = numbers or list(range(1, count_frames(dataset) + 1))
    encoding = choose_frames(ranges, row.transfer_syntax)
    is_decoded = encoding.syntax == ExplicitVRLittleEndian
    found = read_frames(dataset, numbers, is_decoded=is_decoded)
    kind = f"{encoding.media_type}; transfer-syntax={encoding.syntax}"
    parts = ((kind, frame) for frame in found)
    return _answer(parts, encoding.media_type, encoding.is_multipart, count=len(found))


def _answer(
    parts: Iterator[Part], media_type: str, is_multipart: bool, *, count: int = 1
) -> Response:
    """One part as it is, or parts as multipart/related.

    Raises:
        HTTPException: 406, several parts for a client that takes only one.
    """
    if is_multipart:
        multipart = Multipart(media_type)
        return StreamingResponse(join_parts(parts, multipart), media_type=multipart.content_type)
    if count != 1:
        raise HTTPException(406, f'{count} parts go as multipart/related; type="{media_type}" only')
    ((kind, content),) = islice(parts, 1)
    return Response(content, headers={"content-type": kind})
