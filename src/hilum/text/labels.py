"""Label reports: CheXpert-14, ChestX-ray14, PadChest's tree, and MeSH as Indiana uses it.

The last step of text. A string goes through the label-only path of ``parsing``, a document
through its observations; ``label_rules`` turns what they claim into labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hilum.text.label_rules import (
    Fact,
    FactLike,
    Hierarchy,
    ReportLabels,
    check_options,
    label_facts,
)
from hilum.text.label_tables import Scheme, label_names, load_scheme
from hilum.text.parsing import claims, parse
from hilum.text.types import Document
from hilum.text.uncertainty import LabelValue, UncertainPolicy

__all__ = [
    "LabelValue",
    "ReportLabels",
    "label_names",
    "label_report",
    "label_reports",
]

# Sections that speak of the request, the past or the method, not of what is seen now.
_SILENT_SECTIONS = frozenset({"indication", "history", "technique", "comparison"})


def label_report(
    report: str | Document,
    *,
    scheme: str = "chexpert",
    language: str | None = None,
    uncertain: UncertainPolicy = "keep",
    hierarchy: Hierarchy = "mention",
) -> ReportLabels:
    """Label one report.

    Args:
        report: The text, or the document that ``parse`` made of it. Text is faster when
            only labels are wanted: nothing but claims is read.
        scheme: ``chexpert``, ``chestxray14``, ``padchest`` or ``mesh``.
        language: ISO 639-1 code of a text; None detects it.
        uncertain: ``keep``, ``ones``, ``zeros``, ``ignore`` or ``probability``.
        hierarchy: ``mention`` labels what is named; ``ontology`` also lets a presence or a
            doubt rise to the wider labels (consolidation to lung opacity).

    Returns:
        A mapping from every label of the scheme to its value.

    Raises:
        InvalidValueError: If an option is unknown.
    """
    check_options(uncertain, hierarchy)
    compiled = load_scheme(scheme)
    facts = _facts_of(report, compiled, language)
    return label_facts(facts, scheme=scheme, uncertain=uncertain, hierarchy=hierarchy)


def label_reports(
    reports: Iterable[str | Document],
    *,
    scheme: str = "chexpert",
    language: str | None = None,
    uncertain: UncertainPolicy = "keep",
    hierarchy: Hierarchy = "mention",
) -> Iterator[ReportLabels]:
    """Label reports one after the other, in order; arguments as in ``label_report``.

    Raises:
        InvalidValueError: If an option is unknown (at the first report).
    """
    for report in reports:
        yield label_report(
            report, scheme=scheme, language=language, uncertain=uncertain, hierarchy=hierarchy
        )


def _facts_of(report: str | Document, scheme: Scheme, language: str | None) -> Iterable[FactLike]:
    if isinstance(report, Document):
        return _document_facts(report)
    if scheme.is_conditional:
        return _document_facts(parse(report, language=language))
    return claims(report, language=language)


def _document_facts(document: Document) -> Iterator[Fact]:
    for observation in document.observations:
        sentence = document.sentences[observation.sentence]
        if document.sections[sentence.section].name not in _SILENT_SECTIONS:
            yield Fact(
                observation.name,
                observation.assertion,
                observation.degree,
                observation.places + observation.texture + observation.shape,
            )
