"""Health and metrics: for whoever watches over the server."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from hilum.errors import StorageError
from hilum.serve import heartbeat, jobs
from hilum.serve.database.tables import StudyState
from hilum.serve.service import Service
from hilum.serve.supervisor import Supervisor
from hilum.serve.web.shapes import Health

__all__ = ["router"]

router = APIRouter(tags=["health"])


@router.get("/health/live", summary="Whether the server runs")
def show_live() -> Health:
    """It answers, so it lives."""
    return Health(status="ok")


@router.get(
    "/health/ready", summary="Whether the server can work", response_model_exclude_none=True
)
def show_ready(request: Request, response: Response) -> Health:
    """Database, free space, workers and their last heartbeat, queue; 503 when it cannot work.

    Studies that wait, and dead letters, are told and do not make the server unavailable.
    """
    state = request.app.state
    service: Service = state.service
    health = Health(status="ok")
    try:
        counts = jobs.count_by_state(service)
        health.waiting, health.dead_letters = counts[StudyState.QUEUED], counts[StudyState.FAILED]
        silence = heartbeat.seconds_since(service)
        health.heartbeat_seconds = None if silence is None else round(silence, 1)
        health.workers = _judge_workers(service, state.supervisor, silence)
    except StorageError:
        health.database = "does not answer"
    try:
        health.free_mb = service.files.free_mb()
        service.files.require_space()
    except (StorageError, OSError):
        health.disk = "too little free space"
    if (health.database, health.disk, health.workers) != ("ok", "ok", "ok"):
        health.status = "unavailable"
        response.status_code = 503
    return health


def _judge_workers(service: Service, supervisor: Supervisor | None, silence: float | None) -> str:
    """What is wrong with the workers of a server that has some."""
    if supervisor is None or not service.settings.workers:
        return "ok"
    if not supervisor.alive:
        return "none is alive"
    if silence is None or silence > heartbeat.STALE_SECONDS:
        return "none was heard of lately"
    return "ok"


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}, "description": "Prometheus text format"}},
)
def show_metrics(request: Request) -> Response:
    """Studies by state, queue, reading times, HTTP times, associations."""
    return Response(request.app.state.metrics.render(), media_type=CONTENT_TYPE_LATEST)
