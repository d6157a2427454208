"""``hilum serve token``: printed once, listed without the secret, revoked by id."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from hilum.cli.serve_tokens import app
from hilum.errors import InvalidValueError, UnauthorisedError
from hilum.serve import Settings, open_service
from hilum.serve.web.security.tokens import PREFIX, find_user


def test_create_list_revoke(tmp_path: Path) -> None:
    run, data = CliRunner(), ["--data", str(tmp_path)]
    done = run.invoke(app, ["create", "--role", "reader", "--user", "Ada", "--days", "3", *data])
    token = done.stdout.strip()
    assert token.startswith(PREFIX)
    service = open_service(Settings(data=tmp_path))
    assert find_user(service, token).name == "Ada"
    shown = run.invoke(app, ["list", *data]).stdout
    assert "Ada" in shown
    assert "valid" in shown
    assert token not in shown
    token_id = shown.splitlines()[1].split()[0]
    assert run.invoke(app, ["revoke", token_id, *data]).stdout == "revoked\n"
    assert "revoked" in run.invoke(app, ["list", *data]).stdout
    with pytest.raises(UnauthorisedError):
        find_user(service, token)
    service.close()


def test_an_unknown_role_is_an_error_of_hilum(tmp_path: Path) -> None:
    arguments = ["create", "--role", "king", "--user", "Ada", "--data", str(tmp_path)]
    assert isinstance(CliRunner().invoke(app, arguments).exception, InvalidValueError)
