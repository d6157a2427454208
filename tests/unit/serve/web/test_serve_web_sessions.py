"""Sign-in of browsers: what the cookie is, what it opens, what ends it, what is refused."""

import datetime as dt
import threading
from collections.abc import Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import httpx
import pytest

from hilum.serve import audit
from hilum.serve.dicomweb.server import dicomweb_router
from hilum.serve.service import Service
from hilum.serve.web.app import create_app
from hilum.serve.web.routes import live
from hilum.serve.web.security import OWN_HEADER, create_token, revoke_token
from hilum.serve.web.security import sessions as sessions_module
from serve_web import BASE, add_study, make_client, make_service, running, store_reading

SESSION = "/api/v1/session"
OWN = {"origin": BASE}
STRANGERS = (
    {"origin": "http://127.0.0.1:9999"},
    {"origin": "https://127.0.0.1"},
    {"origin": "http://localhost"},
    {"origin": "null"},
    {"origin": "http://127.0.0.1:9999", OWN_HEADER: "1"},
    {},
)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    service = make_service(tmp_path)
    yield service
    service.close()


def sign_in(client: Any, token: str) -> Any:
    return client.post(SESSION, json={"token": token}, headers=OWN)


def cookie_of(answer: Any) -> Any:
    (morsel,) = SimpleCookie(answer.headers["set-cookie"]).values()
    return morsel


def test_the_cookie_is_no_token_and_out_of_reach(service: Service) -> None:
    _, token = create_token(service, user="Ada", roles=["reader"], days=1)
    answer = sign_in(make_client(service), token)
    assert answer.json() == {"is_needed": True, "is_signed_in": True, "provider": None}
    cookie = cookie_of(answer)
    assert (cookie.key, cookie["httponly"], cookie["samesite"]) == ("hilum", True, "strict")
    assert (cookie["path"], cookie["domain"], cookie["secure"]) == ("/", "", "")
    assert cookie["max-age"] == str(12 * 3600)
    assert token not in answer.headers["set-cookie"]
    service.engine.dispose()
    files = [f.read_bytes() for f in service.settings.data.rglob("hilum.sqlite*")]
    assert files
    assert not any(cookie.value.encode() in data for data in files)


def test_behind_tls_the_cookie_is_secure(tmp_path: Path) -> None:
    service = make_service(tmp_path, is_behind_tls=True, allowed_hosts=("reader.example",))
    _, token = create_token(service, user="Ada", roles=["reader"], days=1)
    client = make_client(service)
    headers = {"host": "reader.example", "origin": "https://reader.example"}
    answer = client.post(SESSION, json={"token": token}, headers=headers)
    cookie = cookie_of(answer)
    assert (cookie.key, cookie["secure"], cookie["path"]) == ("__Host-hilum", True, "/")
    assert "strict-transport-security" in answer.headers
    plain = {"host": "reader.example", "origin": "http://reader.example"}
    assert client.post(SESSION, json={"token": token}, headers=plain).status_code == 403


def test_a_session_opens_what_the_token_would(service: Service) -> None:
    study = add_study(service)
    store_reading(service, study)
    _, token = create_token(service, user="Ada", roles=["reader"], days=1)
    client = make_client(service, routers=(dicomweb_router(service),))
    assert client.get(SESSION).json()["is_signed_in"] is False
    assert sign_in(client, token).status_code == 200
    assert client.get(SESSION).json()["is_signed_in"] is True
    me = client.get("/api/v1/me").json()
    assert (me["user"], me["roles"], me["signed_in_by"]) == ("Ada", ["reader"], "cookie")
    ends = dt.datetime.fromisoformat(me["expires_at"]) - dt.datetime.now(dt.UTC)
    assert dt.timedelta(hours=11.9) < ends <= dt.timedelta(hours=12)
    for path in ("", f"/{study}/reading", f"/{study}/images/1/dicom", f"/{study}/report.html"):
        assert client.get(f"/api/v1/studies{path}").status_code == 200
    assert client.get("/dicom-web/studies").status_code == 200
    assert client.get("/api/v1/audit").status_code == 403  # the token's roles, no more


@pytest.mark.parametrize("headers", STRANGERS)
def test_other_pages_cannot_use_the_cookie(service: Service, headers: dict[str, str]) -> None:
    study = add_study(service)
    store_reading(service, study)
    _, token = create_token(service, user="Ada", roles=["admin"], days=1)
    client = make_client(service)
    sign_in(client, token)
    said = {"kind": "comment", "text": "forged"}
    place = f"/api/v1/studies/{study}"
    assert client.post(f"{place}/feedback", json=said, headers=headers).status_code == 403
    assert client.delete(place, headers=headers).status_code == 403
    assert client.delete(SESSION, headers=headers).status_code == 403
    # signing somebody in under another name is a forgery, too
    assert client.post(SESSION, json={"token": token}, headers=headers).status_code == 403
    assert client.get(f"{place}/feedback").json() == []
    for own in (OWN, {OWN_HEADER: "1"}):
        assert client.post(f"{place}/feedback", json=said, headers=own).status_code == 201
    # a program with a token of its own sends no Origin and is no browser
    program = make_client(service, token)
    assert program.post(f"{place}/feedback", json=said).status_code == 201


