"""The main path: what is read, what is refused, and that every id is unique."""

from pathlib import Path

import numpy as np
import pytest

import hilum
from hilum.errors import InvalidValueError
from hilum.models import golden_image
from hilum.reading import OPTIONAL_TASKS, _identified, resolve_models
from hilum.types import (
    Finding,
    Issue,
    Orientation,
    Origin,
    Quality,
    Radiograph,
    RadiographReading,
    Status,
    Study,
)


def make_radiograph(pixels: np.ndarray) -> Radiograph:
    return Radiograph(pixels, "a.png", Orientation(*pixels.shape))


def test_the_same_warning_twice_gets_two_ids() -> None:
    warnings = (Issue("lung_cut_off", "The right lung."), Issue("lung_cut_off", "The left lung."))
    finding = Finding("edema", Status.ABSENT, probability=0.1)
    reading = RadiographReading(
        make_radiograph(golden_image(64, 64)),
        Quality(accepted=True, warnings=warnings),
        findings=(finding,),
    )
    tagged = _identified(reading, "r1")
    assert [w.id for w in tagged.quality.warnings] == ["r1.lung_cut_off", "r1.lung_cut_off_2"]
    assert tagged.findings[0].id == "r1.edema"


def test_an_unknown_task_is_a_clear_error() -> None:
    with pytest.raises(InvalidValueError, match="unknown task"):
        resolve_models({"segmentation": "mine"})


def test_another_findings_model_goes_without_our_second_opinion() -> None:
    assert resolve_models({})["context"] == "hilum-context"
    assert "context" not in resolve_models({"findings": "mine"})


def test_structures_are_found_only_when_they_are_asked_for() -> None:
    assert "structures" not in resolve_models({})
    assert resolve_models({"structures": "hilum-structures"})["structures"] == "hilum-structures"


def test_a_blank_image_is_refused_and_still_a_reading() -> None:
    study = Study((make_radiograph(np.zeros((256, 256), np.float32)),))
    reading = hilum.read(study)
    assert not reading.is_readable
    assert reading.radiographs[0].quality.reasons[0].id
    assert reading.report.impression
    assert not reading.radiographs[0].findings


@pytest.mark.data
def test_real_radiographs_are_read_with_all_their_evidence(shared_data: Path) -> None:
    for path in sorted((shared_data / "nih" / "images").iterdir())[:100:10]:
        reading = hilum.read(hilum.open_study([path]))
        known = reading.evidence()
        for statement in (*reading.report.findings, *reading.report.impression):
            assert all(known[item.id] is item for item in statement.evidence)
        image = reading.radiographs[0]
        lungs = image.anatomy.structures
        for finding in image.findings:
            for region in finding.regions:
                x, y = region.box.centre
                assert 0 <= x < image.radiograph.columns
                assert 0 <= y < image.radiograph.rows
        assert not lungs or lungs["left_lung"].mask.shape == (512, 512)


@pytest.mark.data
def test_structures_from_phantoms_say_so_and_no_sentence_rests_on_them(shared_data: Path) -> None:
    study = hilum.open_study([shared_data / "dicom" / "chest_pa_jpeg.dcm"])
    plain = hilum.read(study)
    reading = hilum.read(study, models=dict(OPTIONAL_TASKS))
    known = plain.radiographs[0].anatomy.structures
    found = reading.radiographs[0].anatomy.structures
    added = {name: found[name] for name in found if name not in known}
    assert {"ribs", "aortic_arch", "left_hemidiaphragm", "endotracheal_tube"} <= set(added)
    assert all(structure.origin is Origin.PHANTOMS for structure in added.values())
    assert all(structure.origin is Origin.ANNOTATIONS for structure in known.values())
    shown = [structure for structure in added.values() if structure.problem is None]
    assert len(shown) >= 5
    assert all(structure.mask.shape == known["left_lung"].mask.shape for structure in shown)
    texts = [[s.text for s in (*r.report.findings, *r.report.impression)] for r in (plain, reading)]
    assert texts[0] == texts[1]
    assert "hilum-structures" in reading.models


@pytest.mark.data
def test_a_prior_gives_a_comparison(shared_data: Path) -> None:
    images = sorted((shared_data / "nih" / "images").glob("00000459_*"))
    images = images or sorted((shared_data / "nih" / "images").iterdir())[:2]
    study = hilum.open_study([images[0]], priors=[images[-1]])
    reading = hilum.read(study)
    assert reading.study.priors
    assert reading.report.comparison != "None."
    assert all(change.id.startswith("change.") for change in reading.changes)
