"""From findings to a draft report in which every sentence points at its evidence."""

from hilum.report.drafting import draft

__all__ = ["draft"]
