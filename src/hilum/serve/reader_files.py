"""Where the files of a reading are: report, masks and objects, one folder a reading."""

from __future__ import annotations

from pathlib import Path

from hilum.serve.service import Service

__all__ = ["object_files", "reading_folder"]


def reading_folder(service: Service, study_id: str, revision: int) -> Path:
    """The folder of a reading; both parts of its name are the server's own."""
    return service.readings / f"{study_id}-{revision}"


def object_files(service: Service, study_id: str, revision: int) -> list[Path]:
    """The DICOM objects of a reading, sorted by name; none when nothing was readable."""
    folder = reading_folder(service, study_id, revision)
    return sorted((folder / "dicom").glob("*.dcm"))
