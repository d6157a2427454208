"""Whether the settings towards an archive go together; what is wrong is said without secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from hilum.errors import InvalidValueError, require

if TYPE_CHECKING:
    from hilum.serve.settings import Settings

__all__ = ["LOOPBACK", "check_archive_settings"]

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def check_archive_settings(settings: Settings) -> None:
    """Check what belongs together, and that no secret would travel in the clear.

    Raises:
        InvalidValueError: Something does not go together.
    """
    require(
        settings.archive_retrieve in ("auto", "get", "move"),
        f"archive_retrieve takes auto, get or move, got {settings.archive_retrieve!r}",
    )
    require(
        settings.archive_retrieve != "move" or settings.dicom_port >= 0,
        "archive_retrieve = move needs the DICOM listener, which the archive sends to; "
        "set dicom_port",
    )
    require(
        bool(settings.archive_certificate) == bool(settings.archive_key),
        "archive_certificate and archive_key belong together; give both or neither",
    )
    require(
        settings.archive_checks_host or bool(settings.archive_ca),
        "archive_checks_host = false needs archive_ca: without both, anybody could be the archive",
    )
    for secret in ("archive_password", "archive_token"):
        require(
            not (getattr(settings, secret) and getattr(settings, f"{secret}_file")),
            f"{secret} and {secret}_file are both set; give one",
        )
    has_token = bool(settings.archive_token or settings.archive_token_file)
    has_password = bool(settings.archive_password or settings.archive_password_file)
    require(
        bool(settings.archive_user) == has_password,
        "archive_user belongs together with archive_password or archive_password_file",
    )
    require(":" not in settings.archive_user, "archive_user must not hold a colon")
    require(not (has_token and has_password), "give the archive a password or a token, not both")
    if settings.archive_dicomweb_url:
        _check_url(settings.archive_dicomweb_url, has_secret=has_token or has_password)


def _check_url(url: str, *, has_secret: bool) -> None:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise InvalidValueError(
            "archive_dicomweb_url is no address; expected http(s)://host:port/path"
        ) from None
    del port
    require(
        parts.scheme in ("http", "https") and bool(host),
        "archive_dicomweb_url is no address; expected http(s)://host:port/path",
    )
    require(
        parts.username is None and parts.password is None,
        "archive_dicomweb_url must not hold a user or password; use archive_user and "
        "archive_password_file",
    )
    require(
        not has_secret or parts.scheme == "https" or host in LOOPBACK,
        "a password or token for the archive needs https in archive_dicomweb_url",
    )
