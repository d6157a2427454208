"""The text search: any part of any text in any case, on both databases, after an upgrade, too."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, text

from hilum.serve import studies
from hilum.serve.database.engine import open_engine, upgrade
from hilum.serve.database.search import find_text
from hilum.serve.database.tables import StudyRow, StudyTextRow
from hilum.serve.intake import receive_instance
from hilum.serve.service import Service, open_service
from hilum.serve.settings import Settings
from hilum.serve.studies import WorklistQuery
from postgres_server import postgres
from serve_web import make_dicom

NAMES = ("ÉTIENNE^MÜLLER", "O'BRIEN^50%", "SMITH_A\\B", 'A"B^STAR*', "李^伟", "BROWN^ANN")
ROWS = 5000
"""Studies of the database that is brought up to date: more than one batch of the migration."""


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'a.sqlite'}"
        return
    with postgres(tmp_path) as url:
        yield url


@pytest.fixture
def service(database_url: str, tmp_path: Path) -> Iterator[Service]:
    opened = open_service(
        Settings(data=tmp_path / "data", workers=0, min_free_mb=1, database_url=database_url)
    )
    for number, name in enumerate(NAMES):
        data = make_dicom(name, seed=number, SpecificCharacterSet="ISO_IR 192")
        receive_instance(opened, data, source="dicom:TEST")
    yield opened
    opened.close()


def find(service: Service, wanted: str) -> set[str]:
    page = studies.query(service, WorklistQuery(text=wanted, limit=500))
    assert page.total == len(page.items)
    return {row.patient_name for row in page.items}


def test_any_part_in_any_case(service: Service) -> None:
    assert find(service, "brown") == {"BROWN^ANN"}
    assert find(service, "étienne^mül") == {"ÉTIENNE^MÜLLER"}
    assert find(service, "Acc00003") == {'A"B^STAR*'}  # the accession number
    assert find(service, "pid-00001") == {"O'BRIEN^50%"}  # the patient's id
    assert find(service, "CHEST pa") == set(NAMES)  # the description
    assert find(service, "nobody") == set()


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        *[("50%", "O'BRIEN^50%"), ("0%", "O'BRIEN^50%"), ("%", "O'BRIEN^50%")],
        *[("_a\\b", "SMITH_A\\B"), ("\\", "SMITH_A\\B"), ("_", "SMITH_A\\B")],
        *[('a"b', 'A"B^STAR*'), ('"', 'A"B^STAR*'), ("star*", 'A"B^STAR*')],
        *[("李^", "李^伟"), ("伟", "李^伟"), ("o'brien", "O'BRIEN^50%")],
    ],
)
def test_text_is_text_and_short_words_are_found(service: Service, wanted: str, name: str) -> None:
    assert find(service, wanted) == {name}


def test_what_the_search_finds_follows_the_studies(service: Service) -> None:
    (study,) = studies.query(service, WorklistQuery(text="brown")).items
    with service.begin() as session:
        session.get_one(StudyRow, study.id).indication = "Dyspnea, ?pneumothorax"
    assert find(service, "?pneumo") == {"BROWN^ANN"}
    with service.begin() as session:
        session.get_one(StudyRow, study.id).patient_name = "GREEN^ANN"
    assert (find(service, "brown"), find(service, "green")) == (set(), {"GREEN^ANN"})
    studies.delete(service, study.id, user="test", reason="test")
    assert find(service, "green") == set()
    if service.engine.dialect.name == "sqlite":
        check = "INSERT INTO study_texts_index(study_texts_index) VALUES ('integrity-check')"
        with service.begin() as session:
            session.execute(text(check))


def test_a_database_without_trigrams_is_looked_through(service: Service) -> None:
    if service.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL uses its index or not by itself")
    with service.begin() as session:
        assert "MATCH" in str(find_text(session, "brown"))
        for name in ("added", "removed", "changed"):
            session.execute(text(f"DROP TRIGGER study_texts_{name}"))
        session.execute(text("DROP TABLE study_texts_index"))
        assert "MATCH" not in str(find_text(session, "brown"))
    assert find(service, "brown") == {"BROWN^ANN"}
    receive_instance(service, make_dicom("NEW^NAME", seed=99), source="dicom:TEST")
    assert find(service, "new^n") == {"NEW^NAME"}


def fill(engine: Engine) -> None:
    moment = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    rows = [
        {
            "id": f"{number:032x}",
            "study_uid": f"2.25.{number}",
            "patient_name": f"ÉTÉ^{number}",
            "accession": f"ACC{number:05d}",
            "received_at": moment,
            "changed_at": moment,
            "findings": [],
        }
        for number in range(ROWS)
    ]
    with engine.begin() as connection:
        connection.execute(insert(StudyRow), rows)


def test_a_filled_database_is_brought_up_to_date(database_url: str, tmp_path: Path) -> None:
    engine = open_engine(database_url)
    upgrade(engine, "0002")
    fill(engine)
    engine.dispose()
    settings = Settings(data=tmp_path / "d", workers=0, min_free_mb=1, database_url=database_url)
    service = open_service(settings)
    assert find(service, "été^4321") == {"ÉTÉ^4321"}
    assert find(service, "acc04999") == {"ÉTÉ^4999"}
    with service.begin() as session:
        assert session.query(StudyTextRow).count() == ROWS
        plan = session.execute(
            text(
                "EXPLAIN QUERY PLAN SELECT rowid FROM study_texts_index WHERE text MATCH 'abc'"
                if service.engine.dialect.name == "sqlite"
                else "SELECT indexname FROM pg_indexes WHERE indexname = 'ix_study_texts_trigrams'"
            )
        ).all()
    assert plan
    service.close()
