"""Tokens of the server's own: shown once, kept as a hash, ended by time."""

import datetime as dt
from pathlib import Path

import pytest
from sqlalchemy import select

from hilum.errors import InvalidValueError, UnauthorisedError, UnknownStudyError
from hilum.serve.database.tables import TokenRow
from hilum.serve.service import Service
from hilum.serve.web.security import create_token, list_tokens, revoke_token
from hilum.serve.web.security import tokens as module
from hilum.serve.web.security.tokens import find_user, has_tokens
from serve_web import make_service


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return make_service(tmp_path)


def test_a_token_is_nowhere_in_the_database(service: Service) -> None:
    _, token = create_token(service, user="Ada", roles=["reader", "submitter"], days=30)
    user = find_user(service, token)
    assert (user.name, sorted(user.roles)) == ("Ada", ["reader", "submitter"])
    service.engine.dispose()
    files = [f.read_bytes() for f in service.settings.data.rglob("hilum.sqlite*")]
    assert files
    assert not any(token.encode() in data for data in files)
    assert create_token(service, user="Ada", roles=["reader"], days=30)[1] != token


def test_an_expired_token_is_refused(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    _, token = create_token(service, user="Ada", roles=["reader"], days=2)
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=2, seconds=1)
    monkeypatch.setattr(module, "now", lambda: later)
    with pytest.raises(UnauthorisedError, match="expired"):
        find_user(service, token)
    assert has_tokens(service)  # and so the server stays closed


def test_revoking(service: Service) -> None:
    assert not has_tokens(service)
    token_id, token = create_token(service, user="Ada", roles=["admin"], days=1)
    revoke_token(service, token_id)
    with pytest.raises(UnauthorisedError):
        find_user(service, token)
    assert [row.is_revoked for row in list_tokens(service)] == [True]
    with pytest.raises(UnknownStudyError, match="token list"):
        revoke_token(service, "0" * 32)


@pytest.mark.parametrize(
    ("user", "roles", "days"),
    [("Ada", ["king"], 1), ("Ada", [], 1), ("", ["reader"], 1), ("a\nb", ["reader"], 1)]
    + [("Ada", ["reader"], days) for days in (0, -1, 3651)],
)
def test_bad_wishes(service: Service, user: str, roles: list[str], days: int) -> None:
    with pytest.raises(InvalidValueError):
        create_token(service, user=user, roles=roles, days=days)
    with service.begin() as session:
        assert session.scalar(select(TokenRow.id)) is None
