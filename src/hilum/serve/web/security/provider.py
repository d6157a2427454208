"""Sign-in at an identity provider: authorisation code with PKCE (RFC 6749, 7636, OpenID Connect).

The browser is sent to the provider and comes back with a code, which this server exchanges; no
token reaches the browser. State binds the answer to the browser that asked, the nonce binds the
ID token to the question, the verifier the code to this server.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
import time
import urllib.error
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from hilum.errors import ArchiveError, UnauthorisedError
from hilum.serve.settings import Settings
from hilum.serve.web.security.identity import User
from hilum.serve.web.security.oidc import OpenIdConnect, read_json

__all__ = ["PENDING_SECONDS", "Provider"]

PENDING_SECONDS = 600
MAX_PENDING = 1000
MAX_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Pending:
    """A sign-in that has begun: what must fit when the browser comes back."""

    verifier: str
    nonce: str
    redirect_uri: str
    until: float


@dataclass(frozen=True, slots=True)
class Kept:
    """What renews a session, and whom the issuer named last."""

    refresh_token: str
    user: User


class Provider:
    """Sends browsers to the issuer and takes them back.

    Refresh tokens are kept in memory only; after a restart of the server, whoever's word has
    run out signs in again.

    Args:
        settings: Client, scope and audience.
        oidc: Verifies what the issuer signs.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        settings: Settings,
        oidc: OpenIdConnect,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._oidc = oidc
        self._clock = clock
        self._lock = threading.Lock()
        self._pending: OrderedDict[str, Pending] = OrderedDict()
        self._kept: OrderedDict[str, Kept] = OrderedDict()

    @property
    def name(self) -> str:
        """The issuer's host, as the page names it."""
        return urlsplit(self._settings.oidc_issuer).hostname or ""

    def start(self, redirect_uri: str) -> tuple[str, str]:
        """Begin a sign-in: where to send the browser, and the state that it must bring back.

        Raises:
            ArchiveError: The issuer does not answer.
        """
        state, nonce = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        verifier = secrets.token_urlsafe(48)
        digest = hashlib.sha256(verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self._settings.oidc_client_id,
            "redirect_uri": redirect_uri,
            "scope": self._settings.oidc_scope,
            "state": state,
            "nonce": nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        place = self._oidc.place("authorization_endpoint")
        with self._lock:
            until = self._clock() + PENDING_SECONDS
            self._pending[state] = Pending(verifier, nonce, redirect_uri, until)
            while len(self._pending) > MAX_PENDING:
                self._pending.popitem(last=False)
        return f"{place}{'&' if '?' in place else '?'}{urlencode(query)}", state

    def finish(self, *, state: str, cookie: str, code: str) -> tuple[User, str | None]:
        """Exchange the code; the user, and a refresh token where the issuer gives one.

        Args:
            state: As the issuer sent it back.
            cookie: As this browser got it at the start.
            code: As the issuer gave it.

        Raises:
            UnauthorisedError: It was not this browser that began, or too long ago, or the
                issuer refuses the code, or what it signed does not fit.
            ArchiveError: The issuer does not answer.
        """
        with self._lock:
            # taken out in any case: a state is of use once
            pending = self._pending.pop(state, None)
        is_mine = secrets.compare_digest(state.encode(), cookie.encode())
        if pending is None or not is_mine or pending.until < self._clock():
            raise UnauthorisedError("this sign-in was not begun here; begin again")
        answer = self._ask(
            grant_type="authorization_code",
            code=code,
            redirect_uri=pending.redirect_uri,
            code_verifier=pending.verifier,
        )
        claims = self._claims(answer)
        if not secrets.compare_digest(
            str(claims.get("nonce", "")).encode(), pending.nonce.encode()
        ):
            raise UnauthorisedError("the issuer's answer is to another question")
        return self._user(claims, answer), _refresh_of(answer)

    def keep(self, key: str, refresh_token: str, user: User) -> None:
        """Keep what renews a session, by the session's key."""
        with self._lock:
            self._kept[key] = Kept(refresh_token, user)
            while len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)

    def forget(self, key: str) -> None:
        """Forget what renews a session."""
        with self._lock:
            self._kept.pop(key, None)

    def renew(self, key: str) -> User | None:
        """Ask the issuer anew; None when it no longer stands by the user, or cannot be asked.

        Raises:
            ArchiveError: The issuer does not answer.
        """
        # one at a time: a refresh token is often good for a single use
        with self._lock:
            kept = self._kept.get(key)
            if kept is None or (kept.user.expires_at or 0.0) > time.time():
                return kept.user if kept else None
            try:
                answer = self._ask(grant_type="refresh_token", refresh_token=kept.refresh_token)
                user = self._renewed(kept.user, answer)
            except UnauthorisedError:
                del self._kept[key]
                return None
            self._kept[key] = Kept(_refresh_of(answer) or kept.refresh_token, user)
            return user

    def _renewed(self, before: User, answer: dict[str, Any]) -> User:
        if "id_token" not in answer:  # the issuer need not repeat it
            seconds = answer.get("expires_in")
            until = time.time() + (float(seconds) if isinstance(seconds, int | float) else 60.0)
            return User(before.name, before.roles, until)
        user = self._user(self._claims(answer), answer)
        if user.name != before.name:
            raise UnauthorisedError("the issuer speaks of somebody else")
        return user

    def _ask(self, **form: str) -> dict[str, Any]:
        form["client_id"] = self._settings.oidc_client_id
        try:
            return read_json(self._oidc.place("token_endpoint"), urlencode(form).encode())
        except urllib.error.HTTPError as error:
            if 400 <= error.code < 500:
                raise UnauthorisedError("the issuer refuses; begin again") from error
            raise ArchiveError("the identity provider does not answer") from error
        except (OSError, ValueError) as error:
            raise ArchiveError("the identity provider does not answer") from error

    def _claims(self, answer: dict[str, Any]) -> dict[str, Any]:
        client = self._settings.oidc_client_id
        claims = self._oidc.verify(str(answer.get("id_token", "")), client)
        is_shared = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", None if is_shared else client) != client:
            raise UnauthorisedError("the token is meant for another service")
        return claims

    def _user(self, claims: dict[str, Any], answer: dict[str, Any]) -> User:
        """The ID token's user; roles from the access token where the ID token has none."""
        user = self._oidc.user_of(claims)
        if user.roles:
            return user
        try:
            token = str(answer.get("access_token", ""))
            access = self._oidc.verify(token, self._settings.oidc_audience)
        except UnauthorisedError:
            return user  # not every access token is for us, or can be read at all
        roles = self._oidc.user_of(access).roles if access["sub"] == claims["sub"] else user.roles
        return User(user.name, roles, user.expires_at)


def _refresh_of(answer: dict[str, Any]) -> str | None:
    token = answer.get("refresh_token")
    return token if isinstance(token, str) and token else None
