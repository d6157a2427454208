"""How urgent a study is by what its requester suspects: a place on the worklist, no diagnosis."""

from __future__ import annotations

from hilum.text import Assertion, MentionKind, parse

__all__ = ["find_suspicion"]

URGENT_FINDINGS = {"pneumothorax": 1, "pneumoperitoneum": 1, "pneumomediastinum": 2}
"""Findings that put a study ahead when they are suspected, and the priority (1 = first)."""

SETTLED = (Assertion.ABSENT, Assertion.HISTORICAL)


def find_suspicion(indication: str) -> tuple[str, int] | None:
    """The most urgent finding that the indication asks about, with its priority.

    >>> find_suspicion("Sudden dyspnea, rule out pneumothorax")
    ('pneumothorax', 1)
    >>> find_suspicion("Cough for two weeks") is None
    True
    """
    if not indication.strip():
        return None
    asked = {
        mention.name
        for mention in parse(indication).mentions
        if mention.kind is MentionKind.FINDING and mention.assertion not in SETTLED
    }
    ranked = sorted((URGENT_FINDINGS[name], name) for name in asked if name in URGENT_FINDINGS)
    return (ranked[0][1], ranked[0][0]) if ranked else None
