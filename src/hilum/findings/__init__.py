"""Findings: classification, calibration, localisation and change over time."""

from hilum.findings.assess import assess
from hilum.findings.change import compare

__all__ = ["assess", "compare"]
