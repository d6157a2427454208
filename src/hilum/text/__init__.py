"""Report language: from free text to labels, structure, graphs and time; no model, no network.

``parse`` turns a report into a ``Document`` whose every mention points back at its
characters; ``label_report`` gives the labels of public datasets; ``deidentify`` removes what
identifies a person.
"""

from hilum.text.comparison import (
    ComparisonMention,
    Rewrite,
    find_comparisons,
    remove_comparisons,
)
from hilum.text.deidentify import Deidentified, deidentify, report_to_dict
from hilum.text.display import render_html
from hilum.text.document_json import document_to_dict, sections_to_dict
from hilum.text.graph import Graph, graph_to_dict, to_graph
from hilum.text.labels import LabelValue, ReportLabels, label_names, label_report, label_reports
from hilum.text.language import detect_language
from hilum.text.parsing import parse
from hilum.text.scene import SceneGraph, build_scene_graph, scene_to_dict
from hilum.text.surrogates import PatientKey
from hilum.text.timeline import DatedReport, Timeline, build_timeline, timeline_to_dict
from hilum.text.types import (
    Assertion,
    Attribute,
    Document,
    Mention,
    MentionKind,
    Observation,
    Relation,
    Section,
    Sentence,
    Size,
    Span,
)

__all__ = [
    "Assertion",
    "Attribute",
    "ComparisonMention",
    "DatedReport",
    "Deidentified",
    "Document",
    "Graph",
    "LabelValue",
    "Mention",
    "MentionKind",
    "Observation",
    "PatientKey",
    "Relation",
    "ReportLabels",
    "Rewrite",
    "SceneGraph",
    "Section",
    "Sentence",
    "Size",
    "Span",
    "Timeline",
    "build_scene_graph",
    "build_timeline",
    "deidentify",
    "detect_language",
    "document_to_dict",
    "find_comparisons",
    "graph_to_dict",
    "label_names",
    "label_report",
    "label_reports",
    "parse",
    "remove_comparisons",
    "render_html",
    "report_to_dict",
    "scene_to_dict",
    "sections_to_dict",
    "timeline_to_dict",
    "to_graph",
]
