"""Security of the HTTP server: who asks, what they may, how much, and from where."""

from hilum.serve.web.security.access import RULES, AccessControl, Rule, find_rule
from hilum.serve.web.security.authenticator import Authenticator
from hilum.serve.web.security.cross_origin import CrossOrigin
from hilum.serve.web.security.headers import POLICY, SecurityHeaders, SourceCheck
from hilum.serve.web.security.identity import LOCAL, Role, User
from hilum.serve.web.security.limits import BodyLimit, Bucket, RateLimit
from hilum.serve.web.security.origin import OWN_HEADER
from hilum.serve.web.security.sessions import cookie_name
from hilum.serve.web.security.tokens import create_token, list_tokens, revoke_token

__all__ = [
    "LOCAL",
    "OWN_HEADER",
    "POLICY",
    "RULES",
    "AccessControl",
    "Authenticator",
    "BodyLimit",
    "Bucket",
    "CrossOrigin",
    "RateLimit",
    "Role",
    "Rule",
    "SecurityHeaders",
    "SourceCheck",
    "User",
    "cookie_name",
    "create_token",
    "find_rule",
    "list_tokens",
    "revoke_token",
]
