"""De-identified mode: answers that do not say who the patient is.

Names and numbers are replaced, dates move by the patient's shift, UIDs are mapped, texts are
cleaned; DICOM files go through ``hilum.io.deidentify`` with the same key, so that all of them
still fit together. The key is made once and lies beside the database.
"""

from __future__ import annotations

import datetime as dt
import io
import os
import re
import secrets
from collections.abc import Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import pydicom

from hilum.errors import StorageError
from hilum.io.deidentify import deidentify_dataset
from hilum.io.elements import quiet
from hilum.serve.database.tables import StudyRow
from hilum.serve.service import Service
from hilum.text.deidentify import clean_text
from hilum.text.surrogates import PatientKey

__all__ = ["Mask", "read_secret"]

OLDEST = 89.0
"""Ages above it are rare enough to name a person (HIPAA)."""
OPTIONS = ("clean_pixel_data", "retain_modified_dates", "clean_descriptors")
_DATE = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")


def read_secret(service: Service) -> bytes:
    """The key of all stand-ins, made when it is first asked for.

    Raises:
        StorageError: It cannot be read or written.
    """
    path: Path = service.settings.data / "deidentify.key"
    try:
        if not path.is_file():
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(secrets.token_bytes(32))
        return path.read_bytes()
    except OSError as error:
        raise StorageError(f"deidentify.key cannot be used: {error.strerror}") from error


class Mask:
    """Hides who the patient of one study is."""

    def __init__(self, secret: bytes, study: StudyRow) -> None:
        self._secret = secret
        self._study = study

    @cached_property
    def key(self) -> PatientKey:
        """Where this patient's stand-ins come from; the same as for the DICOM files."""
        return PatientKey(self._secret, self._study.patient_id or self._study.patient_name)

    @property
    def known(self) -> tuple[str, ...]:
        """What must not remain in any text."""
        study = self._study
        values = (study.patient_name, study.patient_id, study.accession)
        return tuple(value for value in values if value)

    def summary(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Fields of a study's summary without identity."""
        masked = dict(values)
        person = self.key.digest("dicom", "patient").hex()[:12].upper()
        masked["patient_name"], masked["patient_id"] = f"ANONYMOUS^{person}", f"H{person}"
        masked["accession"] = None
        for name in ("study_date", "received_at", "read_at"):
            masked[name] = self.moment(masked[name])
        for name in ("description", "indication", "reason"):
            masked[name] = self.text(masked[name]) if masked[name] else masked[name]
        age = masked["age_years"]
        masked["age_years"] = min(age, OLDEST) if age is not None else None
        return masked

    def moment(self, value: dt.datetime | None) -> dt.datetime | None:
        """A time moved by the patient's shift."""
        return None if value is None else value + dt.timedelta(days=self.key.shift_days)

    def text(self, value: str) -> str:
        """A text without names, numbers and dates."""
        return clean_text(value, self.key, self.known)

    def uid(self, value: str) -> str:
        """The UID that stands for another; none for none."""
        return self.key.uid(value) if value else ""

    def document(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """A ``reading.json`` without identity; places, figures and findings stay."""
        masked = dict(document)
        masked["study_uid"] = self.uid(document["study_uid"])
        masked["radiographs"] = [
            {
                **image,
                "source": f"image {number}",
                "sop_instance_uid": self.uid(image["sop_instance_uid"]),
                "acquired": self._date(image["acquired"]),
            }
            for number, image in enumerate(document["radiographs"], start=1)
        ]
        masked["report"] = self._report(document["report"])
        masked["changes"] = [
            {**change, "prior_date": self._date(change["prior_date"])}
            for change in document["changes"]
        ]
        masked["priors"] = [
            {
                "study_uid": self.uid(prior["study_uid"]),
                "date": self._date(prior["date"]),
                "sources": [f"prior image {n}" for n, _ in enumerate(prior["sources"], start=1)],
            }
            for prior in document["priors"]
        ]
        masked["unreadable"] = [
            {"source": f"file {n}", "reason": self.text(item["reason"])}
            for n, item in enumerate(document["unreadable"], start=1)
        ]
        return masked

    def sentence(self, value: str) -> str:
        """A sentence that Hilum wrote: only its dates say anything of the patient."""
        return _DATE.sub(lambda match: self._date(match[0]) or "", value)

    def dicom(self, data: bytes) -> bytes:
        """A DICOM file without identity, burned-in text blanked."""
        with quiet():
            dataset = pydicom.dcmread(io.BytesIO(data))
        result, _ = deidentify_dataset(
            dataset,
            keys=partial(PatientKey, self._secret),
            options=OPTIONS,
            clean_text=clean_text,
            known=self.known,
        )
        target = io.BytesIO()
        with quiet():
            result.save_as(target, enforce_file_format=True)
        return target.getvalue()

    def _report(self, report: Mapping[str, Any]) -> dict[str, Any]:
        masked = dict(report)
        masked["indication"] = self.text(report["indication"])
        masked["comparison"] = self.sentence(report["comparison"])
        for section in ("findings", "impression"):
            masked[section] = [
                {**statement, "text": self.sentence(statement["text"])}
                for statement in report[section]
            ]
        return masked

    def _date(self, value: str | None) -> str | None:
        if not value:
            return None
        try:
            moved = self.moment(dt.datetime.fromisoformat(value))
        except (ValueError, OverflowError):
            return None
        assert moved is not None
        return moved.isoformat(timespec="seconds") if "T" in value else moved.date().isoformat()
