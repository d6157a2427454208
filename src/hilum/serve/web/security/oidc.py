"""OpenID Connect: tokens that a hospital's identity provider signs.

A token is accepted when its signature fits a key of the issuer, its algorithm is an asymmetric
one of the list, and issuer, audience and expiry are right. Keys are fetched from the issuer's
discovery document and kept; an unknown key id fetches them again, but not more than twice a
minute, so that forged ids cannot make this server flood the issuer.
"""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import jwt

from hilum.errors import ArchiveError, InvalidValueError, UnauthorisedError, require
from hilum.serve.settings import LOOPBACK, Settings
from hilum.serve.web.security.identity import Role, User

__all__ = ["ALGORITHMS", "OpenIdConnect", "check_issuer", "read_json"]

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
"""Asymmetric only: never ``none``, never HMAC with a public key as its secret."""
LEEWAY_SECONDS = 30
KEEP_SECONDS = 3600.0
REFRESH_SECONDS = 30.0
TIMEOUT_SECONDS = 5.0
MAX_DOCUMENT = 1_000_000
MAX_TOKEN = 16_384


class OpenIdConnect:
    """Verifies tokens of one issuer.

    Args:
        settings: Names issuer, audience and the claim of the roles.
        clock: Seconds that only grow; decides when keys are fetched again.

    Raises:
        InvalidValueError: The issuer is neither HTTPS nor on this machine.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        _require_secure(settings.oidc_issuer)
        self._issuer = settings.oidc_issuer
        self._audience = settings.oidc_audience
        self._claim = settings.oidc_role_claim
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: dict[str, jwt.PyJWK] = {}
        self._places: dict[str, Any] = {}
        self._fetched: float | None = None

    def find_user(self, token: str) -> User:
        """Whose token it is, with the roles that its claim names; unknown roles are ignored.

        Raises:
            UnauthorisedError: The token is not valid, or not for this server.
            ArchiveError: The issuer's keys cannot be fetched.
        """
        return self.user_of(self.verify(token, self._audience))

    def user_of(self, claims: dict[str, Any]) -> User:
        """The user that verified claims speak of; unknown roles are ignored."""
        names = _claim_of(claims, self._claim)
        roles = frozenset(role for role in Role if role in names)
        name = claims.get("preferred_username") or claims["sub"]
        return User(str(name)[:64], roles, float(claims["exp"]))

    def place(self, name: str) -> str:
        """An address of the issuer's discovery document, e.g. ``token_endpoint``.

        Raises:
            ArchiveError: The issuer does not answer or does not name it.
            InvalidValueError: The address is not secure.
        """
        with self._lock:
            if self._fetched is None or self._clock() - self._fetched > KEEP_SECONDS:
                self._fetch()
            place = str(self._places.get(name, ""))
        if not place:
            raise ArchiveError(f"oidc_issuer names no {name}")
        _require_secure(place)
        return place

    def verify(self, token: str, audience: str) -> dict[str, Any]:
        """The claims of a token of the issuer for ``audience``.

        Raises:
            UnauthorisedError: The token is not valid, or not for this audience.
            ArchiveError: The issuer's keys cannot be fetched.
        """
        if len(token) > MAX_TOKEN:
            raise UnauthorisedError("the token is too long")
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in ALGORITHMS:
                raise UnauthorisedError("the token's algorithm is not accepted")
            claims: dict[str, Any] = jwt.decode(
                token,
                self._key(str(header.get("kid", ""))),
                algorithms=list(ALGORITHMS),
                audience=audience,
                issuer=self._issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iat", "sub", "aud", "iss"]},
            )
        except jwt.ExpiredSignatureError as error:
            raise UnauthorisedError("the token has expired; sign in again") from error
        except jwt.InvalidAudienceError as error:
            raise UnauthorisedError("the token is meant for another service") from error
        except jwt.InvalidIssuerError as error:
            raise UnauthorisedError("the token is of another issuer") from error
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise UnauthorisedError("the token is not valid") from error
        return claims

    def _key(self, key_id: str) -> jwt.PyJWK:
        with self._lock:
            age = None if self._fetched is None else self._clock() - self._fetched
            is_stale = age is None or age > KEEP_SECONDS
            may_look = key_id not in self._keys and (age is None or age > REFRESH_SECONDS)
            if is_stale or may_look:
                self._fetch()
            if key_id not in self._keys:
                raise UnauthorisedError("the token is signed with a key that the issuer lacks")
            return self._keys[key_id]

    def _fetch(self) -> None:
        self._fetched = self._clock()
        try:
            known = read_json(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
            if known.get("issuer") != self._issuer:
                raise ArchiveError("the discovery document names another issuer than oidc_issuer")
            place = str(known["jwks_uri"])
            _require_secure(place)
            self._keys = _signing_keys(read_json(place))
            self._places = known
        except (OSError, ValueError, KeyError, jwt.PyJWTError) as error:
            if not self._keys:
                self._fetched = None
                raise ArchiveError(
                    "the keys of oidc_issuer cannot be fetched; is the issuer reachable?"
                ) from error


def _signing_keys(document: dict[str, Any]) -> dict[str, jwt.PyJWK]:
    """Keys by id; encryption keys and symmetric ones are left out."""
    keys = {}
    for entry in document["keys"]:
        if entry.get("use", "sig") != "sig" or entry.get("kty") not in ("RSA", "EC", "OKP"):
            continue
        try:
            keys[str(entry.get("kid", ""))] = jwt.PyJWK(entry)
        except jwt.PyJWTError:
            continue  # a kind of key that is not supported does not spoil the others
    return keys


def read_json(url: str, form: bytes | None = None) -> dict[str, Any]:
    """The JSON object that an address answers with; ``form`` is posted where it is given.

    Raises:
        OSError: It does not answer, or with an error.
        ValueError: It answers with something else.
        ArchiveError: It answers with JSON that is no object.
    """
    request = urllib.request.Request(url, form, headers={"accept": "application/json"})
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
        document = json.loads(answer.read(MAX_DOCUMENT))
    if not isinstance(document, dict):
        raise ArchiveError("the identity provider answered with something else than an object")
    return document


def _require_secure(url: str) -> None:
    parts = urlsplit(url)
    is_local = parts.scheme == "http" and parts.hostname in LOOPBACK
    require(parts.scheme == "https" or is_local, "oidc_issuer and its keys must be https://...")


def _claim_of(claims: dict[str, Any], path: str) -> list[str]:
    """The values of a claim; dots lead into objects (``realm_access.roles``)."""
    value: Any = claims.get(path)
    if value is None:
        value = claims
        for part in path.split("."):
            value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, str):
        return value.split()
    return [str(item) for item in value] if isinstance(value, list) else []


def check_issuer(settings: Settings) -> None:
    """Raise ``InvalidValueError`` when ``oidc_issuer`` is set and cannot be used."""
    if settings.oidc_issuer:
        if not settings.oidc_audience:
            raise InvalidValueError("oidc_audience is empty; name the audience of this server")
        _require_secure(settings.oidc_issuer)
