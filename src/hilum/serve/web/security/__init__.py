"""Security of the HTTP server: who asks, what they may, how much, and from where."""

from hilum.serve.web.security.access import RULES, AccessControl, Authenticator, Rule, find_rule
from hilum.serve.web.security.headers import POLICY, SecurityHeaders, SourceCheck
from hilum.serve.web.security.identity import LOCAL, Role, User
from hilum.serve.web.security.limits import BodyLimit, Bucket, RateLimit
from hilum.serve.web.security.tokens import create_token, list_tokens, revoke_token

__all__ = [
    "LOCAL",
    "POLICY",
    "RULES",
    "AccessControl",
    "Authenticator",
    "BodyLimit",
    "Bucket",
    "RateLimit",
    "Role",
    "Rule",
    "SecurityHeaders",
    "SourceCheck",
    "User",
    "create_token",
    "find_rule",
    "list_tokens",
    "revoke_token",
]
