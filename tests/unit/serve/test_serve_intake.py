"""What comes in: once, changed, of another patient, no DICOM, images, archives; when it is due."""

import datetime as dt
import io
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pydicom
import pytest

from hilum.errors import InvalidStudyError, ResourceLimitError, UnreadableImageError
from hilum.io import open_study
from hilum.serve import events, intake, jobs, studies
from hilum.serve.database.tables import StudyState, now
from hilum.serve.rasters import raster_to_dicom
from hilum.serve.service import Service
from hilum.types import Context
from serve_web import make_dicom, make_service


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return make_service(tmp_path)


def receive(service: Service, data: bytes, **options: object) -> intake.Received:
    return intake.receive_instance(service, data, source="dicom:TEST", **options)  # type: ignore[arg-type]


def test_the_same_instance_again_changes_nothing(service: Service) -> None:
    first = receive(service, make_dicom())
    assert intake.complete(service, first.study_id)
    assert not intake.complete(service, first.study_id)
    again = receive(service, make_dicom())
    assert (first.outcome, again.outcome) == ("stored", "duplicate")
    study = studies.load(service, first.study_id)
    assert (study.state, study.instances, study.revision) == (StudyState.QUEUED, 1, 1)


def test_another_content_under_the_same_uid_is_read_again(service: Service) -> None:
    first = receive(service, make_dicom())
    intake.complete(service, first.study_id)
    changed = receive(service, make_dicom(StudyDescription="Chest AP"))
    assert changed.outcome == "replaced"
    assert studies.load(service, first.study_id).state == StudyState.RECEIVING
    intake.complete(service, first.study_id)
    assert studies.load(service, first.study_id).revision == 2
    (image,) = studies.images_of(service, first.study_id)
    assert b"Chest AP" in service.files.read(image.sha256)
    assert sum(p.is_file() for p in service.files.root.rglob("*")) == 1


def test_a_study_belongs_to_one_patient(service: Service) -> None:
    receive(service, make_dicom())
    other = make_dicom(SOPInstanceUID="1.2.3", PatientID="SOMEBODY-ELSE")
    with pytest.raises(InvalidStudyError, match="another patient") as raised:
        receive(service, other)
    assert "SOMEBODY" not in str(raised.value)


def test_an_instance_belongs_to_one_study(service: Service) -> None:
    receive(service, make_dicom())
    with pytest.raises(InvalidStudyError, match="another study"):
        receive(service, make_dicom(StudyInstanceUID="1.2.3"))


@pytest.mark.parametrize("data", [b"", b"not DICOM", b"\0" * 128 + b"DICM"])
def test_what_is_no_instance_is_refused(service: Service, data: bytes) -> None:
    with pytest.raises(UnreadableImageError):
        receive(service, data)
    assert studies.query(service, studies.WorklistQuery()).total == 0


def test_a_large_instance_is_refused(tmp_path: Path) -> None:
    service = make_service(tmp_path, max_instance_mb=1)
    with pytest.raises(ResourceLimitError, match="at most 1 MB"):
        receive(service, make_dicom() + b"\0" * 1_000_000)


def test_a_study_is_due_after_a_pause_or_when_it_is_full(tmp_path: Path) -> None:
    service = make_service(tmp_path, completion_seconds=5, completion_instances=2)
    study_id = receive(service, make_dicom()).study_id
    assert intake.complete_due(service) == []
    assert intake.complete_due(service, now() + dt.timedelta(seconds=6)) == [study_id]
    other = receive(service, make_dicom(seed=1)).study_id
    receive(service, make_dicom(seed=1, SOPInstanceUID="1.2.4"))
    assert intake.complete_due(service) == [other]


