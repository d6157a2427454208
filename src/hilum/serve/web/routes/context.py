"""What every route needs: the service, the user, and the mask of the de-identified mode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Path, Request

from hilum.errors import ConflictError, ForbiddenError, UnknownStudyError
from hilum.serve import studies
from hilum.serve.database.tables import ReadingRow, StudyRow
from hilum.serve.service import Service
from hilum.serve.web.masking import Mask
from hilum.serve.web.security.identity import User

__all__ = ["Call", "CallDep", "StudyId"]

StudyId = Annotated[
    str, Path(pattern=r"^[0-9a-f]{32}$", description="id of the study", examples=["0a" * 16])
]


@dataclass(frozen=True, slots=True)
class Call:
    """One request: the service, who asks, and the secret of stand-ins (None: shown as it is)."""

    service: Service
    user: User
    secret: bytes | None
    state: Any

    def study(self, study_id: str) -> StudyRow:
        """The study.

        Raises:
            UnknownStudyError: There is none with this id.
        """
        return studies.load(self.service, study_id)

    def mask(self, study: StudyRow) -> Mask | None:
        """What hides the patient of this study; None where nothing is hidden."""
        return Mask(self.secret, study) if self.secret is not None else None

    def reading(self, study_id: str) -> tuple[StudyRow, ReadingRow]:
        """The study and its newest reading.

        Raises:
            UnknownStudyError: There is no such study.
            ConflictError: It was not read yet.
        """
        study = self.study(study_id)
        reading = studies.latest_reading(self.service, study_id)
        if reading is None:
            raise ConflictError(f"the study is {study.state}; it has no reading yet")
        return study, reading

    def require_identified(self, what: str) -> None:
        """Raise ``ForbiddenError`` in de-identified mode for what cannot be masked."""
        if self.secret is not None:
            raise ForbiddenError(f"{what} is not given out in de-identified mode")


def make_call(request: Request) -> Call:
    """The call of a request that passed the gate."""
    state = request.app.state
    return Call(state.service, request.state.user, state.secret, request.state)


CallDep = Annotated[Call, Depends(make_call)]


def require_file(found: bool, what: str) -> None:
    """Raise ``UnknownStudyError`` unless it was found."""
    if not found:
        raise UnknownStudyError(f"there is no {what}")
