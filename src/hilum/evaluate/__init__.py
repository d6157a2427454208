"""Measure what a radiograph reader does, so that two systems can be compared.

Every number is a ``Score``: a value with the record of its metric, an interval and the hash of
its inputs. Metrics are pure functions, in one package a subject; ``compare_evaluations`` tests
the difference of two systems on the same units and refuses what does not compare.
"""

from hilum.evaluate.comparison import Comparison, compare_evaluations
from hilum.evaluate.document import read_evaluation, write_evaluation
from hilum.evaluate.records import Metric, MetricRecord, find_metric, known_metrics
from hilum.evaluate.resampling import PairedTest, adjust_p_values
from hilum.evaluate.scores import Evaluation, Interval, Score, hash_array

__all__ = [
    "Comparison",
    "Evaluation",
    "Interval",
    "Metric",
    "MetricRecord",
    "PairedTest",
    "Score",
    "adjust_p_values",
    "compare_evaluations",
    "find_metric",
    "hash_array",
    "known_metrics",
    "read_evaluation",
    "write_evaluation",
]
