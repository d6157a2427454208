"""The chain of the audit log: it holds, and it breaks where somebody touched it."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from hilum.serve import audit
from hilum.serve.service import Service
from serve_web import make_service


@pytest.fixture
def service(tmp_path: Path) -> Service:
    service = make_service(tmp_path)
    for number in range(5):
        audit.record(service, "ana", "view study", f"study{number}", page=number)
    return service


def test_an_untouched_log_holds(service: Service) -> None:
    check = audit.verify(service)
    assert (check.entries, check.broken_at) == (5, None)
    assert [row.sequence for row in audit.read_entries(service, limit=2)] == [5, 4]
    assert [row.sequence for row in audit.read_entries(service, before=4)] == [3, 2, 1]


@pytest.mark.parametrize(
    ("statement", "broken_at"),
    [
        ("UPDATE audit SET user = 'bob' WHERE sequence = 3", 3),
        ("UPDATE audit SET created_at = '2020' WHERE sequence = 1", 1),
        ("""UPDATE audit SET detail = '{"page": 9}' WHERE sequence = 2""", 2),
        ("DELETE FROM audit WHERE sequence = 4", 4),
    ],
)
def test_what_was_touched_is_found(service: Service, statement: str, broken_at: int) -> None:
    with service.engine.begin() as connection:
        connection.execute(text(statement))
    assert audit.verify(service).broken_at == broken_at


def test_the_newest_entries_are_missed_by_who_kept_the_head(service: Service) -> None:
    head = audit.verify(service).head
    with service.engine.begin() as connection:
        connection.execute(text("DELETE FROM audit WHERE sequence = 5"))
    assert audit.verify(service).head != head


def test_many_writers_make_one_chain(service: Service) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: audit.record(service, "x", "y", str(n)), range(40)))
    check = audit.verify(service)
    assert (check.entries, check.broken_at) == (45, None)
