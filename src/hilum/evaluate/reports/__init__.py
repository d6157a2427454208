"""Reports: lexical, clinical, factual and timeline scores, without Java and without downloads."""

from collections.abc import Callable, Mapping

from hilum.evaluate.reports.adapters import ADAPTERS, score_elsewhere
from hilum.evaluate.reports.assessment import ReportOptions, evaluate_reports
from hilum.evaluate.reports.composite import radcliq_v1
from hilum.evaluate.reports.embedding import bert_score, inverse_document_frequency
from hilum.evaluate.reports.encoding import EncodedPairs, encode_pairs
from hilum.evaluate.reports.errors import CATEGORIES, count_errors, error_score
from hilum.evaluate.reports.facts import (
    EndpointJudge,
    Judge,
    fact_precision,
    fact_recall,
    judge_by_rules,
    judge_facts,
    statements_of,
)
from hilum.evaluate.reports.inputs import ReportInputs, match_reports
from hilum.evaluate.reports.labels import FIVE, example_f1, label_matrix, macro_f1, micro_f1
from hilum.evaluate.reports.meteor import meteor
from hilum.evaluate.reports.ngrams import (
    NgramCounts,
    bleu,
    bleu_counts,
    chrf,
    chrf_counts,
    cider,
    count_ngrams,
    rouge_n,
)
from hilum.evaluate.reports.sequences import lcs_length, rouge_l
from hilum.evaluate.reports.sets import bag_counts, f1_of_counts, mean_f1_of_counts
from hilum.evaluate.reports.stemming import stem
from hilum.evaluate.reports.structure import (
    attribute_items,
    entity_items,
    graph_items,
    relation_items,
    timeline_items,
)
from hilum.evaluate.reports.style import (
    comparison_counts,
    mean_value,
    measurement_counts,
    share_of_counts,
)
from hilum.evaluate.reports.tokens import SECTION_POLICIES, alphanumeric, select_sections, words
from hilum.evaluate.scorer import ignoring

__all__ = [
    "ADAPTERS",
    "CATEGORIES",
    "FIVE",
    "METRICS",
    "SECTION_POLICIES",
    "EncodedPairs",
    "EndpointJudge",
    "Judge",
    "NgramCounts",
    "ReportInputs",
    "ReportOptions",
    "alphanumeric",
    "attribute_items",
    "bag_counts",
    "bert_score",
    "bleu",
    "bleu_counts",
    "chrf",
    "chrf_counts",
    "cider",
    "comparison_counts",
    "count_errors",
    "count_ngrams",
    "encode_pairs",
    "entity_items",
    "error_score",
    "evaluate_reports",
    "example_f1",
    "f1_of_counts",
    "fact_precision",
    "fact_recall",
    "graph_items",
    "inverse_document_frequency",
    "judge_by_rules",
    "judge_facts",
    "label_matrix",
    "lcs_length",
    "macro_f1",
    "match_reports",
    "mean_f1_of_counts",
    "mean_value",
    "measurement_counts",
    "meteor",
    "micro_f1",
    "radcliq_v1",
    "relation_items",
    "rouge_l",
    "rouge_n",
    "score_elsewhere",
    "select_sections",
    "share_of_counts",
    "statements_of",
    "stem",
    "timeline_items",
    "words",
]

_PLAIN: Mapping[str, Callable[..., float]] = {
    "bleu/corpus": bleu,
    "chrf/corpus": chrf,
    "rouge_1/f1": mean_value,
    "rouge_2/f1": mean_value,
    "rouge_l/f1": mean_value,
    "rouge_l/beta_1_2": mean_value,
    "meteor/exact_stem": mean_value,
    "cider_d/corpus": mean_value,
    "cider/corpus": mean_value,
    "bert_score/user_encoder": mean_value,
    "length/words": mean_value,
    "length_ratio/words": share_of_counts,
    "hilum_label_f1/micro": micro_f1,
    "hilum_label_f1/macro": macro_f1,
    "hilum_label_f1/example": example_f1,
    "hilum_graph_f1/simple": mean_f1_of_counts,
    "hilum_graph_f1/partial": mean_f1_of_counts,
    "hilum_graph_f1/complete": mean_f1_of_counts,
    "hilum_structure_f1/entities": f1_of_counts,
    "hilum_structure_f1/attributes": f1_of_counts,
    "hilum_structure_f1/relations": f1_of_counts,
    "hilum_timeline_f1/pooled": f1_of_counts,
    "error_rules/green_form": error_score,
    "fact_precision/judged": fact_precision,
    "fact_recall/judged": fact_recall,
    "invented_measurement_rate/pooled": share_of_counts,
    "unsupported_comparison_rate/pooled": share_of_counts,
    "chexbert_label_f1/original_micro": micro_f1,
    "green/original": mean_value,
    "radgraph_f1/original_partial": mean_value,
    "ratescore/original": mean_value,
}

METRICS: Mapping[str, Callable[..., float]] = {
    id_: ignoring(metric, "sections", "uncertain") for id_, metric in _PLAIN.items()
}
"""By record id of ``records/reports.toml``."""
