"""Sign-in at an identity provider: code, PKCE, state and nonce, against one that really signs."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from hilum.serve import audit
from hilum.serve.service import Service
from hilum.serve.web.security import OWN_HEADER
from identity_provider import CLIENT, Issuer
from serve_web import BASE, TestClient, make_client, make_service

START = "/api/v1/session/provider"


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer() as issuer:
        yield issuer


@pytest.fixture
def service(tmp_path: Path, issuer: Issuer) -> Service:
    return make_service(tmp_path, oidc_issuer=issuer.url, oidc_client_id=CLIENT)


def follow(client: Any) -> str:
    """Begin, approve, and return the address that the provider sends the browser to."""
    answer = client.get(START, follow_redirects=False)
    assert answer.status_code == 303
    place = answer.headers["location"].replace("/authorize?", "/approve?")
    return httpx.get(place, follow_redirects=False).headers["location"]


def come_back(client: Any, place: str) -> Any:
    return client.get(place.removeprefix(BASE), follow_redirects=False)


def test_the_whole_way(service: Service, issuer: Issuer) -> None:
    client = make_client(service)
    assert client.get("/api/v1/session").json()["provider"] == "127.0.0.1"
    begun = client.get(START, follow_redirects=False)
    asked = parse_qs(urlsplit(begun.headers["location"]).query)
    assert asked["redirect_uri"] == [f"{BASE}{START}/callback"]
    assert len(asked["code_challenge"][0]) == 43
    assert asked["scope"] == ["openid profile"]
    assert "samesite=lax" in begun.headers["set-cookie"].lower()
    assert "httponly" in begun.headers["set-cookie"].lower()
    answer = come_back(client, follow(client))
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "eyJ" not in answer.headers["set-cookie"]  # no token reaches the browser
    me = client.get("/api/v1/me").json()
    assert (me["user"], me["roles"], me["signed_in_by"]) == ("ada", ["reader"], "cookie")
    assert client.get("/api/v1/studies").status_code == 200
    entry = audit.read_entries(service, limit=2)[1]
    assert (entry.user, entry.action, entry.detail["provider"]) == ("ada", "sign in", True)


def test_roles_of_the_access_token_count_where_the_id_token_has_none(
    service: Service, issuer: Issuer
) -> None:
    issuer.person = {"preferred_username": "ada"}
    issuer.access = {"roles": ["admin"]}
    client = make_client(service)
    come_back(client, follow(client))
    assert client.get("/api/v1/me").json()["roles"] == ["admin"]
    for strange in ({"roles": ["admin"], "sub": "u2"}, {"roles": ["admin"], "aud": "other"}):
        issuer.access = strange
        client = make_client(service)
        come_back(client, follow(client))
        assert client.get("/api/v1/session").json()["is_signed_in"] is True
        assert client.get("/api/v1/studies").status_code == 403  # known, but without a role


def test_answers_that_do_not_fit_are_refused(service: Service, issuer: Issuer) -> None:
    mine = make_client(service)
    other = TestClient(mine.app, BASE)
    place = follow(mine)
    refused = [
        come_back(other, place),  # another browser: it was not asked to begin
        come_back(mine, place),  # and the state is used up by that
        come_back(mine, follow(mine).replace("state=", "state=x")),
        come_back(mine, follow(mine).replace("code=", "code=x")),
        come_back(mine, f"{START}/callback?error=access_denied"),
        come_back(mine, f"{START}/callback"),
    ]
    issuer.nonce = "of another question"
    refused.append(come_back(mine, follow(mine)))
    issuer.nonce = None
    for answer in refused:
        assert (answer.status_code, answer.headers["location"]) == (303, "/?sign_in=refused")
        assert "hilum=" not in answer.headers.get("set-cookie", "")
    assert mine.get("/api/v1/me").status_code == 401
    assert come_back(mine, f"{START}/callback").status_code == 303
    assert come_back(mine, f"{START}/callback").status_code == 429  # guesses are limited


@pytest.mark.parametrize(
    "claims",
    [{"aud": "another"}, {"aud": [CLIENT, "another"]}, {"azp": "another"}, {"iss": "https://x.y"}],
)
def test_id_tokens_for_others_are_refused(
    service: Service, issuer: Issuer, claims: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    sign = issuer.sign
    monkeypatch.setattr(issuer, "sign", lambda **changes: sign(**{**changes, **claims}))
    client = make_client(service)
    assert come_back(client, follow(client)).headers["location"] == "/?sign_in=refused"


def test_the_provider_is_asked_again_and_ends_the_session(service: Service, issuer: Issuer) -> None:
    issuer.seconds = 1
    client = make_client(service)
    come_back(client, follow(client))
    before = len(issuer.exchanges)
    issuer.person = {"preferred_username": "ada", "roles": ["reader", "submitter"]}
    time.sleep(1.1)
    assert client.get("/api/v1/me").json()["roles"] == ["reader", "submitter"]
    assert len(issuer.exchanges) == before + 1
    issuer.is_trusted = False
    time.sleep(1.1)
    assert client.get("/api/v1/me").status_code == 401
    issuer.is_trusted = True
    assert client.get("/api/v1/me").status_code == 401  # it is over


def test_signing_out_forgets_what_renews(service: Service, issuer: Issuer) -> None:
    issuer.seconds = 1
    client = make_client(service)
    come_back(client, follow(client))
    secret = client.cookies["hilum"]
    assert client.delete("/api/v1/session", headers={OWN_HEADER: "1"}).status_code == 204
    time.sleep(1.1)
    answer = make_client(service).get("/api/v1/me", headers={"cookie": f"hilum={secret}"})
    assert answer.status_code == 401


def test_a_provider_that_is_away(tmp_path: Path) -> None:
    service = make_service(tmp_path, oidc_issuer="http://127.0.0.1:9/x", oidc_client_id=CLIENT)
    answer = make_client(service).get(START, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/?sign_in=away")


def test_without_a_client_there_is_no_such_way(tmp_path: Path, issuer: Issuer) -> None:
    service = make_service(tmp_path, oidc_issuer=issuer.url)
    client = make_client(service)
    assert client.get("/api/v1/session").json()["provider"] is None
    assert client.get(START).status_code == 404
    # a token of the issuer that somebody has can still be pasted
    answer = client.post(
        "/api/v1/session", json={"token": issuer.sign()}, headers={OWN_HEADER: "1"}
    )
    assert answer.status_code == 200
    assert client.get("/api/v1/me").json()["user"] == "u1"
