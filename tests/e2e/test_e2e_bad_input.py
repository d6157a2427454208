"""Bad input of the list in the operations guide that no other test sends through the server."""

import datetime as dt
import errno
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hilum.serve import reader, studies
from hilum.serve.database.tables import StudyState, TokenRow, now
from hilum.serve.reader import read_revision
from hilum.serve.service import Service
from hilum.serve.web.security.tokens import create_token
from serve_web import add_study, make_client, make_dicom, make_service


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    opened = make_service(tmp_path, max_attempts=2)
    yield opened
    opened.close()


def photograph() -> bytes:
    rows, columns = np.mgrid[0:300, 0:400]
    colours = np.stack([rows % 256, columns % 256, (rows + columns) % 256], axis=-1)
    target = io.BytesIO()
    Image.fromarray(colours.astype(np.uint8)).save(target, "PNG")
    return target.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        make_dicom(Modality="CT", SOPClassUID="1.2.840.10008.5.1.4.1.1.2"),
        make_dicom(BodyPartExamined="HIP"),
        photograph(),
    ],
    ids=["CT slice", "hip", "photograph"],
)
def test_what_is_no_chest_radiograph_is_refused_with_the_reason(
    service: Service, data: bytes
) -> None:
    study_id = add_study(service, data)
    assert read_revision(service, study_id, 1) == StudyState.REFUSED
    answer = make_client(service).get(f"/api/v1/studies/{study_id}").json()
    assert answer["state"] == "refused"
    assert len(answer["reason"]) > 10


def test_a_file_whose_pixels_are_damaged_is_refused_and_not_tried_again(service: Service) -> None:
    data = make_dicom()
    study_id = add_study(service, data[:-1000])
    assert read_revision(service, study_id, 1) == StudyState.REFUSED
    study = studies.load(service, study_id)
    assert (study.attempts, "cut short" in study.reason) == (1, True)


def test_an_expired_token_is_told_to_fetch_a_new_one(service: Service) -> None:
    token_id, token = create_token(service, user="ada", roles=["reader"], days=1)
    client = make_client(service, token)
    assert client.get("/api/v1/studies").status_code == 200
    with service.begin() as session:
        session.get_one(TokenRow, token_id).expires_at = now() - dt.timedelta(seconds=1)
    answer = client.get("/api/v1/studies")
    assert (answer.status_code, "expired" in answer.json()["detail"]) == (401, True)
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_disk_that_is_full_while_a_study_is_read_sets_it_aside(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(reader, "write_reading", refuse)
    study_id = add_study(service)
    assert read_revision(service, study_id, 1) == StudyState.FAILED
    (dead,) = make_client(service).get("/api/v1/jobs?state=dead").json()
    assert (dead["study_id"], "No space left" in dead["reason"]) == (study_id, True)
    assert studies.latest_reading(service, study_id) is None
