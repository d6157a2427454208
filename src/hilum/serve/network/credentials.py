"""What Hilum shows an archive's DICOMweb: user and password, or a bearer token.

Secrets come from a file or the environment and are read anew for every connection, so that they
can be changed while the server runs. They are in no message of an error and in no log.
"""

from __future__ import annotations

from pathlib import Path

from requests import PreparedRequest
from requests.auth import AuthBase, HTTPBasicAuth

from hilum.errors import InvalidValueError, require
from hilum.serve.settings import Settings

__all__ = ["read_credentials"]

MAX_SECRET_BYTES = 65536


class _Bearer(AuthBase):
    """``Authorization: Bearer`` (RFC 6750)."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def read_credentials(settings: Settings) -> AuthBase | None:
    """How requests to the archive are authorised; None where nothing is set.

    Raises:
        InvalidValueError: A file cannot be read or holds nothing usable.
    """
    if settings.archive_token or settings.archive_token_file:
        token = settings.archive_token or _read_secret(
            "archive_token_file", settings.archive_token_file
        )
        require(
            token.isascii() and token.isprintable() and " " not in token,
            "the archive's token must be printable ASCII without spaces",
        )
        return _Bearer(token)
    if settings.archive_user:
        password = settings.archive_password or _read_secret(
            "archive_password_file", settings.archive_password_file
        )
        return HTTPBasicAuth(settings.archive_user.encode(), password.encode())
    return None


def _read_secret(name: str, file: str) -> str:
    """The text of a file without white space around it."""
    try:
        with Path(file).open("rb") as source:
            secret = source.read(MAX_SECRET_BYTES).decode("utf-8").strip()
    except OSError as error:
        raise InvalidValueError(f"{name} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise InvalidValueError(f"{name} holds no text in UTF-8") from None
    require(bool(secret), f"{name} names an empty file")
    return secret
