"""A data set of phantoms, patient by patient: what is drawn, what is written.

``plan_patient`` draws a patient of a data set from its number alone, ``make_patient`` renders
the films and writes their files. Both depend on nothing but options and number, so that any
process may make any patient, in any order, and an interrupted run can go on. The tables are
put together afterwards by ``dataset_tables``, the work is spread by ``hilum.scale``.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from hilum._version import __version__
from hilum.errors import InvalidValueError, require
from hilum.synth.files.dataset_rows import Film, annotations_of, row_of
from hilum.synth.files.dataset_words import words_of
from hilum.synth.files.dicom import DicomOptions, Identity, write_dicom
from hilum.synth.files.files import truth_to_dict, write_image, write_mask
from hilum.synth.files.rle import encode_rle
from hilum.synth.sampling import sample_spec
from hilum.synth.study import render
from hilum.synth.timeline import sample_context, sample_patient
from hilum.synth.types import PhantomImage, PhantomSpec
from hilum.types import View

__all__ = ["DatasetOptions", "Record", "fingerprint", "make_patient", "plan_patient", "split_of"]

Record = dict[str, Any]
FIRST_DAY = dt.date(2020, 1, 1)
SPLITS = (("train", 0.8), ("val", 0.9), ("test", 1.0))


@dataclass(frozen=True, slots=True)
class DatasetOptions:
    """What a data set holds; two equal ones give equal files.

    ``count`` patients, each with one study, or with a course of studies (``has_courses``).
    ``image_format`` is png or dicom, ``masks`` rle or png, ``bits`` those of the images.
    ``has_lateral`` adds a lateral film to every upright study. ``prob_child`` is the share of
    children among patients with one study.
    """

    count: int = 100
    seed: int = 0
    pixels: int = 512
    image_format: str = "png"
    bits: int = 16
    masks: str = "rle"
    has_courses: bool = False
    has_lateral: bool = False
    prob_child: float = 0.1

    def __post_init__(self) -> None:
        require(self.count >= 1, f"a data set has at least 1 patient, got {self.count}")
        require(self.seed >= 0, f"the seed is 0 or more, got {self.seed}")
        require(64 <= self.pixels <= 4096, f"images have 64 to 4096 pixels, got {self.pixels}")
        known = self.image_format in ("png", "dicom")
        require(known, f"images are png or dicom, got {self.image_format!r}")
        require(self.masks in ("rle", "png"), f"masks are rle or png, got {self.masks!r}")
        DicomOptions(bits=self.bits)
        fits = self.image_format == "dicom" or self.bits in (8, 16)
        require(fits, f"a PNG has 8 or 16 bits, got {self.bits}")


def fingerprint(options: DatasetOptions) -> str:
    """Digest of the options and the version; work of another one is never mixed in."""
    text = json.dumps({**asdict(options), "version": __version__}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def split_of(patient: str) -> str:
    """``train`` (80 %), ``val`` or ``test`` (10 % each), by a hash of the patient's name.

    >>> split_of("P000000") == split_of("P000000")
    True
    """
    share = int.from_bytes(hashlib.sha256(patient.encode()).digest()[:4], "big") / 2**32
    return next(name for name, end in SPLITS if share < end)


def plan_patient(options: DatasetOptions, number: int) -> tuple[Film, ...]:
    """The films of a patient, in order of time; nothing is rendered yet."""
    rng = np.random.default_rng([options.seed, number])
    patient = f"P{number:06d}"
    films: list[Film] = []
    if options.has_courses:
        drawn = sample_patient(rng)
        for place, item in enumerate(drawn.studies):
            events = tuple((event.day, event.kind) for event in item.events)
            film = Film(patient, place, 0, item.spec, item.time, item.context, events)
            films.append(replace(film, course=drawn.course, day=item.day))
    else:
        spec = sample_spec(rng, prob_child=options.prob_child)
        context = sample_context(spec, rng=rng)
        time = dt.datetime.combine(FIRST_DAY + dt.timedelta(days=number % 1461), dt.time(12))
        films.append(Film(patient, 0, 0, spec, time, context))
    if options.has_lateral:
        films = [view for film in films for view in _with_lateral(film)]
    return tuple(films)


def _with_lateral(film: Film) -> tuple[Film, ...]:
    """The film and, if the patient stands, the lateral one of the same study."""
    if film.spec.imaging.view is not View.PA:
        return (film,)
    return film, replace(film, number=1, spec=lateral_spec(film.spec))


def lateral_spec(spec: PhantomSpec) -> PhantomSpec:
    """The same patient from the side, on a film of its own noise and exposure."""
    imaging = spec.imaging
    thicker = float(np.exp(np.clip((spec.build.width - spec.build.depth) / 70.0, 0.0, 2.0)))
    return replace(
        spec,
        imaging=replace(
            imaging,
            view=View.LATERAL,
            yaw=0.0,
            centre_mm=(0.0, imaging.centre_mm[1]),
            dose=imaging.dose * thicker,
            seed=imaging.seed ^ 1,
        ),
    )


def make_patient(options: DatasetOptions, number: int, folder: Path) -> Record:
    """Render a patient's films and write their files below ``folder``.

    Returns:
        What the tables need: ``rows``, ``annotations``, and ``words`` (lines of text by file).
        Plain data that JSON holds.

    Raises:
        InvalidValueError: A file cannot be written.
    """
    record: Record = {"number": number, "rows": [], "annotations": [], "words": {}}
    before: PhantomImage | None = None
    for film in plan_patient(options, number):
        image = render(film.spec, pixels=(options.pixels, options.pixels))
        path = _write_film(options, film, image, folder)
        record["rows"].append(row_of(film, image, path, split_of(film.patient)))
        record["annotations"].append(annotations_of(image))
        rng = np.random.default_rng([options.seed, number, film.study, film.number])
        for name, lines in words_of(film, image, before, rng).items():
            record["words"].setdefault(name, []).extend(lines)
        if film.number == 0:
            before = image
    return record


def _write_film(options: DatasetOptions, film: Film, image: PhantomImage, folder: Path) -> str:
    """The image, its masks and its truth; returns the image's path below the folder."""
    suffix = "dcm" if options.image_format == "dicom" else "png"
    path = f"images/{film.name}.{suffix}"
    try:
        for name in ("images", "masks", "truth"):
            (folder / name).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidValueError(f"cannot make folders in {folder}: {error.strerror}") from error
    if suffix == "dcm":
        who = Identity(
            film.patient,
            f"{options.seed}-{film.patient}-{film.study}",
            film.number + 1,
            f"{film.time:%Y%m%d}",
            f"{film.time:%H%M%S}",
        )
        write_dicom(image, folder / path, options=DicomOptions(bits=options.bits), identity=who)
    else:
        write_image(image, folder / path, bits=options.bits)
    masks = masks_of(image)
    if options.masks == "png":
        (folder / "masks" / film.name).mkdir(exist_ok=True)
        for name, mask in masks.items():
            write_mask(folder / "masks" / film.name / f"{name}.png", mask)
    else:
        coded = {name: encode_rle(mask) for name, mask in masks.items()}
        _write_json(folder / "masks" / f"{film.name}.json", coded)
    _write_json(folder / "truth" / f"{film.name}.json", truth_to_dict(image))
    return path


def masks_of(image: PhantomImage) -> dict[str, np.ndarray[Any, np.dtype[np.bool_]]]:
    """Every mask by name: structures, ``finding_0``, ``device_0`` and so on; no empty ones."""
    truth = image.truth
    masks = {name: mask for name, mask in truth.masks.items() if mask.any()}
    findings = {f"finding_{n}": f.mask for n, f in enumerate(truth.findings) if f.mask is not None}
    devices = {f"device_{n}": d.mask for n, d in enumerate(truth.devices) if d.mask.any()}
    return {**masks, **findings, **devices}


def _write_json(path: Path, data: Any) -> None:
    try:
        path.write_text(json.dumps(data, separators=(",", ":")) + "\n", encoding="utf-8")
    except OSError as error:
        raise InvalidValueError(f"cannot write {path}: {error.strerror}") from error
