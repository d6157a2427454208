"""How one image of a batch is read: decode it, then walk the main path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from hilum.errors import UnreadableImageError
from hilum.io import ImageSource, open_study, read_radiograph
from hilum.types import Context, Reading, Study

__all__ = ["Reader", "StudyReader"]


class Reader(Protocol):
    """Reads one image in a worker process; an instance must survive pickling."""

    def __call__(self, source: ImageSource, context: Context) -> Reading:
        """Read a study of this one image; any exception becomes the row's ``error``."""
        ...

    def weights(self) -> Mapping[str, str]:
        """Name and SHA-256 of the weights by task; rows of other weights are not reused."""
        ...


@dataclass(frozen=True, slots=True)
class StudyReader:
    """The main path: ``hilum.io.open_study``, then ``hilum.reading.read``.

    ``models`` replaces shipped models by task, as in ``hilum.reading.read``.
    """

    models: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, source: ImageSource, context: Context) -> Reading:
        """Read a study of this one image.

        Raises:
            UnreadableImageError: The source holds no image, or more than one.
        """
        from hilum.reading import read  # late: the rooms and their libraries take a second

        return read(_open_one(source, context), models=self.models)

    def weights(self) -> Mapping[str, str]:
        """Name and SHA-256 of the weights by task, after the files were checked.

        Raises:
            InvalidValueError: ``models`` names an unknown task.
            MissingModelError: A model is not registered.
            ModelIntegrityError: Weights are damaged.
        """
        from hilum.models import load_model
        from hilum.reading import resolve_models

        weights = {}
        for task, name in resolve_models(self.models).items():
            model = load_model(name)
            model.read_weights()
            weights[task] = f"{model.manifest.name}@{model.manifest.sha256}"
        return weights


def _open_one(source: ImageSource, context: Context) -> Study:
    """The study of one image: of a file as ``hilum read`` opens it, or of an archive's member."""
    if source.entry is not None or source.problem is not None:
        image = read_radiograph(source)
        return Study((image,), uid=image.study_uid, date=image.acquired, context=context)
    study = open_study([source.path], context=context)
    count = len(study.radiographs)
    if count == 1:
        return study
    if count == 0:
        raise UnreadableImageError("; ".join(problem.reason for problem in study.unreadable))
    raise UnreadableImageError(
        f"expected one image, got an archive or index of {count}; list its files instead"
    )
