"""A parsed report as one HTML page, for reading what was understood and where it went wrong.

The page needs no network and runs no script; a content security policy allows nothing but
its own style sheet, by hash. All that comes from the report is escaped. Assertions differ in
colour and in the style of their underline, so that they can be told apart without colour.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from hilum._version import __version__
from hilum.text.types import Document, Mention, MentionKind, Observation, Size, Span
from hilum.types import DISCLAIMER

__all__ = ["render_html"]

LANGUAGES = {
    "de": "German",
    "en": "English",
    "es": "Spanish",
    "fr": "French",
    "it": "Italian",
    "pt": "Portuguese",
}
LEGEND = {
    "present": "present",
    "absent": "absent",
    "uncertain": "uncertain",
    "historical": "historical",
    "hypothetical": "hypothetical",
    "not_assessed": "not assessed",
    "place": "place",
    "attribute": "attribute",
    "cue": "deciding word",
}

# What an HTML page may not hold, or what could reorder the letters around it.
_UNSHOWABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]"
)


class _Mark(NamedTuple):
    """Something to show at a span.

    ``anchor`` names the piece of a mention, ``next_anchor`` the next piece of the same mention
    (empty when it has one); ``number`` is that of the mention's first row, 0 without one.
    """

    span: Span
    style: str
    tip: str
    anchor: str = ""
    next_anchor: str = ""
    number: int = 0


def render_html(document: Document, *, title: str = "Report") -> str:
    """Render a document: its text with coloured spans beside the table of its observations.

    Where spans overlap the text is split; each part takes the look of the shortest mention
    over it, findings before places, and tells all of them in its tooltip. The pieces of a
    discontinuous mention carry one number and link to each other.
    """
    style = _asset("display.css")
    numbers = _number_mentions(document)
    marks = [*_mark_mentions(document, numbers), *_mark_attributes(document)]
    return _template().render(
        title=_showable(title),
        style=Markup(style),
        policy=_policy(style),
        version=__version__,
        disclaimer=DISCLAIMER,
        language=LANGUAGES.get(document.language, _showable(document.language)),
        language_code=_showable(document.language),
        legend=LEGEND,
        blocks=list(_make_blocks(document, marks)),
        rows=list(_make_rows(document, numbers)),
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("hilum", "text/templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("display.html.j2")


def _asset(name: str) -> str:
    return resources.files("hilum").joinpath("text", "templates", name).read_text("utf-8")


def _policy(style: str) -> str:
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    return (
        "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"style-src 'sha256-{digest}'"
    )


def _showable(text: str) -> str:
    """The text at its length, with what a page cannot show replaced."""
    return _UNSHOWABLE.sub("\ufffd", text)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _number_mentions(document: Document) -> dict[int, int]:
    """Mention index to the number it is shown with: those that the table has a row for."""
    observed = sorted({item.mention for item in document.observations})
    return {mention: number for number, mention in enumerate(observed, start=1)}


def _mark_mentions(document: Document, numbers: dict[int, int]) -> Iterator[_Mark]:
    details: dict[int, list[str]] = {}
    for item in document.observations:
        details.setdefault(item.mention, []).append(_describe(item))
    for index, mention in enumerate(document.mentions):
        is_place = mention.kind is MentionKind.ANATOMY
        tip = "\n".join([_head(mention), *details.get(index, ())])
        style = "place" if is_place else mention.assertion.value
        anchors = [f"m{index}-{piece}" for piece in range(len(mention.spans))]
        following = anchors[1:] + anchors[:1] if len(anchors) > 1 else [""]
        for span, anchor, after in zip(mention.spans, anchors, following, strict=True):
            yield _Mark(span, style, tip, anchor, after, numbers.get(index, 0))
        if mention.cue is not None:
            yield _Mark(mention.cue, "cue", f"decides: {_words(mention.name)}")


def _head(mention: Mention) -> str:
    name, kind = _words(mention.name), mention.kind.value
    if mention.kind is MentionKind.ANATOMY:
        return f"{name} (place)"
    return f"{name} ({kind}): {_assertion(mention)}"


def _assertion(item: Mention | Observation) -> str:
    words = _words(item.assertion.value)
    is_between = item.degree is not None and 0.0 < item.degree < 1.0
    return f"{words}, {item.degree:.2f}" if is_between else words


def _mark_attributes(document: Document) -> Iterator[_Mark]:
    for item in document.attributes:
        if item.kind == "size":  # told by the observation, with its unit
            continue
        name = _words(document.mentions[item.mention].name)
        yield _Mark(item.span, "attribute", f"{item.kind} of {name}: {_words(item.value)}")
    for observation in document.observations:
        for size in observation.sizes:
            tip = f"size of {_words(observation.name)}: {_extent(size)}"
            yield _Mark(size.span, "attribute", tip)
        if observation.compared_with is not None:
            yield _Mark(observation.compared_with, "attribute", "compared with")


def _describe(item: Observation) -> str:
    """An observation's place, details and change in one line."""
    parts = [_words(item.name), _where(item), *_details(item), item.change]
    return ", ".join(part for part in parts if part)