def test_signing_out_ends_every_copy(service: Service) -> None:
    _, token = create_token(service, user="Ada", roles=["reader"], days=1)
    client = make_client(service)
    secret = cookie_of(sign_in(client, token)).value
    answer = client.delete(SESSION, headers=OWN)
    assert answer.status_code == 204
    assert cookie_of(answer)["max-age"] == "0"
    copy = {"cookie": f"hilum={secret}"}
    assert make_client(service).get("/api/v1/me", headers=copy).status_code == 401
    assert make_client(service, token).get("/api/v1/me").status_code == 200
    taken_back = make_client(service).get(SESSION, headers=copy)
    assert taken_back.json()["is_signed_in"] is False
    assert cookie_of(taken_back)["max-age"] == "0"
    entries = reversed(audit.read_entries(service, limit=2))
    assert [(e.user, e.action) for e in entries] == [("Ada", "sign in"), ("Ada", "sign out")]


def test_it_ends_with_its_token_and_with_time(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    token_id, token = create_token(service, user="Ada", roles=["reader"], days=1)
    _, other = create_token(service, user="Eve", roles=["reader"], days=1)
    first, second = make_client(service), make_client(service)
    sign_in(first, token)
    sign_in(second, other)
    revoke_token(service, token_id)
    assert first.get("/api/v1/me").status_code == 401
    assert second.get("/api/v1/me").status_code == 200
    later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=12, seconds=1)
    monkeypatch.setattr(sessions_module, "now", lambda: later)
    answer = second.get("/api/v1/me")
    assert answer.status_code == 401
    assert "sign in again" in answer.json()["detail"]


def test_guesses_are_limited_and_audited(service: Service) -> None:
    _, token = create_token(service, user="Ada", roles=["reader"], days=1)
    client = make_client(service)
    for _ in range(20):  # whoever is right is not counted
        assert sign_in(client, token).status_code == 200
    statuses = [sign_in(client, f"hilum_guess{n}").status_code for n in range(12)]
    assert statuses[:7] == [401] * 7
    assert statuses[-1] == 429
    assert int(sign_in(client, "hilum_guess").headers["retry-after"]) >= 1
    assert sign_in(client, token).status_code == 429  # no exception that would tell
    entries = audit.read_entries(service, limit=50)
    denied = [e for e in entries if e.action == "denied: sign in"]
    assert len(denied) == statuses.count(401)
    assert denied[0].detail == {"client": "testclient", "status": 401}
    assert "guess" not in str([(e.user, e.detail) for e in denied])


def test_the_first_token_closes_an_open_server_at_once(service: Service) -> None:
    client = make_client(service)
    assert client.get(SESSION).json() == {
        "is_needed": False,
        "is_signed_in": True,
        "provider": None,
    }
    assert client.get("/api/v1/me").json()["user"] == "local"
    assert sign_in(client, "hilum_any").status_code == 409
    token_id, token = create_token(service, user="Ada", roles=["reader"], days=1)
    assert client.get("/api/v1/me").status_code == 401
    assert client.get(SESSION).json()["is_needed"] is True
    assert sign_in(client, token).status_code == 200
    revoke_token(service, token_id)
    assert client.get("/api/v1/me").status_code == 401  # and does not open again by itself


def test_a_stream_ends_with_the_session(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(live.stream_events.__kwdefaults__, "check_seconds", 0.1)
    token_id, token = create_token(service, user="Ada", roles=["reader"], days=1)
    with running(create_app(service)) as address, httpx.Client(timeout=30) as client:
        headers = {OWN_HEADER: "1"}
        client.post(f"{address}{SESSION}", json={"token": token}, headers=headers)
        with client.stream("GET", f"{address}/api/v1/events") as answer:
            assert answer.status_code == 200
            lines = answer.iter_lines()
            assert next(lines).startswith("retry")
            threading.Timer(0.3, revoke_token, (service, token_id)).start()
            assert [line for line in lines if line.startswith("event")] == ["event: signed_out"]
        assert client.get(f"{address}/api/v1/events").status_code == 401


def test_a_stream_of_an_open_server_ends_with_the_first_token(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(live.stream_events.__kwdefaults__, "check_seconds", 0.1)

    def make() -> None:
        create_token(service, user="Ada", roles=["reader"], days=1)

    with (
        running(create_app(service)) as address,
        httpx.Client(timeout=30) as client,
        client.stream("GET", f"{address}/api/v1/events") as answer,
    ):
        lines = answer.iter_lines()
        assert next(lines).startswith("retry")
        timer = threading.Timer(0.2, make)
        timer.start()
        assert "event: signed_out" in list(lines)
        timer.join()
