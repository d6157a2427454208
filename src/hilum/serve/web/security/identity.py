"""Who asks, and what a role may do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from hilum.errors import InvalidValueError

__all__ = ["LOCAL", "Role", "User", "parse_roles"]


class Role(StrEnum):
    """What a user may do; an admin may do all of it."""

    READER = "reader"
    """See studies and readings, and give feedback."""
    SUBMITTER = "submitter"
    """Bring studies."""
    ADMIN = "admin"
    """Delete, and read the audit log."""


@dataclass(frozen=True, slots=True)
class User:
    """Who asks; ``expires_at`` is when that ends, in seconds since 1970, None for never.

    ``by`` says how they are known: nobody is asked here, a header that only programs send, or
    the cookie of a browser, which the browser sends whoever wrote the page.
    """

    name: str
    roles: frozenset[Role]
    expires_at: float | None = None
    by: Literal["nothing", "header", "cookie"] = "header"

    def has_any(self, roles: Iterable[Role]) -> bool:
        """Whether the user has one of the roles, or is an admin."""
        return Role.ADMIN in self.roles or not self.roles.isdisjoint(roles)


LOCAL = User("local", frozenset(Role), by="nothing")
"""Whoever sits at this machine, where no tokens are set up."""


def parse_roles(names: Iterable[str]) -> frozenset[Role]:
    """The roles of these names.

    Raises:
        InvalidValueError: One is unknown, or there is none.
    """
    try:
        roles = frozenset(Role(name) for name in names)
    except ValueError as error:
        known = ", ".join(Role)
        raise InvalidValueError(f"unknown role; choose from {known}") from error
    if not roles:
        raise InvalidValueError(f"name at least one role: {', '.join(Role)}")
    return roles
