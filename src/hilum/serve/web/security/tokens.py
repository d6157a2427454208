"""Bearer tokens of the server's own: random, shown once, stored as a hash.

A token has 256 random bits, so its plain SHA-256 cannot be searched through and needs no salt.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from collections.abc import Iterable

from sqlalchemy import select

from hilum.errors import UnauthorisedError, UnknownStudyError, require
from hilum.serve import audit
from hilum.serve.database.tables import TokenRow, new_id, now
from hilum.serve.service import Service
from hilum.serve.web.security.identity import User, parse_roles

__all__ = [
    "PREFIX",
    "create_token",
    "find_user",
    "has_tokens",
    "hash_secret",
    "list_tokens",
    "revoke_token",
    "user_of",
]

PREFIX = "hilum_"
MAX_DAYS = 3650
MAX_USER = 64


def create_token(
    service: Service, *, user: str, roles: Iterable[str], days: int
) -> tuple[str, str]:
    """Make a token for a person or a program.

    Args:
        service: The service.
        user: Whom the audit log names.
        roles: ``reader``, ``submitter``, ``admin``.
        days: After how many days it ends, 1 to 3650.

    Returns:
        Its id, which revokes it, and the token, which is stored nowhere and cannot be shown
        again.

    Raises:
        InvalidValueError: A role is unknown or a value out of range.
    """
    require(1 <= days <= MAX_DAYS, f"days must be 1 to {MAX_DAYS}, got {days}")
    require(
        0 < len(user) <= MAX_USER and user.isprintable(),
        f"user must have 1 to {MAX_USER} printable characters",
    )
    names = sorted(parse_roles(roles))
    token = PREFIX + secrets.token_urlsafe(32)
    row = TokenRow(
        id=new_id(),
        sha256=hash_secret(token),
        user=user,
        roles=[str(name) for name in names],
        expires_at=now() + dt.timedelta(days=days),
        is_revoked=False,
    )
    with service.begin() as session:
        session.add(row)
        audit.add(session, "command line", "create token", row.id, owner=user, roles=row.roles)
    return row.id, token


def find_user(service: Service, token: str) -> User:
    """Whose token it is.

    Raises:
        UnauthorisedError: It is unknown, revoked or expired.
    """
    with service.begin() as session:
        row = session.scalar(select(TokenRow).where(TokenRow.sha256 == hash_secret(token)))
    return user_of(row)


def user_of(row: TokenRow | None) -> User:
    """Whom a row of the table stands for.

    Raises:
        UnauthorisedError: It is unknown, revoked or expired.
    """
    if row is None or row.is_revoked:
        raise UnauthorisedError("the token is not known here; ask for a new one")
    if row.expires_at is not None and row.expires_at <= now():
        raise UnauthorisedError("the token has expired; ask for a new one")
    expires = row.expires_at.timestamp() if row.expires_at else None
    return User(row.user, parse_roles(row.roles), expires)


def has_tokens(service: Service) -> bool:
    """Whether a token was ever made and not revoked, expired ones included.

    A server whose tokens all ran out must not open its doors for that.
    """
    with service.begin() as session:
        return (
            session.scalar(select(TokenRow.id).where(TokenRow.is_revoked.is_(False)).limit(1))
            is not None
        )


def list_tokens(service: Service) -> list[TokenRow]:
    """All tokens, newest first; the tokens themselves are not known."""
    with service.begin() as session:
        return list(session.scalars(select(TokenRow).order_by(TokenRow.created_at.desc())))


def revoke_token(service: Service, token_id: str) -> None:
    """End a token at once.

    Raises:
        UnknownStudyError: There is none with this id.
    """
    with service.begin() as session:
        row = session.get(TokenRow, token_id)
        if row is None:
            raise UnknownStudyError("there is no token with this id; `hilum serve token list`")
        row.is_revoked = True
        audit.add(session, "command line", "revoke token", token_id, owner=row.user)


def hash_secret(token: str) -> str:
    """What is kept of a secret of 256 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()
