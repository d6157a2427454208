"""Which of our findings a checkpoint's label stands for.

Labels of public datasets are known to the ontology; spelling in case, spaces, hyphens and
underscores does not matter. A user can override each.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hilum.errors import InvalidValueError
from hilum.ontology import dataset_labels, finding_names

__all__ = ["FindingSource", "map_labels", "parse_mapping"]


@dataclass(frozen=True, slots=True)
class FindingSource:
    """A finding and the outputs (indices) that it is read from; several are joined by maximum."""

    finding: str
    indices: tuple[int, ...]

    def operating_point(self, thresholds: Sequence[float]) -> float | None:
        """The highest known threshold of its outputs, or None.

        The highest is the one that does not call a finding present where a joined output
        with a higher threshold would not.
        """
        known = [thresholds[i] for i in self.indices if math.isfinite(thresholds[i])]
        return round(max(known), 9) if known else None


def _normalise(label: str) -> str:
    return "_".join(label.strip().lower().replace("-", " ").replace("_", " ").split())


def _known_labels() -> dict[str, str]:
    table = {_normalise(row.label): row.finding for row in dataset_labels()}
    return {**table, **{name: name for name in finding_names()}}


def parse_mapping(text: str) -> dict[str, str]:
    """Parse ``"Effusion=pleural_effusion,Hernia="`` (an empty finding drops the label).

    >>> parse_mapping("Effusion=pleural_effusion, Hernia=")
    {'Effusion': 'pleural_effusion', 'Hernia': ''}

    Raises:
        InvalidValueError: A part has no ``=``.
    """
    mapping: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        label, sign, finding = part.partition("=")
        if not sign:
            raise InvalidValueError(f"a mapping is LABEL=FINDING, got {part!r}")
        mapping[label.strip()] = finding.strip()
    return mapping


def map_labels(
    labels: Sequence[str], mapping: Mapping[str, str] | None = None
) -> tuple[FindingSource, ...]:
    """Find the finding behind each label; labels that stand for none are left out.

    Args:
        labels: The checkpoint's labels in the order of its outputs; an empty one is unused.
        mapping: Label to finding, where the user knows better than the ontology.

    Returns:
        One entry a finding, in the order of the ontology.

    Raises:
        InvalidValueError: A mapping names an unknown label or finding, or nothing is mapped.
    """
    mapping = dict(mapping or {})
    unknown = sorted(set(mapping) - set(labels))
    if unknown:
        raise InvalidValueError(f"mapped labels {unknown} are not among {list(labels)}")
    strange = sorted({f for f in mapping.values() if f} - set(finding_names()))
    if strange:
        raise InvalidValueError(f"no findings {strange}; known: {', '.join(finding_names())}")
    known = _known_labels()
    groups: dict[str, list[int]] = {}
    for index, label in enumerate(labels):
        finding = mapping.get(label, known.get(_normalise(label), ""))
        if label and finding:
            groups.setdefault(finding, []).append(index)
    if not groups:
        raise InvalidValueError(
            f"none of the labels {list(labels)} stands for a finding; map them, for example "
            f"Effusion=pleural_effusion; known findings: {', '.join(finding_names())}"
        )
    return tuple(FindingSource(f, tuple(groups[f])) for f in finding_names() if f in groups)
