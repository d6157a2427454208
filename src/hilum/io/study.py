"""Files become a study: grouped, ordered by date, priors kept apart, losses listed."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from pathlib import Path

from hilum.errors import InvalidStudyError, ResourceLimitError, UnreadableImageError
from hilum.io import limits
from hilum.io.dicom import decode_dicom
from hilum.io.dicom_header import DicomHeader, read_header
from hilum.io.dicom_metadata import PatientFacts, read_patient
from hilum.io.elements import read_text
from hilum.io.raster import decode_raster
from hilum.io.reader import require_image
from hilum.io.source import HEAD_BYTES, FileKind, ImageSource
from hilum.io.walk import Paths, as_paths, walk
from hilum.types import Context, Radiograph, Study, Unreadable

__all__ = ["open_study"]

_MAX_CROSS_SECTIONAL = 4
"""Slices of one modality that are decoded (for the gate to refuse); the rest are counted."""


def open_study(paths: Paths, context: Context | None = None, priors: Paths = ()) -> Study:
    """Open one examination of one patient, with its priors.

    Args:
        paths: a path or several: files, folders (recursively), zip archives, DICOMDIR.
            Images are grouped by StudyInstanceUID. The newest study is the one to read;
            older ones become priors. Images without such an identifier (PNG, JPEG) are
            taken to belong to the study that they are given with.
        context: what the requester says. Age and sex are taken from the DICOM header
            where it does not give them.
        priors: earlier examinations, as ``paths``.

    Returns:
        The study. Files that could not be used are listed in ``unreadable`` with the
        reason; if nothing could be used, the study has no radiographs.

    Raises:
        UnreadableImageError: a path does not exist.
        InvalidStudyError: the files belong to more than one patient.
        ResourceLimitError: more images than one study holds.
    """
    paths = as_paths(paths)
    if not paths:
        raise UnreadableImageError("no path was given; give at least one image file or folder")
    collector = _Collector()
    current, *older = _order(collector.collect(paths)) or [_Group()]
    for path in as_paths(priors):
        older += collector.collect((path,))
    if not current.radiographs and not collector.unreadable:
        collector.unreadable.append(Unreadable(_name_folder(paths[0]), "it holds no files"))
    return Study(
        radiographs=tuple(current.radiographs),
        uid=current.uid,
        date=current.date,
        context=_complete_context(context or Context(), current.patient),
        priors=tuple(_make_prior(group) for group in _order(older)),
        unreadable=tuple(collector.unreadable),
    )


@dataclass(slots=True)
class _Group:
    """The radiographs of one study while they are collected."""

    uid: str = ""
    radiographs: list[Radiograph] = field(default_factory=list)
    patient: PatientFacts = field(default_factory=PatientFacts)

    @property
    def date(self) -> dt.datetime | None:
        """When the first of the radiographs was taken."""
        return min((r.acquired for r in self.radiographs if r.acquired), default=None)


def _order(groups: list[_Group]) -> list[_Group]:
    """Newest first; studies without a date last, as they were given."""
    return sorted(groups, key=lambda group: group.date or dt.datetime.min, reverse=True)


def _make_prior(group: _Group) -> Study:
    context = _complete_context(Context(), group.patient)
    return Study(tuple(group.radiographs), uid=group.uid, date=group.date, context=context)


def _complete_context(context: Context, patient: PatientFacts) -> Context:
    age = patient.age_years if context.age_years is None else context.age_years
    return replace(context, age_years=age, sex=context.sex or patient.sex)


def _name_folder(path: Path) -> str:
    return path.resolve().name or "folder"


@cache
def _cross_sectional() -> dict[str, str]:
    text = resources.files("hilum.io").joinpath("cross_sectional.csv").read_text("utf-8")
    return {row["modality"]: row["name"] for row in csv.DictReader(text.splitlines())}


class _Collector:
    """Reads images into groups and keeps count of everything that is bounded."""

    def __init__(self) -> None:
        self.unreadable: list[Unreadable] = []
        self._patient_key = ""
        self._image_uids: set[str] = set()
        self._slices: dict[str, int] = {}
        self._images = 0
        self._pixels = 0
        self._files = 0

    def collect(self, paths: Iterable[Path]) -> list[_Group]:
        """Read every image in ``paths``; studies in the order in which they were met."""
        groups: dict[str, _Group] = {}
        unlisted = 0
        for item in walk(paths):
            failure: Unreadable | None = None
            if isinstance(item, Unreadable):
                failure = item
            else:
                self._count_file()
                try:
                    self._add(item, groups)
                except (ResourceLimitError, UnreadableImageError) as error:
                    failure = Unreadable(item.name, str(error))
                except OSError as error:
                    failure = Unreadable(item.name, f"cannot be read ({error.strerror})")
            if failure is None:
                continue
            if len(self.unreadable) < limits.MAX_LISTED_UNREADABLE:
                self.unreadable.append(failure)
            else:
                unlisted += 1
        if unlisted:
            self.unreadable.append(Unreadable("others", f"{unlisted:,} more unreadable files"))
        self._report_slices()
        return _join_unidentified(groups)

    def _count_file(self) -> None:
        self._files += 1
        if self._files > limits.MAX_FOLDER_FILES:
            raise InvalidStudyError(
                f"more than {limits.MAX_FOLDER_FILES:,} image files were given as one study; "
                "read folders of many patients with `hilum batch`"
            )

    def _add(self, source: ImageSource, groups: dict[str, _Group]) -> None:
        with source.open() as file:
            kind = require_image(file.read(HEAD_BYTES))
            file.seek(0)
            if kind is FileKind.RASTER:
                self._keep(decode_raster(file, source.name), PatientFacts(), groups)
                return
            header = read_header(file)
            patient = read_patient(header.dataset)
            self._require_one_patient(patient)
            if not self._is_surplus(header):
                self._keep(decode_dicom(header, source.name), patient, groups)

    def _require_one_patient(self, patient: PatientFacts) -> None:
        if patient.key and self._patient_key and patient.key != self._patient_key:
            raise InvalidStudyError(
                "the files belong to more than one patient; give the files of one patient, or "
                "read many with `hilum batch`"
            )
        self._patient_key = self._patient_key or patient.key

    def _is_surplus(self, header: DicomHeader) -> bool:
        """Whether the image is a repeated copy, or one slice too many; both are counted."""
        uid = read_text(header.dataset, "SOPInstanceUID")
        if uid in self._image_uids:
            raise UnreadableImageError("the same image was given twice; it was read once")
        modality = read_text(header.dataset, "Modality").upper()
        if modality in _cross_sectional():
            self._slices[modality] = self._slices.get(modality, 0) + 1
            return self._slices[modality] > _MAX_CROSS_SECTIONAL
        return False

    def _report_slices(self) -> None:
        for modality, count in self._slices.items():
            if count > _MAX_CROSS_SECTIONAL:
                reason = f"{count - _MAX_CROSS_SECTIONAL:,} more images, which are not radiographs"
                name = _cross_sectional()[modality]
                self.unreadable.append(Unreadable(f"{modality} ({name})", reason))
        self._slices.clear()

    def _keep(
        self, radiograph: Radiograph, patient: PatientFacts, groups: dict[str, _Group]
    ) -> None:
        self._images += 1
        self._pixels += radiograph.pixels.size
        if self._images > limits.MAX_STUDY_IMAGES or self._pixels > limits.MAX_STUDY_PIXELS:
            raise InvalidStudyError(
                f"more than {limits.MAX_STUDY_IMAGES} images or "
                f"{limits.MAX_STUDY_PIXELS // 1_000_000} megapixels were given as one study; read "
                "folders of many patients with `hilum batch`"
            )
        self._image_uids.update({radiograph.sop_instance_uid} - {""})
        group = groups.setdefault(radiograph.study_uid, _Group(radiograph.study_uid))
        group.radiographs.append(radiograph)
        if group.patient == PatientFacts():
            group.patient = patient


def _join_unidentified(groups: dict[str, _Group]) -> list[_Group]:
    """Images without a study identifier join the newest study that they came with."""
    loose = groups.pop("", None)
    found = list(groups.values())
    if loose is None:
        return found
    if not found:
        return [loose]
    _order(found)[0].radiographs += loose.radiographs
    return found
