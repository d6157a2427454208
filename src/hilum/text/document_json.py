"""A document as JSON data: sections, and the structured list in the manner of Lunguage.

Every item keeps its span in the source, so that a reader of the JSON can point back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hilum.text.types import Attribute, Document, Observation, Size, Span

__all__ = ["document_to_dict", "sections_to_dict"]

_LISTS = ("places", "shape", "margin", "texture", "distribution", "suggests")
_WORDS = ("side", "severity", "count", "temporal", "change", "tip", "position")


def sections_to_dict(document: Document) -> list[dict[str, Any]]:
    """Name, heading and text of each section, with its sentences."""
    return [
        {
            "name": section.name,
            "heading": document.slice(section.heading),
            "span": list(section.span),
            "text": document.slice(section.span),
            "sentences": [
                {"span": list(sentence.span), "text": document.slice(sentence.span)}
                for sentence in document.sentences
                if sentence.section == number
            ],
        }
        for number, section in enumerate(document.sections)
    ]


def document_to_dict(document: Document) -> dict[str, Any]:
    """The structured list of a document; what was not said is left out."""
    by_mention: dict[int, list[Attribute]] = {}
    for item in document.attributes:
        by_mention.setdefault(item.mention, []).append(item)
    return {
        "language": document.language,
        "sections": [
            {"name": section.name, "span": list(section.span)} for section in document.sections
        ],
        "observations": [
            _observation(document, row, by_mention.get(row.mention, ()))
            for row in document.observations
        ],
    }


def _observation(
    document: Document, row: Observation, attributes: Sequence[Attribute]
) -> dict[str, Any]:
    sentence = document.sentences[row.sentence]
    mention = document.mentions[row.mention]
    result: dict[str, Any] = {
        "name": row.name,
        "kind": str(row.kind),
        "assertion": str(row.assertion),
        "degree": row.degree,
        "section": document.sections[sentence.section].name,
        "sentence": list(sentence.span),
        "spans": [_spanned(document, span) for span in mention.spans],
    }
    if mention.cue is not None:
        result["cue"] = _spanned(document, mention.cue)
    result |= {name: getattr(row, name) for name in _WORDS if getattr(row, name)}
    result |= {name: list(getattr(row, name)) for name in _LISTS if getattr(row, name)}
    if row.sizes:
        result["sizes"] = [_size(document, size) for size in row.sizes]
    if row.compared_with is not None:
        result["compared_with"] = _spanned(document, row.compared_with)
    if attributes:
        result["attributes"] = [
            {"kind": item.kind, "value": item.value, **_spanned(document, item.span)}
            for item in attributes
        ]
    return result


def _size(document: Document, size: Size) -> dict[str, Any]:
    data = {"mm": list(size.millimetres), **_spanned(document, size.span)}
    return data | ({"to": size.to} if size.to else {})


def _spanned(document: Document, span: Span) -> dict[str, Any]:
    return {"span": list(span), "text": document.slice(span)}
