"""Who asks: a token in the header, the cookie of a session, or whoever sits at the machine."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.requests import cookie_parser

from hilum.errors import InvalidValueError, UnauthorisedError
from hilum.serve.service import Service
from hilum.serve.web.security.identity import LOCAL, User
from hilum.serve.web.security.oidc import OpenIdConnect, check_issuer
from hilum.serve.web.security.provider import Provider
from hilum.serve.web.security.sessions import Sessions, secret_of
from hilum.serve.web.security.tokens import PREFIX, find_user, has_tokens

__all__ = ["Authenticator"]


class Authenticator:
    """Finds the user of a request.

    A server that knows nobody lets in whoever sits at the machine, until the first token is
    made: from then on it asks for one, without a restart, and stays so.

    Raises:
        InvalidValueError: The server would listen to other machines without knowing anybody,
            or the identity provider's settings cannot be used.
    """

    def __init__(self, service: Service) -> None:
        settings = service.settings
        check_issuer(settings)
        self._service = service
        self._oidc = OpenIdConnect(settings) if settings.oidc_issuer else None
        self.provider = (
            Provider(settings, self._oidc) if self._oidc and settings.oidc_client_id else None
        )
        self.sessions = Sessions(service, self.provider)
        self._was_open = self._oidc is None
        if self.is_open and not settings.is_loopback:
            raise InvalidValueError(
                f"host is {settings.host!r}, which other machines can reach, but nobody could be "
                "told apart: make a token with `hilum serve token create --role admin --days 30` "
                "or set oidc_issuer; or listen on 127.0.0.1"
            )

    @property
    def is_open(self) -> bool:
        """Whether nobody is asked who they are; once false, it stays so."""
        if self._was_open and has_tokens(self._service):
            self._was_open = False
        return self._was_open

    def find_user(self, headers: Headers) -> User:
        """The user that a request's headers stand for; a token goes before a cookie.

        Raises:
            UnauthorisedError: There is none, or it is not valid.
            ArchiveError: The identity provider cannot be asked.
        """
        if self.is_open:
            return LOCAL
        authorization = headers.get("authorization")
        if authorization is not None:
            return self._find_by_token(authorization)
        secret = self.secret_of(headers)
        if not secret:
            raise UnauthorisedError("send a token as `Authorization: Bearer ...`, or sign in")
        return self.sessions.find_user(secret)

    def secret_of(self, headers: Headers) -> str:
        """The secret in the session's cookie, empty where there is none."""
        return secret_of(cookie_parser(headers.get("cookie", "")), self._service.settings)

    def sign_in(self, token: str) -> tuple[str, User]:
        """Open a session for a token; the cookie's secret and the user.

        Raises:
            UnauthorisedError: The token is not valid.
            ArchiveError: The identity provider cannot be asked.
        """
        token = token.strip()
        if token.startswith(PREFIX) or self._oidc is None:
            return self.sessions.open_by_token(token)
        user = self._oidc.find_user(token)
        return self.sessions.open_for(user), user

    def _find_by_token(self, authorization: str) -> User:
        scheme, _, token = authorization.partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise UnauthorisedError("send a token as `Authorization: Bearer ...`")
        if token.startswith(PREFIX):
            return find_user(self._service, token)
        if self._oidc is None:
            raise UnauthorisedError("the token is not known here; ask for a new one")
        return self._oidc.find_user(token)
