"""The DICOMweb routes: STOW-RS in; QIDO-RS and WADO-RS over what Hilum holds.

Enough for a viewer such as OHIF or a DICOMweb client. Hilum is no archive: what is asked for
is what was sent to be read, and what the readings produced.
"""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from hilum.serve.dicomweb.metadata import DicomJson
from hilum.serve.dicomweb.negotiation import choose_media, read_accept
from hilum.serve.dicomweb.retrieving import add_retrieving
from hilum.serve.dicomweb.routing import JSON_TYPES, DicomwebRoute, base_url
from hilum.serve.dicomweb.searching import add_searching
from hilum.serve.dicomweb.spooling import split_spooled, spool_body
from hilum.serve.dicomweb.storing import store_instances
from hilum.serve.service import Service

__all__ = ["dicomweb_router"]


def dicomweb_router(service: Service) -> APIRouter:
    """The routes under ``/dicom-web`` for a service."""
    router = APIRouter(prefix="/dicom-web", tags=["DICOMweb"], route_class=DicomwebRoute)
    _add_storing(router, service)
    add_searching(router, service)
    add_retrieving(router, service)
    return router


def _add_storing(router: APIRouter, service: Service) -> None:
    @router.post("/studies", summary="Store instances (STOW-RS)", response_class=DicomJson)
    @router.post(
        "/studies/{study}", summary="Store instances of a study (STOW-RS)", response_class=DicomJson
    )
    async def store(request: Request, study: str = "") -> Response:
        media_type, _ = choose_media(read_accept(request), JSON_TYPES)
        content_type = request.headers.get("content-type", "")
        kind = content_type.partition(";")[0].strip().lower()
        if kind not in ("application/dicom", "multipart/related"):
            raise HTTPException(415, 'send multipart/related; type="application/dicom"')
        user = getattr(getattr(request.state, "user", None), "name", "local")
        with await spool_body(request.stream()) as body:
            parts = [(kind, body)]
            if kind == "multipart/related":
                parts = await run_in_threadpool(split_spooled, body, content_type)
            status, answer = await run_in_threadpool(
                store_instances,
                service,
                (content for _, content in parts),
                source=f"http:{user}"[:64],
                study_uid=study,
                root=base_url(request),
            )
        return DicomJson(answer, status_code=status, media_type=media_type)
