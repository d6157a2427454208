"""The worklist: found, sorted, paged; deleted with proof, by hand and by age."""

import datetime as dt
from pathlib import Path

import pytest

from hilum.errors import InvalidValueError, UnknownStudyError
from hilum.serve import audit, jobs, studies
from hilum.serve.database.tables import StudyRow, StudyState, now
from hilum.serve.reader_files import reading_folder
from hilum.serve.service import Service
from hilum.serve.studies import WorklistQuery
from serve_web import add_study, make_dicom, make_service, store_reading


@pytest.fixture
def service(tmp_path: Path) -> Service:
    service = make_service(tmp_path, retention_days=30)
    for seed, name in enumerate(["ADA^A", "BEA^B", "CY_D^C", "DOE^100%"]):
        add_study(service, make_dicom(name, seed=seed))
    with service.begin() as session:
        for row in session.query(StudyRow):
            row.priority = 1 if row.patient_name.startswith("CY") else 5
    return service


def names(service: Service, **wanted: object) -> list[str]:
    page = studies.query(service, WorklistQuery(**wanted))  # type: ignore[arg-type]
    return [row.patient_name for row in page.items]


def test_the_urgent_come_first(service: Service) -> None:
    assert names(service)[0] == "CY_D^C"
    assert names(service, sort="-patient_name") == ["DOE^100%", "CY_D^C", "BEA^B", "ADA^A"]
    with pytest.raises(InvalidValueError, match="expected one of"):
        names(service, sort="patient_name; DROP TABLE studies")


def test_text_is_text(service: Service) -> None:
    assert names(service, text="bea") == ["BEA^B"]
    assert names(service, text="0%") == ["DOE^100%"]
    assert names(service, text="y_d") == ["CY_D^C"]
    assert names(service, text="' OR 1=1 --") == []
    assert names(service, text="ACC00002") == ["CY_D^C"]


def test_pages_follow_each_other(service: Service) -> None:
    first = studies.query(service, WorklistQuery(sort="patient_name", limit=3))
    assert (len(first.items), first.total) == (3, 4)
    assert first.next_cursor is not None
    rest = studies.query(
        service, WorklistQuery(sort="patient_name", limit=3, cursor=first.next_cursor)
    )
    assert [row.patient_name for row in rest.items] == ["DOE^100%"]
    assert rest.next_cursor is None
    with pytest.raises(InvalidValueError, match="cursor"):
        studies.query(service, WorklistQuery(cursor="AAAA"))


def test_by_state_and_finding(service: Service) -> None:
    study_id = studies.query(service, WorklistQuery(text="ADA")).items[0].id
    reading = store_reading(service, study_id)
    shown = [f.name for f in reading.radiographs[0].findings if f.status.value == "present"]
    assert names(service, states=("read",)) == ["ADA^A"]
    assert names(service, finding=shown[0]) == ["ADA^A"]
    assert names(service, finding="not_a_finding") == []


def test_deletion_leaves_the_proof_and_nothing_else(service: Service) -> None:
    study_id = studies.query(service, WorklistQuery(text="ADA")).items[0].id
    store_reading(service, study_id)
    (image,) = studies.images_of(service, study_id)
    folder = reading_folder(service, study_id, 1)
    assert folder.is_dir()
    proof = studies.delete(service, study_id, user="ana", reason="asked for")
    assert proof.sha256 == (image.sha256,)
    assert not service.files.path(image.sha256).exists()
    assert not folder.exists()
    assert studies.latest_reading(service, study_id) is None
    with pytest.raises(UnknownStudyError):
        studies.load(service, study_id)
    (entry,) = audit.read_entries(service)
    assert (entry.sequence, entry.action, entry.object) == (
        proof.audit_sequence,
        "delete",
        study_id,
    )
    assert entry.detail["sha256"] == list(proof.sha256)


def test_a_shared_file_outlives_one_of_its_studies(service: Service) -> None:
    first, second = studies.query(service, WorklistQuery(sort="patient_name")).items[:2]
    (image,) = studies.images_of(service, first.id)
    with service.begin() as session:
        other = session.merge(studies.images_of(service, second.id)[0])
        other.sha256 = image.sha256
    assert studies.delete(service, first.id, user="a", reason="b").sha256 == ()
    assert service.files.path(image.sha256).exists()


def test_old_studies_are_deleted(service: Service) -> None:
    assert studies.delete_expired(service) == []
    later = now() + dt.timedelta(days=31)
    assert len(studies.delete_expired(service, later)) == 4
    assert studies.query(service, WorklistQuery()).total == 0


def test_retry_reads_as_a_new_revision(service: Service) -> None:
    study_id = studies.query(service, WorklistQuery()).items[0].id
    with pytest.raises(InvalidValueError, match="wait until it is done"):
        jobs.retry(service, study_id)
    with service.begin() as session:
        session.get_one(StudyRow, study_id).state = StudyState.FAILED
    assert [job.study_id for job in jobs.list_jobs(service, StudyState.FAILED)] == [study_id]
    jobs.retry(service, study_id)
    study = studies.load(service, study_id)
    assert (study.state, study.revision, study.attempts) == (StudyState.QUEUED, 2, 0)
    with pytest.raises(UnknownStudyError):
        jobs.retry(service, "0" * 32)
