"""Priors are fetched from the archive before a study is read; without them it is read as well."""

from __future__ import annotations

import logging

from hilum.errors import HilumError
from hilum.serve import events
from hilum.serve.database.tables import StudyRow
from hilum.serve.dicomweb import archive as web_archive
from hilum.serve.intake import receive_instance
from hilum.serve.network import archive as dimse_archive
from hilum.serve.network.retrieval import retrieve_study
from hilum.serve.service import Service

__all__ = ["fetch_priors"]

LOG = logging.getLogger(__name__)
MAX_PRIORS = 2


def fetch_priors(service: Service, study: StudyRow) -> int:
    """Fetch the newest earlier studies of the patient that are not here yet.

    An archive that is down or slow is noted as an event of the study, and nothing else.

    Returns:
        How many instances came.
    """
    settings = service.settings
    if not study.patient_id or study.study_date is None:
        return 0
    if not (settings.archive_dicomweb_url or settings.archive_ae):
        return 0
    date = f"{study.study_date:%Y%m%d}"
    try:
        files, count = _fetch(service, study.patient_id, study.study_uid, date)
    except HilumError as error:
        LOG.warning("priors of study %s: %s", study.id, error)
        with service.begin() as session:
            events.append(session, "priors_missing", study.id, reason=str(error))
        return 0
    for data in files:
        try:
            receive_instance(service, data, source="archive", origin="prior")
            count += 1
        except HilumError as error:
            LOG.warning("a prior of study %s was not taken: %s", study.id, error)
    return count


def _fetch(service: Service, patient_id: str, study_uid: str, date: str) -> tuple[list[bytes], int]:
    """Files to take in, and how many instances C-MOVE brought in already."""
    settings = service.settings
    if settings.archive_dicomweb_url:
        known = web_archive.find_studies(settings, patient_id)
        wanted = _newest(known, study_uid, date)
        return [data for uid in wanted for data in web_archive.get_study(settings, uid)], 0
    peer = dimse_archive.parse_peer(settings.archive_ae)
    found = dimse_archive.find_studies(settings, peer, patient_id)
    wanted = _newest([(item.study_uid, item.study_date) for item in found], study_uid, date)
    came = [retrieve_study(settings, peer, uid) for uid in wanted]
    return [data for files, _ in came for data in files], sum(count for _, count in came)


def _newest(studies: list[tuple[str, str]], current: str, date: str) -> list[str]:
    """UIDs of the newest studies before ``date`` (DICOM dates sort as text)."""
    earlier = [(day, uid) for uid, day in studies if uid != current and day and day < date]
    return [uid for _, uid in sorted(earlier, reverse=True)[:MAX_PRIORS]]
