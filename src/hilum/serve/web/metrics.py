"""Metrics for Prometheus; labels hold routes, states and outcomes, never an identifier."""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Iterable
from threading import Lock

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import select
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hilum.serve import heartbeat, jobs
from hilum.serve.database.tables import ReadingRow, StudyState, now
from hilum.serve.service import Service

__all__ = ["Metrics", "RequestMeter"]

LOG = logging.getLogger(__name__)
READING_SECONDS = (0.5, 1, 2, 3, 5, 8, 13, 20, 30, 60, 120, 300)
REQUEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The numbers of one server, with a registry of their own."""

    def __init__(self, service: Service) -> None:
        self.registry = CollectorRegistry()
        self.requests = Histogram(
            "hilum_http_request_seconds",
            "Time until a request was answered.",
            ("method", "route", "status"),
            buckets=REQUEST_SECONDS,
            registry=self.registry,
        )
        self.readings = Histogram(
            "hilum_reading_seconds",
            "Time that reading a study took, of readings since this server started.",
            buckets=READING_SECONDS,
            registry=self.registry,
        )
        self.associations = Counter(
            "hilum_dicom_associations",
            "DICOM associations by outcome.",
            ("outcome",),
            registry=self.registry,
        )
        self.registry.register(_Studies(service))
        self._service = service
        self._seen_until = now()
        self._seen: set[str] = set()
        self._lock = Lock()

    def observe_association(self, outcome: str) -> None:
        """Count what became of a DICOM association."""
        self.associations.labels(outcome).inc()

    def render(self) -> bytes:
        """The text that Prometheus fetches."""
        self._observe_readings()
        return generate_latest(self.registry)

    def _observe_readings(self) -> None:
        """Workers are other processes: what they stored since the last look is counted here."""
        with self._lock:
            # a transaction that began earlier may end later: look back a little, count once
            since = self._seen_until - dt.timedelta(minutes=1)
            query = select(ReadingRow.id, ReadingRow.seconds, ReadingRow.created_at).where(
                ReadingRow.created_at > since
            )
            with self._service.begin() as session:
                rows = session.execute(query).all()
            start = self._seen_until if not self._seen else None
            for row in rows:
                if row.id not in self._seen and (start is None or row.created_at > start):
                    self.readings.observe(row.seconds)
            self._seen = {row.id for row in rows}
            self._seen_until = max([self._seen_until, *(row.created_at for row in rows)])


class _Studies(Collector):
    """Studies by state, from the database at the moment that it is asked."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Names without a look into the database."""
        return ()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """The gauges."""
        counts = jobs.count_by_state(self._service)
        studies = GaugeMetricFamily("hilum_studies", "Studies by state.", labels=["state"])
        for state, count in counts.items():
            studies.add_metric([str(state)], count)
        yield studies
        waiting, dead = counts[StudyState.QUEUED], counts[StudyState.FAILED]
        yield GaugeMetricFamily("hilum_queue_depth", "Studies that wait.", value=waiting)
        yield GaugeMetricFamily("hilum_dead_letters", "Studies tried in vain.", value=dead)
        silence = heartbeat.seconds_since(self._service)
        if silence is not None:
            yield GaugeMetricFamily(
                "hilum_worker_silence_seconds", "Since a worker was last heard of.", value=silence
            )


class RequestMeter:
    """Times every request and writes it to the log: method, route, status, user, no values."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and note how it ended."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            self._note(scope, status, time.perf_counter() - started)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route, method = _route_of(scope), _method_of(scope)
        self.metrics.requests.labels(method, route, str(status)).observe(seconds)
        user = scope.get("state", {}).get("user")
        LOG.info(
            "request",
            extra={
                "method": method,
                "route": route,
                "status": status,
                "ms": round(seconds * 1000, 1),
                "user": user.name if user else None,
            },
        )


def _route_of(scope: Scope) -> str:
    """The route's template, so that identifiers make no labels; one name for what has none."""
    route = scope.get("route")
    return str(getattr(route, "path", None) or "(other)")


def _method_of(scope: Scope) -> str:
    """The method, or one name for all that nobody uses."""
    method = str(scope["method"])
    return method if method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS") else "(other)"
