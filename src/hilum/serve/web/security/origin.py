"""Forged requests: a cookie goes along with whatever a page sends, so the page must be ours.

A request that changes something and is known by its cookie must name this very server, port
included, as its Origin, or carry a header that no page of another origin can add.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers

from hilum.errors import ForbiddenError
from hilum.serve.settings import Settings

__all__ = ["OWN_HEADER", "is_own_page", "require_own_page"]

OWN_HEADER = "x-hilum-request"
SAFE = ("GET", "HEAD", "OPTIONS")
PORTS = {"http": 80, "https": 443}


def is_own_page(headers: Headers, settings: Settings) -> bool:
    """Whether the request comes from a page of this server, or from a program that says so."""
    origin = headers.get("origin")
    if origin is None:
        return bool(headers.get(OWN_HEADER))
    scheme = "https" if settings.is_secure else "http"
    return _address(origin) == _address(f"{scheme}://{headers.get('host', '')}")


def require_own_page(method: str, headers: Headers, settings: Settings) -> None:
    """Pass what only reads, and what comes from this server's own pages.

    Raises:
        ForbiddenError: Another page may have sent it.
    """
    if method not in SAFE and not is_own_page(headers, settings):
        raise ForbiddenError(
            "with a cookie, requests that change something must come from this server's own "
            f"pages or carry {OWN_HEADER}; behind a proxy that ends TLS, set is_behind_tls"
        )


def _address(value: str) -> tuple[str, str, int | None]:
    try:
        parts = urlsplit(value)
        port = parts.port or PORTS.get(parts.scheme)
    except ValueError:
        return "", "", None
    return parts.scheme, (parts.hostname or "").lower(), port
