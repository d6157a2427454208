"""Health and metrics: for whoever watches over the server."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy import text

from hilum.errors import StorageError
from hilum.serve.service import Service
from hilum.serve.web.shapes import Health

__all__ = ["router"]

router = APIRouter(tags=["health"])


@router.get("/health/live", summary="Whether the server runs")
def show_live() -> Health:
    """It answers, so it lives."""
    return Health(status="ok")


@router.get("/health/ready", summary="Whether the server can work")
def show_ready(request: Request, response: Response) -> Health:
    """Database, free space and workers; 503 when one of them is not there."""
    state = request.app.state
    service: Service = state.service
    health = Health(status="ok")
    try:
        with service.begin() as session:
            session.execute(text("SELECT 1"))
    except StorageError:
        health.database = "does not answer"
    try:
        service.files.require_space()
    except (StorageError, OSError):
        health.disk = "too little free space"
    if state.supervisor is not None and service.settings.workers and not state.supervisor.alive:
        health.workers = "none is alive"
    if (health.database, health.disk, health.workers) != ("ok", "ok", "ok"):
        health.status = "unavailable"
        response.status_code = 503
    return health


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}, "description": "Prometheus text format"}},
)
def show_metrics(request: Request) -> Response:
    """Studies by state, queue, reading times, HTTP times, associations."""
    return Response(request.app.state.metrics.render(), media_type=CONTENT_TYPE_LATEST)
