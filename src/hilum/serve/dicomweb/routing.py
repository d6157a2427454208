"""What the DICOMweb routes share: their errors, addresses and checks."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from hilum.errors import InvalidValueError, UnknownStudyError, UnreadableImageError
from hilum.serve.service import Service

__all__ = ["JSON_TYPES", "DicomwebRoute", "base_url", "check_uid", "require_open"]

JSON_TYPES = ("application/dicom+json", "application/json")


class DicomwebRoute(APIRoute):
    """A route that answers with the status codes of PS3.18 (table 8.5-1).

    A wrong parameter is 400 and not 422; what has no representation that could be sent is 406.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The usual handler, with errors turned into those statuses."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except InvalidValueError as error:
                raise HTTPException(400, str(error)) from error
            except UnreadableImageError as error:
                raise HTTPException(406, str(error)) from error

        return answer


def base_url(request: Request) -> str:
    """Where the service is, as the client called it, without a slash at the end."""
    return str(request.base_url).rstrip("/") + "/dicom-web"


def check_uid(value: str) -> None:
    """Raise ``UnknownStudyError`` for what is no UID: nothing is held under it."""
    if not re.fullmatch(r"[0-9.]{1,64}", value, re.ASCII):
        raise UnknownStudyError("nothing with these identifiers is held here")


def require_open(service: Service) -> None:
    """Raise ``UnknownStudyError`` in the de-identified mode, in which nothing is given out."""
    if service.settings.is_deidentified:
        raise UnknownStudyError(
            "DICOMweb retrieval is closed in the de-identified mode; use /api/v1, which hides "
            "who the patient is"
        )
