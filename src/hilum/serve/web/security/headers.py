"""Headers: what a browser may do with an answer, and which requests are not meant for us."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hilum.serve.settings import LOOPBACK, Settings
from hilum.serve.web.problems import problem
from hilum.serve.web.security.cross_origin import is_viewer

__all__ = ["POLICY", "SecurityHeaders", "SourceCheck", "host_of"]

POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "
    "img-src 'self' data: blob:; font-src 'self'; connect-src 'self' blob:; "
    "worker-src 'self' blob:; frame-src 'self' blob:; manifest-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""What the viewer needs and no more: no foreign host, no inline script, no eval."""

FIXED = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
SAFE = ("GET", "HEAD", "OPTIONS")


class SecurityHeaders:
    """Adds the headers to every answer; a route's own policy or cache rule goes before."""

    def __init__(self, app: ASGIApp, *, has_tls: bool = False) -> None:
        self.app = app
        self.fixed = dict(FIXED)
        if has_tls:
            self.fixed["strict-transport-security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and complete the headers of its answer."""

        async def completed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.fixed.items():
                    if name != "cross-origin-resource-policy" or name not in headers:
                        headers[name] = value
                headers.setdefault("content-security-policy", POLICY)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        await self.app(scope, receive, completed)


def host_of(value: str) -> str:
    """The host name of a Host header, in lower case and without its port.

    >>> host_of("Reader.example:8080"), host_of("[::1]:80")
    ('reader.example', '::1')
    """
    try:
        return (urlsplit(f"//{value}").hostname or "").lower()
    except ValueError:
        return ""


class SourceCheck:
    """Refuses requests for other hosts and, from a browser, of other origins.

    A foreign page whose name was made to point here (DNS rebinding) sends its own name as
    Host; an address cannot be rebound. A foreign page that posts here sends its Origin; where
    a cookie says who asks, ``origin`` is stricter. Pages of ``viewer_origins`` may use DICOMweb.
    """

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        self.app = app
        self.allowed = frozenset(
            name.lower() for name in (*LOOPBACK, settings.host, *settings.allowed_hosts)
        )
        self.viewers = frozenset(settings.viewer_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 400 or 403."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refused = None
        if not self._is_own(host_of(headers.get("host", ""))):
            refused = problem(
                400, "this server does not go by that host name; add it to allowed_hosts"
            )
        elif not (
            is_viewer(self.viewers, headers, scope["path"])
            or self._is_same_origin(headers, scope["method"])
        ):
            refused = problem(403, "requests of other web pages are refused")
        await (refused or self.app)(scope, receive, send)

    def _is_own(self, host: str) -> bool:
        return host in self.allowed or _is_address(host)

    def _is_same_origin(self, headers: Headers, method: str) -> bool:
        origin = headers.get("origin")
        if origin is not None:
            return _is_origin_allowed(origin, headers.get("host", ""), self.allowed)
        site = headers.get("sec-fetch-site", "none")
        return method in SAFE or site in ("none", "same-origin")


def _is_origin_allowed(origin: str, host: str, allowed: Iterable[str]) -> bool:
    """The page's host is the one asked for, or another of this server's names.

    Another port of loopback passes (the viewer's development server).
    """
    try:
        name = (urlsplit(origin).hostname or "").lower()
    except ValueError:
        return False
    return bool(name) and (name == host_of(host) or name in set(allowed))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
