"""Whatever a reading says, its objects say the same when they are read back."""

import datetime as dt
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.export import read_objects, write_objects
from hilum.export.content import content_of
from hilum.types import (
    Anatomy,
    Box,
    Finding,
    Issue,
    Measurement,
    Quality,
    RadiographReading,
    Reading,
    Region,
    Report,
    Statement,
    Status,
    Study,
)
from object_files import write_sources
from readings import make_radiograph

SHARES = st.floats(0.0, 1.0)
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=60).filter(
    lambda text: any(c.isprintable() and not c.isspace() for c in text)
)
ZONES = st.lists(st.sampled_from(["right_upper_zone", "left_lower_zone"]), unique=True)


@st.composite
def regions(draw: Any) -> Region:
    x, y = draw(st.floats(0, 500)), draw(st.floats(0, 580))
    width, height = draw(st.floats(0.001, 520 - x)), draw(st.floats(0.001, 600 - y))
    return Region(Box(x, y, width, height), draw(SHARES))


@st.composite
def findings(draw: Any, name: str) -> Finding:
    if draw(st.booleans()):
        problem = draw(TEXTS)
        return Finding(name, Status.NOT_ASSESSED, problem=problem, id=f"r1.{name}")
    low, middle, high = sorted(draw(st.tuples(SHARES, SHARES, SHARES)))
    return Finding(
        name,
        draw(st.sampled_from([Status.PRESENT, Status.ABSENT, Status.UNCERTAIN])),
        middle,
        draw(st.sampled_from([None, (low, high)])),
        draw(st.none() | SHARES),
        tuple(draw(st.lists(regions(), max_size=2))),
        tuple(draw(ZONES)),
        id=f"r1.{name}",
    )


@st.composite
def measurements(draw: Any, name: str) -> Measurement:
    unit = draw(st.sampled_from(["1", "mm", "mm2", "deg", "px", "px2"]))
    if draw(st.booleans()):
        return Measurement(name, None, unit, problem=draw(TEXTS), id=f"r1.{name}")
    value = draw(st.floats(-1e7, 1e7))
    return Measurement(name, value, unit, draw(st.none() | st.floats(0, 1e5)), id=f"r1.{name}")


@st.composite
def readings(draw: Any) -> Reading:
    names = ("pneumonia", "lung_opacity", "pleural_thickening", "a_finding_of_mine")
    found = tuple(draw(findings(name)) for name in names[: draw(st.integers(1, 4))])
    measured = tuple(draw(measurements(n)) for n in ("cardiothoracic_ratio", "rib_count"))
    warning = Issue("lung_cut_off", draw(TEXTS), "r1.lung_cut_off")
    radiograph = make_radiograph()
    image = RadiographReading(
        radiograph,
        Quality(True, warnings=(warning,)),
        Anatomy(
            measurements=measured,
            landmarks={"carina": (draw(st.floats(0, 520)), draw(st.floats(0, 600)))},
        ),
        found,
    )
    sentence = Statement(draw(TEXTS), (found[0], measured[0], warning))
    report = Report((sentence,), (sentence,), draw(st.just("") | TEXTS))
    study = Study((radiograph,), uid=radiograph.study_uid, date=dt.datetime(2021, 3, 4))
    return Reading(study, (image,), report, models={"hilum-gate": "3f" * 32})


@settings(max_examples=60)
@given(readings())
def test_the_fhir_bundle_gives_the_reading_back(reading: Reading) -> None:
    with TemporaryDirectory() as folder:
        write_objects(reading, folder, dicom=False)
        assert read_objects(folder).bundle == content_of(reading)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    radiograph = make_radiograph()
    image = RadiographReading(radiograph, Quality(True))
    reading = Reading(Study((radiograph,)), (image,), Report())
    (path,) = write_sources(reading, tmp_path_factory.mktemp("source"))
    return path


@settings(max_examples=12)
@given(reading=readings())
def test_the_structured_report_gives_the_reading_back(source: Path, reading: Reading) -> None:
    with TemporaryDirectory() as folder:
        write_objects(reading, folder, files=source, fhir=False)
        assert read_objects(folder).report == content_of(reading)
