"""Browsers that signed in: a random secret in a cookie, kept as a hash in the database.

The cookie is out of reach of scripts and is sent by this server's own pages only. What it
stands for is looked up at every request, so a token that was revoked, or a session that was
ended, ends at once and for every copy of the cookie.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping

from sqlalchemy import delete, select
from sqlalchemy.orm import Session
from starlette.responses import Response

from hilum.errors import UnauthorisedError
from hilum.serve.database.tables import SessionRow, TokenRow, now
from hilum.serve.service import Service
from hilum.serve.settings import Settings
from hilum.serve.web.security.identity import User, parse_roles
from hilum.serve.web.security.provider import Provider
from hilum.serve.web.security.tokens import hash_secret, user_of

__all__ = ["Sessions", "cookie_name", "forget_cookie", "set_cookie"]

ENDED = "the session has ended; sign in again"


def cookie_name(settings: Settings) -> str:
    """The session's cookie; the prefix makes browsers refuse it over plain HTTP."""
    return "__Host-hilum" if settings.is_secure else "hilum"


def set_cookie(response: Response, settings: Settings, secret: str) -> None:
    """Give the browser its secret: not for scripts, not for requests of other sites."""
    response.set_cookie(
        cookie_name(settings),
        secret,
        max_age=int(settings.session_hours * 3600),
        path="/",
        secure=settings.is_secure,
        httponly=True,
        samesite="strict",
    )


def forget_cookie(response: Response, settings: Settings) -> None:
    """Let the browser forget its secret."""
    response.delete_cookie(
        cookie_name(settings),
        path="/",
        secure=settings.is_secure,
        httponly=True,
        samesite="strict",
    )


class Sessions:
    """Opens, finds and ends sessions.

    ``provider`` is asked again about those whom it named, each time that its word has run out.
    """

    def __init__(self, service: Service, provider: Provider | None = None) -> None:
        self._service = service
        self._provider = provider

    def open_by_token(self, token: str) -> tuple[str, User]:
        """Sign in with a token of the server's own; the cookie's secret and the user.

        Raises:
            UnauthorisedError: The token is unknown, revoked or expired.
        """
        with self._service.begin() as session:
            query = select(TokenRow).where(TokenRow.sha256 == hash_secret(token))
            row = session.scalar(query)
            user = user_of(row)
            assert row is not None
            return self._open(session, user, token_id=row.id), user

    def open_for(self, user: User, refresh_token: str | None = None) -> str:
        """Sign in whom the identity provider named; the cookie's secret."""
        with self._service.begin() as session:
            secret = self._open(session, user, token_id="")
        if self._provider is not None and refresh_token:
            self._provider.keep(hash_secret(secret), refresh_token, user)
        return secret

    def find_user(self, secret: str) -> User:
        """Whose session it is.

        Raises:
            UnauthorisedError: It is unknown or over, or its token is.
            ArchiveError: The identity provider does not answer.
        """
        key = hash_secret(secret)
        with self._service.begin() as session:
            row = session.scalar(select(SessionRow).where(SessionRow.sha256 == key))
            token = session.get(TokenRow, row.token_id) if row and row.token_id else None
        if row is None or row.created_at + self._longest <= now():
            raise UnauthorisedError(ENDED)
        if row.token_id:
            user = user_of(token)
            ends = row.created_at + self._longest
            expires = min(ends.timestamp(), user.expires_at or ends.timestamp())
            return User(user.name, user.roles, expires, by="cookie")
        if row.expires_at <= now():
            return self._renew(row)
        roles = parse_roles(row.roles) if row.roles else frozenset()
        return User(row.user, roles, row.expires_at.timestamp(), by="cookie")

    def end(self, secret: str) -> None:
        """Sign out: no copy of the cookie is of use any more."""
        key = hash_secret(secret)
        with self._service.begin() as session:
            session.execute(delete(SessionRow).where(SessionRow.sha256 == key))
        if self._provider is not None:
            self._provider.forget(key)

    @property
    def _longest(self) -> dt.timedelta:
        return dt.timedelta(hours=self._service.settings.session_hours)

    def _open(self, session: Session, user: User, *, token_id: str) -> str:
        oldest = now() - self._longest
        session.execute(delete(SessionRow).where(SessionRow.created_at <= oldest))
        secret = secrets.token_urlsafe(32)
        ends = now() + self._longest
        if user.expires_at is not None:
            ends = min(ends, dt.datetime.fromtimestamp(user.expires_at, dt.UTC))
        roles = sorted(str(role) for role in user.roles)
        session.add(
            SessionRow(
                sha256=hash_secret(secret),
                token_id=token_id,
                user=user.name,
                roles=roles,
                expires_at=ends,
            )
        )
        return secret

    def _renew(self, row: SessionRow) -> User:
        """Ask the provider whether it still stands by the user."""
        user = self._provider.renew(row.sha256) if self._provider is not None else None
        if user is None:
            with self._service.begin() as session:
                session.execute(delete(SessionRow).where(SessionRow.id == row.id))
            raise UnauthorisedError(ENDED)
        ends = dt.datetime.fromtimestamp(user.expires_at or 0.0, dt.UTC)
        with self._service.begin() as session:
            kept = session.get(SessionRow, row.id)
            if kept is None:
                raise UnauthorisedError(ENDED)
            kept.expires_at = min(ends, row.created_at + self._longest)
            kept.roles = sorted(str(role) for role in user.roles)
        return User(user.name, user.roles, kept.expires_at.timestamp(), by="cookie")


def secret_of(cookies: Mapping[str, str], settings: Settings) -> str:
    """The secret among a request's cookies, empty where there is none."""
    return cookies.get(cookie_name(settings), "")
