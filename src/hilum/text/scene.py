"""A document as a scene graph: region by region, in the manner of Chest ImaGenome.

Chest ImaGenome (Wu et al., 2021) hangs what a report says on the anatomical regions of the
image and links the same region of successive examinations by improved, worsened or no
change. Here the regions come from the text alone; boxes are attached when the caller has
them, from the anatomy room or by hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from hilum.text.regions import UNKNOWN, default_place, find_regions, part_of
from hilum.text.types import Assertion, Document, Observation
from hilum.types import Box

__all__ = [
    "SceneComparison",
    "SceneFinding",
    "SceneGraph",
    "SceneRegion",
    "build_scene_graph",
    "scene_to_dict",
]

_STATUSES = {
    Assertion.PRESENT: "yes",
    Assertion.ABSENT: "no",
    Assertion.UNCERTAIN: "uncertain",
}
_ABSENT = Assertion.ABSENT  # looking a member up in its class is slow
_RELATIONS = {
    "new": "worsened",
    "increased": "worsened",
    "decreased": "improved",
    "resolved": "improved",
    "unchanged": "no change",
}
_SEVERITIES = ("minimal", "mild", "moderate", "severe")


class SceneFinding(NamedTuple):
    """A finding or device as it is stated of one region.

    ``category`` is Chest ImaGenome's kind of attribute, ``status`` ``yes``, ``no`` or
    ``uncertain``. ``is_place_said`` is False where the region follows from the finding, not
    from the words. ``observation`` indexes ``Document.observations``.
    """

    name: str
    category: str
    status: str
    degree: float | None
    severity: str
    texture: tuple[str, ...]
    tip: str
    position: str
    change: str
    is_place_said: bool
    observation: int


@dataclass(frozen=True, slots=True)
class SceneRegion:
    """What is said of one region.

    ``condition`` is ``abnormal`` when something other than a device is there, ``normal`` when
    all that is said of it is absent ("the lungs are clear" denies opacities), ``uncertain``
    when something may be there, and empty when only devices are spoken of. ``sentences``
    index ``Document.sentences``. ``box`` is in source pixels, if the caller gave one.
    """

    name: str
    findings: tuple[SceneFinding, ...]
    condition: str
    sentences: tuple[int, ...]
    box: Box | None = None


class SceneComparison(NamedTuple):
    """How a finding of a region compares with the prior exam.

    ``relation`` is ``improved``, ``worsened`` or ``no change``. ``is_said`` is True for the
    writer's own words, False for what the two scene graphs imply. ``prior_status`` is the
    status in the prior scene graph, empty when there is none or it does not speak of it.
    """

    region: str
    name: str
    relation: str
    is_said: bool
    prior_status: str


@dataclass(frozen=True, slots=True)
class SceneGraph:
    """The regions that a document speaks of, and their comparisons with the prior exam."""

    document: Document
    regions: tuple[SceneRegion, ...]
    comparisons: tuple[SceneComparison, ...] = ()

    def findings_in(self, region: str) -> tuple[SceneFinding, ...]:
        """Findings stated of a region or of any part of it."""
        return tuple(
            finding
            for item in self.regions
            if item.name == region or part_of(item.name) == region
            for finding in item.findings
        )


def build_scene_graph(
    document: Document,
    prior: SceneGraph | None = None,
    *,
    boxes: Mapping[str, Box] | None = None,
) -> SceneGraph:
    """Hang the observations of a document on regions, and compare them with a prior.

    What is only historical, supposed or not assessed states nothing of the image and is left
    out. Something present at a paired place whose side is not said lies in the region
    ``unknown``; something absent there is absent on both sides.

    Args:
        document: A parsed report.
        prior: The scene graph of the examination before; its regions are linked by name.
        boxes: Region name to box in source pixels.
    """
    found: dict[str, list[SceneFinding]] = {}
    for number, item in enumerate(document.observations):
        if item.assertion in _STATUSES:
            for region, is_said in _place_of(item):
                found.setdefault(region, []).append(_make_finding(number, item, is_said))
    regions = tuple(
        SceneRegion(
            name=name,
            findings=tuple(findings),
            condition=_judge(findings),
            sentences=tuple(
                dict.fromkeys(document.observations[f.observation].sentence for f in findings)
            ),
            box=boxes.get(name) if boxes else None,
        )
        for name, findings in found.items()
    )
    return SceneGraph(document, regions, tuple(_compare(regions, prior)))


def _place_of(item: Observation) -> tuple[tuple[str, bool], ...]:
    places = (*item.places, item.tip) if item.tip else item.places
    is_paired = item.assertion is _ABSENT or "diffuse" in item.distribution
    return _place(item.name, item.side, places, is_paired)


@lru_cache(maxsize=1 << 14)
def _place(
    name: str, side: str, places: tuple[str, ...], is_paired: bool
) -> tuple[tuple[str, bool], ...]:
    """The regions of an observation, and whether they are said or follow from its nature.

    A place that holds the finding's own ("pleura" of an effusion), or that no region stands
    for ("thorax"), says no more than the finding does.
    """
    default = default_place(name)
    is_paired = is_paired or default.is_paired
    own = find_regions(default.place, side, is_paired=is_paired)
    regions: dict[str, bool] = {}
    for place in places:
        for region in find_regions(place, side, is_paired=is_paired):
            narrower = [part for part in own if region in (UNKNOWN, part_of(part))]
            regions.update(dict.fromkeys(narrower, False) if narrower else {region: True})
    return tuple((regions or dict.fromkeys(own, False)).items())


def _make_finding(number: int, item: Observation, is_said: bool) -> SceneFinding:
    values = (
        item.name,
        default_place(item.name).category,
        _STATUSES[item.assertion],
        item.degree,
        item.severity,
        item.texture,
        item.tip,
        item.position,
        item.change,
        is_said,
        number,
    )
    return tuple.__new__(SceneFinding, values)  # half the cost of calling it


def _judge(findings: Sequence[SceneFinding]) -> str:
    statuses = {
        finding.status if finding.name != "no_finding" else "no"
        for finding in findings
        if finding.category not in ("device", "tubesandlines")
    }
    if "yes" in statuses:
        return "abnormal"
    if "uncertain" in statuses:
        return "uncertain"
    return "normal" if statuses else ""


def _compare(
    regions: tuple[SceneRegion, ...], prior: SceneGraph | None
) -> Iterator[SceneComparison]:
    """Comparisons as said; where nothing is said, as two scene graphs imply."""
    if prior is None and not any(f.change for region in regions for f in region.findings):
        return
    before = _index(prior.regions) if prior else {}
    for (region, name), now in _index(regions).items():
        then = before.get((region, name))
        said = next((item.change for item in now if item.change), "")
        status = _status(then) if then else ""
        if said in _RELATIONS:
            yield SceneComparison(region, name, _RELATIONS[said], True, status)
        elif then and (implied := _imply(then, now)):
            yield SceneComparison(region, name, implied, False, status)


def _index(regions: tuple[SceneRegion, ...]) -> dict[tuple[str, str], list[SceneFinding]]:
    index: dict[tuple[str, str], list[SceneFinding]] = {}
    for region in regions:
        for finding in region.findings:
            index.setdefault((region.name, finding.name), []).append(finding)
    return index


def _status(findings: list[SceneFinding]) -> str:
    """One status of several statements: yes before uncertain before no."""
    return max((finding.status for finding in findings), key=("no", "uncertain", "yes").index)


def _imply(then: list[SceneFinding], now: list[SceneFinding]) -> str:
    """What became of a finding between two scene graphs; empty where they do not tell.

    A device that came or went is neither better nor worse.
    """
    if now[0].category in ("device", "tubesandlines"):
        return ""
    pair = _status(then), _status(now)
    if pair in (("yes", "no"), ("no", "yes")):
        return "improved" if pair[0] == "yes" else "worsened"
    ranks = [_rank(then), _rank(now)]
    if pair != ("yes", "yes") or None in ranks:
        return ""
    difference = (ranks[1] or 0) - (ranks[0] or 0)
    return "no change" if not difference else "worsened" if difference > 0 else "improved"


def _rank(findings: list[SceneFinding]) -> int | None:
    ranks = [_SEVERITIES.index(item.severity) for item in findings if item.severity in _SEVERITIES]
    return max(ranks, default=None)


def scene_to_dict(scene: SceneGraph) -> dict[str, Any]:
    """The scene graph in the layout of Chest ImaGenome, in Hilum's names.

    ``objects`` are the regions with a box, ``attributes`` each region's statements as
    ``category|status|name`` and their qualities, one list for each of its ``phrases``,
    ``relationships`` the comparisons as ``comparison|yes|improved``.
    """
    return {
        "objects": [
            {"bbox_name": item.name, "x": box.x, "y": box.y, "w": box.width, "h": box.height}
            for item in scene.regions
            if (box := item.box) is not None
        ],
        "attributes": [_region_to_dict(scene.document, item) for item in scene.regions],
        "relationships": [
            {
                "bbox_name": item.region,
                "relationship_names": [f"comparison|yes|{item.relation}"],
                "attribute": item.name.replace("_", " "),
                "is_said": item.is_said,
                "prior_status": item.prior_status,
            }
            for item in scene.comparisons
        ],
    }


def _region_to_dict(document: Document, region: SceneRegion) -> dict[str, Any]:
    """A region's statements, one list a sentence."""
    phrases: dict[int, list[str]] = {number: [] for number in region.sentences}
    for finding in region.findings:
        sentence = document.observations[finding.observation].sentence
        phrases[sentence].extend(_list_attributes(finding))
    return {
        "bbox_name": region.name,
        "condition": region.condition,
        "attributes": list(phrases.values()),
        "phrases": [document.slice(document.sentences[number].span) for number in phrases],
    }


def _list_attributes(finding: SceneFinding) -> Iterator[str]:
    yield f"{finding.category}|{finding.status}|{finding.name.replace('_', ' ')}"
    if finding.severity:
        yield f"severity|yes|{finding.severity}"
    for texture in finding.texture:
        yield f"texture|yes|{texture.replace('_', ' ')}"
    if finding.position:
        yield f"position|yes|{finding.position}"
    if finding.change in _RELATIONS:
        yield f"comparison|yes|{_RELATIONS[finding.change]}"
