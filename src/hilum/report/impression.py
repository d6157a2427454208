"""Rank what matters into a few lines: the impression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hilum.report.plan import Line, Seen, names_with
from hilum.report.wording import capitalise, concept_or_new, decapitalise, templates, terms
from hilum.types import Evidence, Status

__all__ = ["impression_lines", "normal_line", "uncertain_line"]


def impression_lines(
    positives: Sequence[Line], uncertain: Line | None, changes: Sequence[Line]
) -> list[Line]:
    """The most urgent, then most probable positives; what is in doubt; what changed.

    Positives beyond the limit of ``impression_lines`` are drawn together into one line,
    so that nothing present is left out.
    """
    tail = ([uncertain] if uncertain is not None else []) + list(changes[:1])
    room = max(1, int(templates()["impression_lines"]) - len(tail))
    ranked = sorted(positives, key=lambda line: (line.urgency, -line.probability))
    if len(ranked) > room:
        ranked = [*ranked[: room - 1], _together(ranked[room - 1 :])]
    return ranked + tail


def _together(lines: Sequence[Line]) -> Line:
    rest = "; ".join(decapitalise(line.text.rstrip(".")) for line in lines)
    text = templates()["lists"]["also"].format(rest=rest)
    evidence = tuple(item for line in lines for item in line.evidence)
    return Line(text, evidence, lines[0].urgency, lines[0].probability)


def uncertain_line(seen: Mapping[str, Seen], names: Sequence[str]) -> Line | None:
    """One line for all that cannot be excluded, the most urgent first."""
    if not names:
        return None
    ranked = sorted(names, key=lambda name: concept_or_new(name).urgency)
    text = templates()["lists"]["uncertain"].format(terms=capitalise(terms(ranked, "or")))
    evidence = tuple(finding for name in ranked for finding in seen[name].evidence)
    return Line(text, evidence)


def normal_line(seen: Mapping[str, Seen], heart: Line | None) -> Line | None:
    """The line for a study on which nothing assessed is present or in doubt.

    ``no_finding`` only tempers it: when the image as a whole is not taken for normal, that
    is said. When no finding was assessed, nothing is called normal; without any finding, the
    heart's line stands alone.
    """
    words = templates()["impression"]
    absent = [f for name in names_with(seen, Status.ABSENT) for f in seen[name].evidence]
    evidence: list[Evidence] = list(absent)
    if not absent:
        unread: list[Evidence] = [f for item in seen.values() for f in item.evidence]
        return Line(words["nothing_assessed"], tuple(unread)) if unread else heart
    overall = seen.get("no_finding")
    text = words["normal"]
    groups = {concept_or_new(name).group for name in names_with(seen, Status.ABSENT)}
    if groups == {"heart_mediastinum"}:
        # lungs and pleura were not assessed: nothing may sound as if they were
        text = words["only_heart"]
    elif overall is not None and overall.status is not Status.NOT_ASSESSED:
        evidence += overall.evidence
        if overall.status is Status.ABSENT:
            text = words["unexplained"]
    return Line(text, tuple(evidence))
