"""From tables of reports and references to what ``evaluate_reports`` takes."""

from __future__ import annotations

from dataclasses import dataclass

from hilum.errors import InvalidValueError
from hilum.evaluate.tables import GROUP_COLUMNS, ID_COLUMNS, Table, join_tables

__all__ = ["ReportInputs", "match_reports"]


@dataclass(frozen=True, slots=True)
class ReportInputs:
    """Matched rows; a missing report is an empty one."""

    units: tuple[str, ...]
    reports: tuple[str, ...]
    references: tuple[str, ...]
    groups: tuple[str, ...]
    excluded: dict[str, int]


def match_reports(
    reports: Table,
    truth: Table | None = None,
    *,
    id_column: str | None = None,
    report_column: str = "report",
    reference_column: str = "reference",
    group_column: str | None = None,
) -> ReportInputs:
    """Reports and references of one table, or of two that are matched by id.

    In a second table the references may stand in ``report_column`` too.

    Raises:
        InvalidValueError: A column is missing, ids occur twice, nothing is in common.
    """
    if truth is None:
        column = reports.find(id_column, ID_COLUMNS)
        ids = [str(v) for v in reports.column(column)] if column else _numbered(len(reports))
        if len(set(ids)) < len(ids):
            raise InvalidValueError(f"{reports.name} names a report more than once")
        mine = theirs = reports
        lost: dict[str, int] = {}
    else:
        ids, rows, true_rows, lost = join_tables(reports, truth, id_column=id_column)
        mine, theirs = reports.take(rows), truth.take(true_rows)
        if reference_column not in theirs.columns:
            reference_column = report_column
    group = theirs.find(group_column, GROUP_COLUMNS)
    return ReportInputs(
        tuple(ids),
        tuple(str(v or "") for v in mine.column(report_column)),
        tuple(str(v or "") for v in theirs.column(reference_column)),
        tuple(str(v) for v in theirs.column(group)) if group else (),
        lost,
    )


def _numbered(count: int) -> list[str]:
    return [f"row {number}" for number in range(1, count + 1)]
