"""Studies: submitted, listed, looked at, retried and deleted."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Literal

from fastapi import APIRouter, File, Form, Query, UploadFile
from starlette.responses import Response

from hilum.errors import ConflictError, InvalidValueError, ResourceLimitError, UnreadableImageError
from hilum.serve import intake, jobs, studies
from hilum.serve.database.tables import StudyState
from hilum.serve.studies import SORTABLE, WorklistQuery
from hilum.serve.web.routes.context import Call, CallDep, StudyId, require_file
from hilum.serve.web.shapes import Deleted, Proof, StudyDetail, StudyPage, Submitted
from hilum.serve.web.summaries import describe_study, order_images, summarise
from hilum.types import Context

__all__ = ["router"]

router = APIRouter(prefix="/api/v1/studies", tags=["studies"])
BUSY = (StudyState.RECEIVING, StudyState.QUEUED, StudyState.READING)
MAX_FILES = 1000
DICOM = "application/dicom"


@router.post("", status_code=202, summary="Submit a study")
def submit(
    call: CallDep,
    files: Annotated[list[UploadFile], File(description="DICOM, PNG, JPEG, TIFF or zip")],
    indication: Annotated[str, Form(max_length=10_000)] = "",
    history: Annotated[str, Form(max_length=10_000)] = "",
    age_years: Annotated[float | None, Form(ge=0, le=130, allow_inf_nan=False)] = None,
    sex: Annotated[Literal["", "M", "F", "O"], Form()] = "",
    priority: Annotated[int | None, Form(ge=1, le=9)] = None,
) -> Submitted:
    """Take files in and queue what they belong to; follow ``url`` or the events for its state."""
    if len(files) > MAX_FILES:
        raise ResourceLimitError(f"at most {MAX_FILES} files at a time; pack them into a zip")
    if not any(file.size for file in files):
        raise UnreadableImageError("every file is empty")
    ids = intake.receive_files(
        call.service,
        [file.file for file in files],  # spooled to the disk by now, and read from there
        source=f"http:{call.user.name}"[:64],
        context=Context(indication, history, age_years, sex),
        priority=priority,
    )
    call.state.audit_object = ids[0]
    return _submitted(call, ids)


@router.get("", summary="The worklist")
def list_studies(
    call: CallDep,
    state: Annotated[list[StudyState] | None, Query()] = None,
    q: Annotated[str, Query(max_length=200, description="name, id, accession or text")] = "",
    finding: Annotated[str, Query(max_length=64, pattern=r"^[a-z_]*$")] = "",
    priority: Annotated[int | None, Query(ge=1, le=9)] = None,
    sort: Annotated[str, Query(pattern=rf"^-?({'|'.join(SORTABLE)})$")] = "priority",
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor: Annotated[str, Query(max_length=200)] = "",
) -> StudyPage:
    """Studies by filter and order, a page at a time; ``-`` before the sort key reverses it."""
    if call.secret is not None and (q or sort.endswith("patient_name")):
        raise InvalidValueError("in de-identified mode nothing is found or sorted by a name")
    wanted = WorklistQuery(
        states=tuple(state or ()),
        text=q,
        finding=finding,
        priority=priority,
        sort=sort,
        limit=limit,
        cursor=cursor,
    )
    page = studies.query(call.service, wanted)
    masks = {row.id: call.mask(row) for row in page.items}
    return StudyPage(
        items=summarise(call.service, page.items, masks),
        total=page.total,
        next_cursor=page.next_cursor,
    )


@router.get("/{study_id}", summary="A study with images and priors")
def show(call: CallDep, study_id: StudyId) -> StudyDetail:
    """One study; its ``revision`` grows when images came after it was read."""
    study = call.study(study_id)
    return describe_study(call.service, study, call.mask(study))


@router.get(
    "/{study_id}/images/{number}/dicom",
    summary="The DICOM file of an image",
    response_class=Response,
    responses={200: {"content": {DICOM: {}}, "description": "a DICOM file"}},
)
def download_image(call: CallDep, study_id: StudyId, number: int) -> Response:
    """The file as it was received, or its de-identified copy in that mode."""
    study = call.study(study_id)
    reading = studies.latest_reading(call.service, study_id)
    images = order_images(studies.images_of(call.service, study_id), reading)
    require_file(1 <= number <= len(images), "image of that number")
    data = call.service.files.read(images[number - 1].sha256)
    mask = call.mask(study)
    if mask is not None:
        data = mask.dicom(data)
    headers = {"content-disposition": f'attachment; filename="{study_id}-{number}.dcm"'}
    return Response(data, media_type=DICOM, headers=headers)


@router.post("/{study_id}/retry", status_code=202, summary="Read a study again")
def retry(call: CallDep, study_id: StudyId) -> Submitted:
    """Queue a study that was read, refused or failed as a new revision."""
    study = call.study(study_id)
    if study.state in BUSY:
        raise ConflictError(f"the study is {study.state}; wait until it is done")
    jobs.retry(call.service, study_id)
    return _submitted(call, [study_id])


def _submitted(call: Call, ids: list[str]) -> Submitted:
    state = StudyState(call.study(ids[0]).state)
    return Submitted(id=ids[0], state=state, url=f"/api/v1/studies/{ids[0]}", ids=ids)


@router.delete("/{study_id}", summary="Delete a study with proof")
def delete(
    call: CallDep,
    study_id: StudyId,
    reason: Annotated[str, Query(max_length=200)] = "asked for",
) -> Deleted:
    """Delete images, readings and feedback; the audit log keeps hashes and reason."""
    proof = studies.delete(call.service, study_id, user=call.user.name, reason=reason)
    return Deleted(proof=Proof(**dataclasses.asdict(proof)))