def _where(item: Observation) -> str:
    places = " and ".join(_words(place) for place in item.places)
    return " ".join(part for part in (item.side, places) if part)


def _details(item: Observation) -> Iterator[str]:
    yield item.severity
    yield from (_extent(size) for size in item.sizes)
    yield f"count {item.count}" if item.count else ""
    for values in (item.shape, item.margin, item.texture, item.distribution):
        yield from (_words(value) for value in values)
    yield item.temporal
    yield f"tip at the {_words(item.tip)}" if item.tip else ""
    yield f"position {item.position}" if item.position else ""
    if item.suggests:
        yield "suggests " + ", ".join(_words(name) for name in item.suggests)


def _extent(size: Size) -> str:
    extent = " × ".join(f"{value:g}" for value in size.millimetres) + " mm"
    return f"{extent} to the {_words(size.to)}" if size.to else extent


def _make_rows(document: Document, numbers: dict[int, int]) -> Iterator[dict[str, Any]]:
    """The observations as they were said; the first of a mention carries its anchor."""
    seen: set[int] = set()
    for item in document.observations:
        compared = document.slice(item.compared_with) if item.compared_with else ""
        yield {
            "number": numbers[item.mention],
            "anchor": f"m{item.mention}-0",
            "is_first": item.mention not in seen,
            "name": _words(item.name),
            "kind": item.kind.value,
            "style": item.assertion.value,
            "assertion": _assertion(item),
            "where": _where(item),
            "details": ", ".join(part for part in _details(item) if part),
            "change": item.change,
            "compared": _showable(" ".join(compared.split())),
        }
        seen.add(item.mention)


def _make_blocks(document: Document, marks: Sequence[_Mark]) -> Iterator[dict[str, Any]]:
    """The whole text in order: sections with their headings, and what lies between them."""
    text = _showable(document.text)
    blocks = [
        (heading, name, *_trim(text, span)) for heading, name, span in _list_parts(document, text)
    ]
    cuts = {bound for _, _, start, end in blocks for bound in (start, end)}
    segments = list(_split(marks, cuts))
    position = 0
    for heading, name, start, end in blocks:
        inside = []
        while position < len(segments) and segments[position][0].start < end:
            span, over = segments[position]
            if span.start >= start:
                inside.append(_make_segment(text, span, over))
            position += 1
        if heading or inside:
            is_plain = heading.strip(": \n").casefold() == name
            yield {
                "heading": heading,
                "name": "" if is_plain else _words(name),
                "segments": inside,
            }


def _list_parts(document: Document, text: str) -> Iterator[tuple[str, str, Span]]:
    """Heading, name and span of each part of the text, without gap or overlap."""
    end = 0
    for section in sorted(document.sections, key=lambda section: section.heading):
        head = max(end, section.heading.start)
        start = max(head, section.heading.end)
        yield "", "", Span(end, head)
        yield text[head:start].strip(), section.name, Span(start, section.span.end)
        end = max(start, section.span.end)
    yield "", "", Span(end, len(text))


def _trim(text: str, span: Span) -> Span:
    """The span without the blanks at its ends."""
    inside = text[span.start : span.end]
    start = span.start + len(inside) - len(inside.lstrip())
    return Span(start, start + len(inside.strip()))


def _split(marks: Sequence[_Mark], cuts: set[int]) -> Iterator[tuple[Span, list[_Mark]]]:
    """The text between all bounds of marks and cuts, with the marks that cover it."""
    bounds = cuts.union(*(mark.span for mark in marks))
    waiting = sorted(marks, key=lambda mark: mark.span, reverse=True)
    active: list[_Mark] = []
    for start, end in pairwise(sorted(bounds)):
        active = [mark for mark in active if mark.span.end > start]
        while waiting and waiting[-1].span.start <= start:
            active.append(waiting.pop())
        yield Span(start, end), [mark for mark in active if mark.span.end > start]


def _make_segment(text: str, span: Span, over: Sequence[_Mark]) -> dict[str, Any]:
    """How one part of the text looks, and where its numbers and links stand."""
    mentions = [mark for mark in over if mark.anchor]
    styles = {mark.style for mark in over if not mark.anchor}
    # A place inside the words for a finding shows as the finding.
    leading = [mark for mark in mentions if mark.style != "place"] or mentions
    if leading:
        styles.add(min(leading, key=lambda mark: mark.span.end - mark.span.start).style)
    if len({mark.span for mark in leading}) > 1:
        styles.add("overlap")
    ended = [mark for mark in mentions if mark.span.end == span.end]
    return {
        "text": text[span.start : span.end],
        "styles": " ".join(sorted(styles)),
        "tip": _showable("\n".join(dict.fromkeys(mark.tip for mark in over))),
        "anchors": [mark.anchor for mark in mentions if mark.span.start == span.start],
        "ends": [mark for mark in ended if mark.number or mark.next_anchor],
    }
