"""The HTTP application: routes, and around them the layers that every request passes.

From the outside in: headers, metering and log, the net for unexpected errors, where a request
comes from, how many and how large, who asks and what they may (and the audit log), the routes.
"""

from __future__ import annotations

import threading
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi

from hilum._version import __version__
from hilum.serve.service import Service
from hilum.serve.supervisor import Supervisor
from hilum.serve.web.masking import read_secret
from hilum.serve.web.metrics import Metrics, RequestMeter
from hilum.serve.web.pages import Pages
from hilum.serve.web.problems import RESPONSES, ErrorBoundary, Problem, add_handlers
from hilum.serve.web.routes import (
    administration,
    feedback,
    health,
    live,
    readings,
    session,
    studies,
)
from hilum.serve.web.security import (
    AccessControl,
    Authenticator,
    BodyLimit,
    Bucket,
    CrossOrigin,
    RateLimit,
    SecurityHeaders,
    SourceCheck,
    cookie_name,
    find_rule,
)
from hilum.types import DISCLAIMER

__all__ = ["create_app"]

_ROUTERS = (
    session.router,
    studies.router,
    readings.router,
    feedback.router,
    live.router,
    administration.router,
    health.router,
)


def create_app(
    service: Service,
    supervisor: Supervisor | None = None,
    *,
    routers: tuple[APIRouter, ...] = (),
    metrics: Metrics | None = None,
    pages: Pages | None = None,
) -> FastAPI:
    """Make the application.

    ``app.state.stopping`` is to be set when the server begins to stop, so that live streams
    end instead of keeping it.

    Args:
        service: Settings, database and files.
        supervisor: Keeps the workers; without one the server counts as ready without them.
        routers: Further routes (DICOMweb); ``security.RULES`` says who may call them.
        metrics: Numbers that other parts of the server count in, too.
        pages: The viewer's files; those of the package by default.

    Raises:
        InvalidValueError: Other machines can reach the server and nobody could be told apart,
            or the identity provider's settings cannot be used.
        StorageError: The key of the de-identified mode cannot be kept.
    """
    settings = service.settings
    authenticator, pages = Authenticator(service), pages or Pages()
    metrics = metrics or Metrics(service)
    app = FastAPI(
        title="Hilum",
        version=__version__,
        description=f"Reads chest radiographs into draft reports. {DISCLAIMER}",
        docs_url=None,  # these pages load scripts from other hosts
        redoc_url=None,
        redirect_slashes=False,
        responses=RESPONSES,
    )
    app.state.service, app.state.metrics = service, metrics
    app.state.authenticator, app.state.attempts = authenticator, session.make_attempts()
    app.state.supervisor, app.state.stopping = supervisor, threading.Event()
    app.state.secret = read_secret(service) if settings.is_deidentified else None
    add_handlers(app)
    for router in (*_ROUTERS, *routers):
        app.include_router(router)
    pages.mount(app)
    # the last one added is the outermost
    app.add_middleware(
        AccessControl, service=service, authenticator=authenticator, is_static=pages.has
    )
    app.add_middleware(BodyLimit, max_upload_mb=settings.max_upload_mb, files=service.files)
    app.add_middleware(RateLimit, bucket=Bucket(settings.requests_per_minute))
    app.add_middleware(CrossOrigin, origins=settings.viewer_origins)
    app.add_middleware(SourceCheck, settings=settings)
    app.add_middleware(ErrorBoundary)
    app.add_middleware(RequestMeter, metrics=metrics)
    app.add_middleware(SecurityHeaders, has_tls=settings.is_secure)
    app.openapi = lambda: _describe(app)  # type: ignore[method-assign]
    return app


def _describe(app: FastAPI) -> dict[str, Any]:
    """OpenAPI with the problem's schema, and what token each route needs."""
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        parts = schema.setdefault("components", {})
        parts.setdefault("schemas", {})["Problem"] = Problem.model_json_schema()
        cookie = {"type": "apiKey", "in": "cookie", "name": cookie_name(app.state.service.settings)}
        parts["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer"},
            "cookie": cookie,
        }
        for path, operations in schema["paths"].items():
            for method, operation in operations.items():
                _add_roles(method.upper(), path, operation)
        app.openapi_schema = schema
    return app.openapi_schema


def _add_roles(method: str, path: str, operation: dict[str, Any]) -> None:
    rule = find_rule(method, path)
    if rule is None or rule.roles is None:
        operation["security"] = []
        return
    operation["security"] = [{"bearer": []}, {"cookie": []}]
    operation["x-roles"] = sorted(rule.roles | {"admin"})
