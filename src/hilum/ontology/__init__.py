"""The words of the field: findings, anatomy, their codes and the labels mapped onto them."""

from hilum.ontology.tables import (
    AnatomyConcept,
    DatasetLabel,
    FindingConcept,
    anatomy,
    anatomy_concept,
    ancestors,
    dataset_labels,
    descendants,
    finding_concept,
    finding_for_label,
    finding_names,
    findings,
)

__all__ = [
    "AnatomyConcept",
    "DatasetLabel",
    "FindingConcept",
    "anatomy",
    "anatomy_concept",
    "ancestors",
    "dataset_labels",
    "descendants",
    "finding_concept",
    "finding_for_label",
    "finding_names",
    "findings",
]
