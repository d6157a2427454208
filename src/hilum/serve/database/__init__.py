"""The state of the server: tables, the engine, and migrations."""

from hilum.serve.database.engine import open_engine, upgrade
from hilum.serve.database.search import find_text
from hilum.serve.database.tables import (
    AuditRow,
    Base,
    DeliveryRow,
    EventRow,
    FeedbackRow,
    InstanceRow,
    ReadingRow,
    StudyRow,
    StudyState,
    TokenRow,
)

__all__ = [
    "AuditRow",
    "Base",
    "DeliveryRow",
    "EventRow",
    "FeedbackRow",
    "InstanceRow",
    "ReadingRow",
    "StudyRow",
    "StudyState",
    "TokenRow",
    "find_text",
    "open_engine",
    "upgrade",
]
