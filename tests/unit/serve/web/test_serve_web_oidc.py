"""OpenID Connect against an issuer on this machine that signs whatever a test wants."""

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from hilum.errors import ArchiveError, InvalidValueError, UnauthorisedError
from hilum.serve.settings import Settings
from hilum.serve.web.security import Role
from hilum.serve.web.security.oidc import OpenIdConnect
from identity_provider import Issuer
from serve_web import make_client, make_service


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with Issuer() as issuer:
        yield issuer


@pytest.fixture
def provider(issuer: Issuer) -> OpenIdConnect:
    return OpenIdConnect(Settings(oidc_issuer=issuer.url))


def test_a_good_token(issuer: Issuer, provider: OpenIdConnect) -> None:
    token = issuer.sign(preferred_username="ada", roles=["reader", "king", "admin"])
    user = provider.find_user(token)
    assert (user.name, user.roles) == ("ada", {Role.READER, Role.ADMIN})
    assert provider.find_user(issuer.sign(roles="submitter other")).roles == {Role.SUBMITTER}
    assert provider.find_user(issuer.sign(roles=None)).roles == frozenset()


def test_roles_deep_in_the_claims(issuer: Issuer) -> None:
    settings = Settings(oidc_issuer=issuer.url, oidc_role_claim="realm_access.roles")
    token = issuer.sign(realm_access={"roles": ["submitter"]})
    assert OpenIdConnect(settings).find_user(token).roles == {Role.SUBMITTER}


def unsigned(issuer: Issuer, **changes: Any) -> str:
    parts = [{"alg": "none", "typ": "JWT", "kid": "k1"}, issuer.claims(**changes)]
    text = [base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=").decode() for p in parts]
    return ".".join([*text, ""])


def test_tokens_that_must_not_pass(issuer: Issuer, provider: OpenIdConnect) -> None:
    public = issuer.keys["k1"].public_key()
    modulus = str(public.public_numbers().n)
    now = int(time.time())
    other = rsa.generate_private_key(65537, 2048)
    header, body, signature = issuer.sign().split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    forged = base64.urlsafe_b64encode(json.dumps({**claims, "roles": ["admin"]}).encode())
    bad = {
        "expired": issuer.sign(exp=now - 60),
        "of another audience": issuer.sign(aud="other"),
        "of another issuer": issuer.sign(iss="https://elsewhere.example"),
        "not yet valid": issuer.sign(nbf=now + 600),
        "without expiry": issuer.sign(exp=None),
        "without audience": issuer.sign(aud=None),
        "without subject": issuer.sign(sub=None),
        "signed by another": issuer.sign(key=other),
        "of an unknown key": issuer.sign(kid="k9"),
        "unsigned": unsigned(issuer),
        "signed with the public key as a secret": issuer.sign(key=modulus, algorithm="HS256"),
        "signed with a symmetric key of the set": issuer.sign(
            kid="hmac", key="secret" * 8, algorithm="HS256"
        ),
        "changed": f"{header}.{forged.rstrip(b'=').decode()}.{signature}",
        "cut": f"{header}.{body}",
        "nothing": "...",
        "long": "a" * 20_000,
    }
    passed = []
    for name, token in bad.items():
        try:
            provider.find_user(token)
        except UnauthorisedError:
            continue
        passed.append(name)
    assert passed == []


def test_keys_are_kept_and_a_new_one_is_found(issuer: Issuer) -> None:
    clock = [0.0]
    provider = OpenIdConnect(Settings(oidc_issuer=issuer.url), clock=lambda: clock[0])
    before = issuer.fetches
    for _ in range(3):
        provider.find_user(issuer.sign())
    assert issuer.fetches == before + 1
    issuer.keys["k2"] = rsa.generate_private_key(65537, 2048)
    token = issuer.sign(kid="k2", key=issuer.keys["k2"])
    with pytest.raises(UnauthorisedError):  # too soon after the last look
        provider.find_user(token)
    assert issuer.fetches == before + 1
    clock[0] += 31.0
    assert provider.find_user(token).name == "u1"
    assert issuer.fetches == before + 2


def test_an_issuer_that_does_not_answer_is_no_permission(tmp_path: Path) -> None:
    service = make_service(tmp_path, oidc_issuer="http://127.0.0.1:9/none")
    token = jwt.encode({"sub": "u"}, rsa.generate_private_key(65537, 2048), "RS256")
    answer = make_client(service, token).get("/api/v1/me")
    assert answer.status_code == 503
    with pytest.raises(ArchiveError):
        OpenIdConnect(service.settings).find_user(token)


def test_the_issuer_must_be_secure() -> None:
    with pytest.raises(InvalidValueError, match="https"):
        OpenIdConnect(Settings(oidc_issuer="http://login.example"))


def test_over_http(issuer: Issuer, tmp_path: Path) -> None:
    service = make_service(tmp_path, oidc_issuer=issuer.url, host="0.0.0.0")
    assert make_client(service, issuer.sign()).get("/api/v1/studies").status_code == 200
    answer = make_client(service, issuer.sign(exp=1)).get("/api/v1/studies")
    assert answer.status_code == 401
    assert "expired" in answer.json()["detail"]
    assert make_client(service, issuer.sign(roles=[])).get("/api/v1/studies").status_code == 403
    assert make_client(service).get("/api/v1/studies").status_code == 401
