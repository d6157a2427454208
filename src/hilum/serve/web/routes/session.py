"""Sign-in of browsers: a token or the identity provider opens a session, which a cookie names."""

from __future__ import annotations

import logging
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from hilum.errors import (
    ArchiveError,
    ConflictError,
    ForbiddenError,
    HilumError,
    UnauthorisedError,
    UnknownStudyError,
)
from hilum.serve import audit
from hilum.serve.service import Service
from hilum.serve.web.security.authenticator import Authenticator
from hilum.serve.web.security.identity import User
from hilum.serve.web.security.limits import Bucket, client_of
from hilum.serve.web.security.origin import is_own_page
from hilum.serve.web.security.provider import PENDING_SECONDS, Provider
from hilum.serve.web.security.sessions import forget_cookie, set_cookie
from hilum.serve.web.shapes import SessionShape, SignIn

__all__ = ["make_attempts", "router"]

router = APIRouter(prefix="/api/v1/session", tags=["session"])
logger = logging.getLogger(__name__)
ATTEMPTS_PER_MINUTE = 10
ATTEMPTS_AT_ONCE = 8
STATE_COOKIE = "hilum_state"
PROVIDER_PATH = "/api/v1/session/provider"
NOT_OWN = "sign in from this server's own page, or send the header x-hilum-request"


def make_attempts() -> Bucket:
    """Counts the attempts to sign in that failed, by address."""
    return Bucket(ATTEMPTS_PER_MINUTE, burst=ATTEMPTS_AT_ONCE)


@router.get("", summary="How to sign in, and whether one is")
def show(request: Request, response: Response) -> SessionShape:
    """Answers without a token, too; a cookie that is of no use any more is taken back."""
    service, gate = _parts(request)
    if gate.is_open:
        return SessionShape(is_needed=False, is_signed_in=True, provider=None)
    is_signed_in = _is_signed_in(request)
    if not is_signed_in and gate.secret_of(request.headers):
        forget_cookie(response, service.settings)
    return _shape(gate, is_signed_in=is_signed_in)


@router.post("", summary="Sign in with a token")
def sign_in(request: Request, response: Response, said: SignIn) -> SessionShape:
    """Open a session for a token; the answer brings the cookie, which scripts cannot read.

    Attempts that fail are counted by address: 429 after several, with the seconds to wait.
    """
    service, gate = _parts(request)
    if not is_own_page(request.headers, service.settings):
        raise ForbiddenError(NOT_OWN)
    if gate.is_open:
        raise ConflictError("this server asks nobody to sign in; make a token first")
    client = _count(request)
    try:
        secret, user = gate.sign_in(said.token)
    except UnauthorisedError as error:
        _record(service, "unknown", "denied: sign in", client, 401)
        raise UnauthorisedError(str(error)) from error
    request.app.state.attempts.give_back(client)
    _record(service, user.name, "sign in", client, 200, roles=sorted(user.roles))
    set_cookie(response, service.settings, secret)
    return _shape(gate, is_signed_in=True)


@router.delete("", status_code=204, summary="Sign out")
def sign_out(request: Request) -> Response:
    """End the session of the cookie, for every copy of it."""
    service, gate = _parts(request)
    secret = gate.secret_of(request.headers)
    if secret:
        if not is_own_page(request.headers, service.settings):
            raise ForbiddenError(NOT_OWN)
        try:
            name = gate.sessions.find_user(secret).name
        except HilumError:
            name = ""
        gate.sessions.end(secret)
        if name:
            _record(service, name, "sign out", client_of(request.scope), 204)
    answer = Response(status_code=204)
    forget_cookie(answer, service.settings)
    return answer


@router.get("/provider", status_code=303, summary="Sign in at the identity provider")
def go_to_provider(request: Request) -> Response:
    """Send the browser to the provider."""
    service, _ = _parts(request)
    provider = _provider(request)
    client = _count(request)
    request.app.state.attempts.give_back(client)
    try:
        place, state = provider.start(_own_address(request) + f"{PROVIDER_PATH}/callback")
    except ArchiveError:
        return _back("away")
    answer = RedirectResponse(place, 303)
    # the provider sends the browser back from its own site: a strict cookie would stay behind
    answer.set_cookie(
        STATE_COOKIE,
        state,
        max_age=PENDING_SECONDS,
        path=PROVIDER_PATH,
        secure=service.settings.is_secure,
        httponly=True,
        samesite="lax",
    )
    return answer


@router.get("/provider/callback", status_code=303, summary="Where the provider sends one back")
def come_back(
    request: Request,
    state: Annotated[str, Query(max_length=500)] = "",
    code: Annotated[str, Query(max_length=4096)] = "",
    error: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Exchange the code and open a session; the page that follows says how it went."""
    service, gate = _parts(request)
    provider = _provider(request)
    client = _count(request)
    try:
        if error or not code:
            raise UnauthorisedError("the provider refused")
        cookie = request.cookies.get(STATE_COOKIE, "")
        user, refresh_token = provider.finish(state=state, cookie=cookie, code=code)
    except UnauthorisedError as refused:
        logger.info("sign-in at the provider: %s", refused)
        _record(service, "unknown", "denied: sign in", client, 401)
        return _back("refused")
    except ArchiveError:
        request.app.state.attempts.give_back(client)
        return _back("away")
    request.app.state.attempts.give_back(client)
    _record(service, user.name, "sign in", client, 200, roles=sorted(user.roles), provider=True)
    answer = _back("")
    set_cookie(answer, service.settings, gate.sessions.open_for(user, refresh_token))
    answer.delete_cookie(STATE_COOKIE, path=PROVIDER_PATH)
    return answer


def _parts(request: Request) -> tuple[Service, Authenticator]:
    return request.app.state.service, request.app.state.authenticator


def _provider(request: Request) -> Provider:
    provider: Provider | None = request.app.state.authenticator.provider
    if provider is None:
        raise UnknownStudyError("this server offers no sign-in at a provider; see oidc_client_id")
    return provider


def _is_signed_in(request: Request) -> bool:
    try:
        user: User = request.app.state.authenticator.find_user(request.headers)
    except UnauthorisedError:
        return False
    return bool(user)


def _shape(gate: Authenticator, *, is_signed_in: bool) -> SessionShape:
    provider = gate.provider.name if gate.provider else None
    return SessionShape(is_needed=True, is_signed_in=is_signed_in, provider=provider)


def _count(request: Request) -> str:
    """Count an attempt; the address that it came from. Raises HTTPException 429."""
    client = client_of(request.scope)
    wait = request.app.state.attempts.take(client)
    if wait > 0.0:
        seconds = str(max(1, round(wait + 0.5)))
        detail = "too many attempts to sign in; wait and try again"
        raise HTTPException(429, detail, {"retry-after": seconds})
    return client


def _back(problem_: str) -> RedirectResponse:
    return RedirectResponse(f"/?sign_in={problem_}" if problem_ else "/", 303)


def _own_address(request: Request) -> str:
    """Scheme and host that the browser used; ``SourceCheck`` has looked at the host."""
    scheme = "https" if request.app.state.service.settings.is_secure else "http"
    return f"{scheme}://{request.headers.get('host', '')}"


def _record(
    service: Service, user: str, action: str, client: str, status: int, **detail: object
) -> None:
    audit.record(service, user, action, "session", client=client, status=status, **detail)
