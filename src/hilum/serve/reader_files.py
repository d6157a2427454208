"""Where the files of a reading are: report, masks and objects, one folder a reading."""

from __future__ import annotations

from pathlib import Path

from hilum.serve.database.tables import ReadingRow
from hilum.serve.service import Service

__all__ = ["reading_folder", "result_files"]


def reading_folder(service: Service, study_id: str, revision: int) -> Path:
    """The folder of a reading; both parts of its name are the server's own."""
    return service.readings / f"{study_id}-{revision}"


def result_files(service: Service, reading: ReadingRow) -> list[bytes]:
    """The DICOM objects of a reading."""
    folder = reading_folder(service, reading.study_id, reading.revision)
    return [file.read_bytes() for file in sorted((folder / "dicom").glob("*.dcm"))]
