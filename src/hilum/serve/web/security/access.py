"""The gate of the server: who may do what, denied unless a rule allows it, and who saw what.

One table says which roles may call which path; a path without a rule does not exist. Whoever
sees patient data stands in the audit log before the first byte of the answer leaves.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hilum.errors import HilumError, UnauthorisedError
from hilum.serve import audit
from hilum.serve.service import Service
from hilum.serve.web.problems import problem, status_of
from hilum.serve.web.security.authenticator import Authenticator
from hilum.serve.web.security.identity import Role, User
from hilum.serve.web.security.origin import require_own_page

__all__ = ["RULES", "AccessControl", "Rule", "find_rule"]

ANYONE = frozenset(Role)
READER = frozenset({Role.READER})
SUBMITTER = frozenset({Role.SUBMITTER})
BOTH = READER | SUBMITTER
ADMIN = frozenset({Role.ADMIN})
DICOMWEB_READ = "DICOMweb read"
STUDY = r"/api/v1/studies/(?P<study>[^/]+)"


class Rule(NamedTuple):
    """Methods and path, the roles that may call it, and what the audit log calls it.

    ``roles`` None: without a token. ``action`` empty: no patient data, not in the audit log.
    """

    methods: str
    path: str
    roles: frozenset[Role] | None
    action: str = ""


RULES: tuple[Rule, ...] = (
    Rule("GET", r"/health/(live|ready)", None),
    Rule("GET", r"/openapi\.json", None),
    # these say who asks and audit it themselves
    Rule("GET", r"/api/v1/session", None),
    Rule("POST", r"/api/v1/session", None),
    Rule("DELETE", r"/api/v1/session", None),
    Rule("GET", r"/api/v1/session/provider(/callback)?", None),
    Rule("GET", r"/metrics", ANYONE),
    Rule("GET", r"/api/v1/me", ANYONE),
    Rule("GET", r"/api/v1/events", ANYONE),
    Rule("GET", r"/api/v1/jobs", BOTH),
    Rule("GET", r"/api/v1/audit(/verify)?", ADMIN, "read audit log"),
    Rule("GET", r"/api/v1/studies", READER, "list studies"),
    Rule("POST", r"/api/v1/studies", SUBMITTER, "submit study"),
    Rule("GET", STUDY, READER, "view study"),
    Rule("DELETE", STUDY, ADMIN, "delete study"),
    Rule("GET", STUDY + r"/reading", READER, "view reading"),
    Rule("GET", STUDY + r"/(masks/[^/]+|heatmaps/[^/]+/[^/]+)", READER, "view overlay"),
    Rule("GET", STUDY + r"/report\.(html|txt)", READER, "view report"),
    Rule("GET", STUDY + r"/(fhir|objects\.zip)", READER, "export reading"),
    Rule("GET", STUDY + r"/images/[^/]+/dicom", READER, "download image"),
    Rule("POST", STUDY + r"/reword", READER, "reword report"),
    Rule("GET", STUDY + r"/feedback", READER, "view feedback"),
    Rule("POST", STUDY + r"/feedback", READER, "give feedback"),
    Rule("POST", STUDY + r"/retry", BOTH, "retry study"),
    Rule("GET", r"/dicom-web(/.*)?", READER, DICOMWEB_READ),
    Rule("POST", r"/dicom-web/studies(/[^/]+)?", SUBMITTER, "DICOMweb store"),
)
"""First match counts. ``GET`` stands for ``HEAD``, too."""


def find_rule(method: str, path: str) -> Rule | None:
    """The rule for a request, None when nothing allows it.

    >>> find_rule("DELETE", "/api/v1/studies/0a").action
    'delete study'
    >>> find_rule("PUT", "/api/v1/studies/0a") is None
    True
    """
    wanted = "GET" if method == "HEAD" else method
    return next((r for r in RULES if r.methods == wanted and re.fullmatch(r.path, path)), None)


class AccessControl:
    """Lets through what a rule allows to this user, and writes the audit log.

    ``is_static`` says of a path whether it is a file of the viewer, which anybody may fetch.
    Puts the user into the request's state as ``user``; a route may leave ``audit_object``
    there, the id of what it made.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        service: Service,
        authenticator: Authenticator,
        is_static: Callable[[str], bool],
    ) -> None:
        self.app = app
        self.service = service
        self.authenticator = authenticator
        self.is_static = is_static

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 401, 403, 404 or 405."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        method, path = scope["method"], scope["path"]
        rule = find_rule(method, path)
        is_free = rule.roles is None if rule else self._is_static(method, path)
        if is_free:
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            user = await run_in_threadpool(self.authenticator.find_user, headers)
            if user.by == "cookie":
                require_own_page(method, headers, self.service.settings)
        except UnauthorisedError as error:
            asked = {"www-authenticate": 'Bearer realm="hilum"'}
            await problem(401, str(error), headers=asked)(scope, receive, send)
            return
        except HilumError as error:
            await problem(status_of(error), str(error))(scope, receive, send)
            return
        scope.setdefault("state", {})["user"] = user
        if rule is None:
            await _no_route(path)(scope, receive, send)
        elif self._is_hidden(rule):
            detail = "DICOMweb gives out nothing in de-identified mode; use /api/v1"
            await problem(403, detail)(scope, receive, send)
        elif not user.has_any(rule.roles or ()):
            await self._record(user, f"denied: {rule.action}", scope, 403)
            needed = " or ".join(sorted({*(rule.roles or ()), Role.ADMIN}))
            await problem(403, f"this needs the role {needed}")(scope, receive, send)
        else:
            await self.app(scope, receive, self._audited(rule, user, scope, send))

    def _is_hidden(self, rule: Rule) -> bool:
        """Whether the answer would name the patient where no answer may."""
        return self.service.settings.is_deidentified and rule.action == DICOMWEB_READ

    def _is_static(self, method: str, path: str) -> bool:
        return method in ("GET", "HEAD") and self.is_static(path)

    def _audited(self, rule: Rule, user: User, scope: Scope, send: Send) -> Send:
        if not rule.action:
            return send

        async def audited(message: Message) -> None:
            # an answer that cannot be recorded is not given: the error ends the request
            if message["type"] == "http.response.start":
                await self._record(user, rule.action, scope, message["status"])
            await send(message)

        return audited

    async def _record(self, user: User, action: str, scope: Scope, status: int) -> None:
        made = scope["state"].get("audit_object")
        object_ = made or _object_of(scope["path"])
        await run_in_threadpool(
            audit.record, self.service, user.name, action, object_, status=status
        )


def _object_of(path: str) -> str:
    """The study's id where the path has one; never the query, which may hold a name."""
    match = re.match(STUDY, path)
    return (match["study"] if match else path)[:255]


def _no_route(path: str) -> ASGIApp:
    methods = sorted({rule.methods for rule in RULES if re.fullmatch(rule.path, path)})
    if methods:
        return problem(405, "the method is not allowed here", headers={"allow": ", ".join(methods)})
    return problem(404, "there is nothing here")
