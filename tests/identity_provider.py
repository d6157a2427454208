"""An identity provider on this machine: OpenID Connect with real signatures, for tests.

It signs whatever a test wants, shows a page with one button where a hospital's would ask for
a password, and exchanges codes as RFC 6749 and 7636 say: each once, with the right verifier.
"""

from __future__ import annotations

import base64
import hashlib
import html
import http.server
import json
import secrets
import threading
import time
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT = "reading-room"


class Issuer:
    """Keys by id, a discovery document, and how often it was asked for keys.

    ``person`` are the claims of whoever presses the button; ``is_trusted`` False makes it
    refuse to renew; ``seconds`` is how long its tokens are good.
    """

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.keys = {"k1": rsa.generate_private_key(65537, 2048)}
        self.fetches = 0
        self.person: dict[str, Any] = {"preferred_username": "ada", "roles": ["reader"]}
        self.access: dict[str, Any] = {"roles": None}
        self.seconds = 300
        self.is_trusted = True
        self.nonce: str | None = None  # another one than asked for
        self.exchanges: list[dict[str, str]] = []
        self._codes: dict[str, dict[str, str]] = {}
        self._refresh: set[str] = set()
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                place = urlsplit(self.path)
                query = {key: values[0] for key, values in parse_qs(place.query).items()}
                if place.path.endswith("/authorize"):
                    self.answer(200, issuer.page(query).encode(), "text/html")
                elif place.path.endswith("/approve"):
                    self.send_response(303)
                    self.send_header("location", issuer.approve(query))
                    self.send_header("content-length", "0")
                    self.end_headers()
                else:
                    self.answer(200, json.dumps(issuer.document(place.path)).encode())

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
                form = {key: values[0] for key, values in parse_qs(body).items()}
                status, document = issuer.exchange(form)
                self.answer(status, json.dumps(document).encode())

            def answer(self, status: int, body: bytes, kind: str = "application/json") -> None:
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://{host}:{self.server.server_port}/realm"
        self._thread = threading.Thread(target=self.server.serve_forever)

    def __enter__(self) -> Issuer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()

    def document(self, path: str) -> dict[str, Any]:
        """Discovery, or the keys."""
        if path.endswith("openid-configuration"):
            return {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/keys",
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
            }
        self.fetches += 1
        algorithm = jwt.get_algorithm_by_name("RS256")
        keys = [
            {**json.loads(algorithm.to_jwk(key.public_key())), "kid": key_id, "use": "sig"}
            for key_id, key in self.keys.items()
        ]
        return {"keys": [*keys, {"kty": "oct", "kid": "hmac", "k": "c2VjcmV0"}]}

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Claims of a good token with some of them changed, or left out (None)."""
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": "hilum",
            "sub": "u1",
            "iat": now,
            "exp": now + 300,
            "roles": ["reader"],
        }
        return {k: v for k, v in {**claims, **changes}.items() if v is not None}

    def sign(
        self, kid: str = "k1", key: Any = None, algorithm: str = "RS256", **changes: Any
    ) -> str:
        """A token with these claims."""
        key = key or self.keys["k1"]
        return jwt.encode(self.claims(**changes), key, algorithm, headers={"kid": kid})

    def page(self, query: dict[str, str]) -> str:
        """Where a person would type a password."""
        place = html.escape(f"{self.url}/approve?{urlencode(query)}")
        return f"<!doctype html><title>Provider</title><a id=approve href='{place}'>Approve</a>"

    def approve(self, query: dict[str, str]) -> str:
        """Where the browser goes with its code."""
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        assert query["client_id"] == CLIENT
        code = secrets.token_urlsafe(16)
        self._codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def exchange(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Answer of the token endpoint."""
        self.exchanges.append(form)
        refused = 400, {"error": "invalid_grant"}
        if form.get("client_id") != CLIENT:
            return refused
        if form["grant_type"] == "refresh_token":
            if not self.is_trusted or form["refresh_token"] not in self._refresh:
                return refused
            self._refresh.remove(form["refresh_token"])
            return 200, self._tokens(nonce=None)
        asked = self._codes.pop(form["code"], None)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            asked is None
            or asked["code_challenge"] != challenge
            or asked["redirect_uri"] != form["redirect_uri"]
        ):
            return refused
        return 200, self._tokens(nonce=self.nonce or asked["nonce"])

    def _tokens(self, nonce: str | None) -> dict[str, Any]:
        ends = int(time.time()) + self.seconds
        refresh = secrets.token_urlsafe(16)
        self._refresh.add(refresh)
        who = {"roles": None, **self.person, "exp": ends}
        return {
            "token_type": "Bearer",
            "id_token": self.sign(aud=CLIENT, nonce=nonce, **who),
            "access_token": self.sign(exp=ends, **self.access),
            "refresh_token": refresh,
            "expires_in": self.seconds,
        }
