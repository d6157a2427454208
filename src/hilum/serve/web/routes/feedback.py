"""Feedback: what people say of a reading, kept with who and when."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from sqlalchemy import select

from hilum.errors import InvalidValueError, UnknownStudyError, require
from hilum.serve import events
from hilum.serve.database.tables import FeedbackRow, StudyRow
from hilum.serve.web.routes.context import CallDep, StudyId
from hilum.serve.web.shapes import FeedbackIn, FeedbackOut

__all__ = ["router"]

router = APIRouter(prefix="/api/v1/studies/{study_id}/feedback", tags=["feedback"])


@router.post(
    "",
    status_code=201,
    response_model_exclude_none=True,
    summary="Say something of a reading",
)
def give(call: CallDep, study_id: StudyId, said: FeedbackIn) -> FeedbackOut:
    """Keep feedback on the newest reading; a ``report`` must keep to the reading's evidence."""
    _, reading = call.reading(study_id)
    _check(said, reading.document)
    row = FeedbackRow(
        study_id=study_id,
        reading_id=reading.id,
        user=call.user.name,
        kind=said.kind,
        payload=said.model_dump(mode="json", exclude_none=True, exclude={"kind"}),
    )
    with call.service.begin() as session:
        study = session.get(StudyRow, study_id)
        if study is None:
            raise UnknownStudyError("there is no study with this identifier")
        study.feedback = said.kind
        session.add(row)
        events.append(session, "feedback", study_id, feedback=said.kind)
        session.flush()
    return _shape(row)


@router.get("", response_model_exclude_none=True, summary="What was said of a study's readings")
def show(call: CallDep, study_id: StudyId) -> list[FeedbackOut]:
    """All feedback, oldest first."""
    study = call.study(study_id)
    query = (
        select(FeedbackRow)
        .where(FeedbackRow.study_id == study_id)
        .order_by(FeedbackRow.created_at, FeedbackRow.id)
    )
    with call.service.begin() as session:
        rows = list(session.scalars(query))
    shapes = [_shape(row) for row in rows]
    mask = call.mask(study)
    if mask is None:
        return shapes
    for shape in shapes:  # whoever wrote it may have written a name
        shape.text = mask.text(shape.text) if shape.text else shape.text
        shape.created_at = mask.moment(shape.created_at) or shape.created_at
        for sentence in shape.sentences or ():
            sentence.text = mask.text(sentence.text)
    return shapes


def _shape(row: FeedbackRow) -> FeedbackOut:
    return FeedbackOut.model_validate(
        {
            **row.payload,
            "id": row.id,
            "user": row.user,
            "created_at": row.created_at,
            "kind": row.kind,
            "reading_id": row.reading_id,
        }
    )


def _check(said: FeedbackIn, document: dict[str, Any]) -> None:
    """Feedback points at what the reading holds, and says enough for its kind."""
    known = _evidence(document)
    if said.finding is not None and said.finding not in known:
        raise InvalidValueError("finding is not an id of this reading; see reading.json")
    box = said.box
    if box is not None:
        require(box.x0 < box.x1 and box.y0 < box.y1, "box needs x0 < x1 and y0 < y1")
    match said.kind:
        case "correct":
            is_said = said.status is not None or box is not None or bool(said.text)
            require(is_said, "a correction needs a status, a box or a text")
        case "comment":
            require(bool(said.text and said.text.strip()), "a comment needs a text")
        case "report":
            require(bool(said.sentences), "a report needs sentences")
    for sentence in said.sentences or ():
        if unknown := [item for item in sentence.evidence if item not in known]:
            raise InvalidValueError(
                f"{len(unknown)} ids of evidence are not of this reading; see reading.json"
            )
        require(
            sentence.is_edited or bool(sentence.evidence),
            "a sentence that was not edited keeps its evidence",
        )


def _evidence(document: dict[str, Any]) -> set[str]:
    known = {change["id"] for change in document["changes"]}
    for image in document["radiographs"]:
        quality = image["quality"]
        for items in (quality["reasons"], quality["warnings"], image["measurements"]):
            known |= {item["id"] for item in items}
        known |= {finding["id"] for finding in image["findings"]}
    return known
