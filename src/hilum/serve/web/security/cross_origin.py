"""Viewers of another origin (OHIF, say) that may use DICOMweb: CORS by an explicit list.

Only DICOMweb, only origins that the operator named, no cookies: a page still sends the token of
its user. Nothing else of the server can be read by a page from elsewhere.
"""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["CrossOrigin", "is_viewer"]

PREFIX = "/dicom-web/"
METHODS = "GET, HEAD, POST"
REQUEST_HEADERS = "accept, authorization, content-type"
RESPONSE_HEADERS = "content-length, content-type, warning"
PREFLIGHT_SECONDS = 600


def is_viewer(origins: frozenset[str], headers: Headers, path: str) -> bool:
    """Whether a request comes from a page that may use what it asks for.

    >>> headers = Headers({"origin": "https://viewer.example"})
    >>> is_viewer(frozenset({"https://viewer.example"}), headers, "/dicom-web/studies")
    True
    >>> is_viewer(frozenset({"https://viewer.example"}), headers, "/api/v1/studies")
    False
    """
    return path.startswith(PREFIX) and headers.get("origin", "") in origins


class CrossOrigin:
    """Answers the preflights of listed origins and lets their pages read the answers."""

    def __init__(self, app: ASGIApp, *, origins: tuple[str, ...]) -> None:
        self.app = app
        self.origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer a preflight with 204."""
        if scope["type"] != "http" or not self.origins:
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        is_allowed = is_viewer(self.origins, headers, scope["path"])
        if (
            is_allowed
            and scope["method"] == "OPTIONS"
            and "access-control-request-method" in headers
        ):
            response = Response(
                status_code=204,
                headers={
                    "access-control-allow-methods": METHODS,
                    "access-control-allow-headers": REQUEST_HEADERS,
                    "access-control-max-age": str(PREFLIGHT_SECONDS),
                },
            )
            await response(scope, receive, self._marked(headers["origin"], send))
            return
        await self.app(
            scope, receive, self._marked(headers["origin"], send) if is_allowed else send
        )

    def _marked(self, origin: str, send: Send) -> Send:
        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["access-control-allow-origin"] = origin
                headers["access-control-expose-headers"] = RESPONSE_HEADERS
                headers["cross-origin-resource-policy"] = "cross-origin"
                headers.add_vary_header("Origin")
            await send(message)

        return marked
