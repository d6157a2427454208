"""Readings: the document, its overlays, reports and objects, and rewording."""

from __future__ import annotations

import html
import io
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi import Path as PathField
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    Response,
)

from hilum.export import load_schema
from hilum.serve.reader_files import object_files, reading_folder
from hilum.serve.web.masking import Mask
from hilum.serve.web.rewording import reword
from hilum.serve.web.routes.context import Call, CallDep, StudyId, require_file
from hilum.serve.web.shapes import Reworded, RewordIn

__all__ = ["router"]

router = APIRouter(prefix="/api/v1/studies/{study_id}", tags=["readings"])
FileName = Annotated[str, PathField(pattern=r"^[a-z0-9_]{1,80}\.png$")]
PLAIN_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
_POLICY = re.compile(r'http-equiv="Content-Security-Policy"\s+content="([^"]*)"')


def _binary(media_type: str) -> dict[int | str, dict[str, Any]]:
    return {200: {"content": {media_type: {}}, "description": media_type}}


@router.get(
    "/reading",
    summary="The reading as reading.json",
    responses={200: {"content": {"application/json": {"schema": load_schema()}}}},
)
def show_reading(call: CallDep, study_id: StudyId) -> Response:
    """The document as ``hilum read`` writes it; paths of masks are relative to the study."""
    return JSONResponse(_document(call, study_id))


@router.get("/masks/{name}", summary="A mask", responses=_binary("image/png"))
def show_mask(call: CallDep, study_id: StudyId, name: FileName) -> Response:
    """A structure in the stored pixels of its image, 0 and 255."""
    return FileResponse(_file(call, study_id, f"masks/{name}"), media_type="image/png")


@router.get("/heatmaps/{image}/{name}", summary="A heat map", responses=_binary("image/png"))
def show_heatmap(
    call: CallDep,
    study_id: StudyId,
    image: Annotated[int, PathField(ge=1, le=10_000)],
    name: FileName,
) -> Response:
    """A finding over the whole stored image in grey, 0 for nothing to 255."""
    place = _file(call, study_id, f"heatmaps/{image}/{name}")
    return FileResponse(place, media_type="image/png")


@router.get("/report.html", summary="The draft report", response_class=HTMLResponse)
def show_html(call: CallDep, study_id: StudyId) -> Response:
    """The report as one page, with the policy that its own style and script need."""
    study, _ = call.reading(study_id)
    mask = call.mask(study)
    if mask is not None:
        text = html.escape(_plain_report(_document(call, study_id)))
        head = "<!doctype html><meta charset=utf-8><title>Hilum: draft report</title>"
        page = f"{head}<pre>{text}</pre>"
        return HTMLResponse(page, headers={"content-security-policy": PLAIN_POLICY})
    text = _file(call, study_id, "report.html").read_text("utf-8")
    found = _POLICY.search(text)
    policy = html.unescape(found[1]) if found else PLAIN_POLICY
    return HTMLResponse(text, headers={"content-security-policy": policy})


@router.get("/report.txt", summary="The draft report as text", response_class=PlainTextResponse)
def show_text(call: CallDep, study_id: StudyId) -> Response:
    """The report as plain text."""
    study, _ = call.reading(study_id)
    if call.mask(study) is not None:
        return PlainTextResponse(_plain_report(_document(call, study_id)))
    return PlainTextResponse(_file(call, study_id, "report.txt").read_text("utf-8"))


@router.get("/fhir", summary="The reading as FHIR", responses=_binary("application/fhir+json"))
def show_fhir(call: CallDep, study_id: StudyId) -> Response:
    """A FHIR bundle; not in de-identified mode."""
    call.require_identified("FHIR")
    place = _file(call, study_id, "fhir/bundle.json")
    return FileResponse(place, media_type="application/fhir+json")


@router.get("/objects.zip", summary="DICOM objects", responses=_binary("application/zip"))
def show_objects(call: CallDep, study_id: StudyId) -> Response:
    """Structured report, segmentations, presentation states and secondary captures."""
    study, reading = call.reading(study_id)
    mask = call.mask(study)
    files = object_files(call.service, study_id, reading.revision)
    require_file(bool(files), "DICOM object of this reading: no image was accepted")
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            data = file.read_bytes()
            archive.writestr(file.name, mask.dicom(data) if mask else data)
    headers = {"content-disposition": f'attachment; filename="{study_id}-objects.zip"'}
    return Response(target.getvalue(), media_type="application/zip", headers=headers)


@router.post("/reword", summary="Statuses and report by other operating points")
def reword_report(call: CallDep, study_id: StudyId, wanted: RewordIn) -> Reworded:
    """Draft the report again with other thresholds; nothing is read again and nothing stored."""
    study, reading = call.reading(study_id)
    result = reword(reading.document, wanted.operating_points, age_years=study.age_years)
    mask = call.mask(study)
    if mask is not None:
        result["report"] = _masked_sections(result["report"], mask)
    return Reworded.model_validate(result)


def _masked_sections(report: Mapping[str, Any], mask: Mask) -> dict[str, Any]:
    return {
        section: [{**item, "text": mask.sentence(item["text"])} for item in report[section]]
        for section in ("findings", "impression")
    }


def _document(call: Call, study_id: str) -> dict[str, Any]:
    study, reading = call.reading(study_id)
    mask = call.mask(study)
    return mask.document(reading.document) if mask else reading.document


def _file(call: Call, study_id: str, name: str) -> Path:
    """A file of the newest reading; names were checked by the route's pattern."""
    _, reading = call.reading(study_id)
    place = reading_folder(call.service, study_id, reading.revision) / name
    require_file(place.is_file(), "such file of this reading")
    return place


def _plain_report(document: Mapping[str, Any]) -> str:
    """The report of a masked document as text."""
    report = document["report"]
    lines = [document["disclaimer"], ""]
    for title in ("indication", "technique", "comparison"):
        if report[title]:
            lines += [f"{title.upper()}: {report[title]}"]
    for title in ("findings", "impression"):
        if report[title]:
            lines += ["", f"{title.upper()}:", *(item["text"] for item in report[title])]
    return "\n".join(lines) + "\n"