def test_a_study_without_images_is_refused(service: Service) -> None:
    dataset = pydicom.dcmread(io.BytesIO(make_dicom()))
    for keyword in ("PixelData", "Rows", "Columns"):
        delattr(dataset, keyword)
    target = io.BytesIO()
    dataset.save_as(target)
    study_id = receive(service, target.getvalue()).study_id
    intake.complete(service, study_id)
    study = studies.load(service, study_id)
    assert (study.state, study.reason) == (StudyState.REFUSED, "the study holds no image")


@pytest.mark.parametrize(
    ("indication", "priority", "suspicion"),
    [
        ("Rule out pneumothorax after line placement", 1, "pneumothorax"),
        ("Cough. No pneumothorax on the last film.", 5, ""),
        ("Cough", 5, ""),
    ],
)
def test_a_suspected_pneumothorax_comes_first(
    service: Service, indication: str, priority: int, suspicion: str
) -> None:
    received = receive(service, make_dicom(), context=Context(indication=indication))
    study = studies.load(service, received.study_id)
    assert (study.priority, study.suspicion) == (priority, suspicion)


def test_urgency_and_indication_of_the_header_count(service: Service) -> None:
    data = make_dicom(
        RequestedProcedurePriority="STAT", ReasonForTheRequestedProcedure="Fever for a week"
    )
    study = studies.load(service, receive(service, data).study_id)
    assert (study.priority, study.indication) == (2, "Fever for a week")


def test_files_in_an_archive_and_one_that_cannot_be_used(service: Service) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../../evil.dcm", make_dicom(seed=5))
        archive.writestr("readme.txt", b"hello")
    (study_id,) = intake.receive_files(service, [packed.getvalue()], source="http:test")
    assert studies.load(service, study_id).state == StudyState.QUEUED
    with pytest.raises(UnreadableImageError):
        intake.receive_files(service, [b"hello"], source="http:test")


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_an_image_file_means_the_same_as_dicom(tmp_path: Path, depth: type) -> None:
    top = np.iinfo(depth).max
    pixels = np.linspace(0, top, 40 * 30).reshape(40, 30).astype(depth)
    data = cv2.imencode(".png", pixels)[1].tobytes()
    (tmp_path / "a.png").write_bytes(data)
    (tmp_path / "a.dcm").write_bytes(raster_to_dicom(data))
    (plain,) = open_study(tmp_path / "a.png").radiographs
    (stored,) = open_study(tmp_path / "a.dcm").radiographs
    np.testing.assert_allclose(stored.pixels, plain.pixels, atol=1 / 60000)
    assert raster_to_dicom(data) == raster_to_dicom(data)


def test_a_coloured_picture_keeps_its_colours(tmp_path: Path) -> None:
    pixels = np.zeros((30, 41, 3), np.uint8)
    pixels[..., 2] = 200
    data = cv2.imencode(".png", pixels)[1].tobytes()
    (tmp_path / "a.dcm").write_bytes(raster_to_dicom(data))
    (image,) = open_study(tmp_path / "a.dcm").radiographs
    assert image.chroma > 0.5


def test_a_prior_is_held_but_not_read(service: Service) -> None:
    prior = receive(service, make_dicom(), origin="prior")
    assert studies.load(service, prior.study_id).state == StudyState.PRIOR
    assert intake.complete_due(service, now() + dt.timedelta(hours=1)) == []
    later = make_dicom(seed=2, PatientID="PID-00000", StudyDate="20260301")
    current = receive(service, later)
    row = studies.load(service, current.study_id)
    assert [p.id for p in studies.find_priors(service, row)] == [prior.study_id]
    receive(service, make_dicom())  # now it is sent to be read, too
    assert studies.load(service, prior.study_id).state == StudyState.RECEIVING


def test_events_tell_the_story(service: Service) -> None:
    study_id = receive(service, make_dicom()).study_id
    intake.complete(service, study_id)
    assert [e.kind for e in events.read_after(service, 0)] == ["received", "queued"]
    assert events.last_id(service) == 2
    assert jobs.count_by_state(service)[StudyState.QUEUED] == 1
