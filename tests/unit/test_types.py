"""The types are valid once constructed."""

import numpy as np
import pytest

from hilum.errors import InvalidValueError
from hilum.types import (
    Box,
    Finding,
    Issue,
    Measurement,
    Orientation,
    Quality,
    Radiograph,
    RadiographReading,
    Reading,
    Report,
    Statement,
    Status,
    Study,
)


def make_radiograph(rows: int = 4, columns: int = 6) -> Radiograph:
    return Radiograph(np.zeros((rows, columns), np.float32), "a.png", Orientation(rows, columns))


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((4, 6), np.float64),
        np.zeros((4, 6, 3), np.float32),
        np.full((4, 6), 1.5, np.float32),
        np.full((4, 6), np.nan, np.float32),
        np.zeros((6, 4), np.float32),
    ],
    ids=["float64", "three axes", "out of range", "nan", "turned"],
)
def test_a_radiograph_refuses_other_pixels(pixels: np.ndarray) -> None:
    with pytest.raises(InvalidValueError, match="pixels"):
        Radiograph(pixels, "a.png", Orientation(4, 6))


def test_pixels_are_read_only() -> None:
    radiograph = make_radiograph()
    with pytest.raises(ValueError, match="read-only"):
        radiograph.pixels[0, 0] = 1.0


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("is_mirrored", [False, True])
def test_orientation_maps_every_pixel_back(turns: int, is_mirrored: bool) -> None:
    orientation = Orientation(3, 5, turns, is_mirrored)
    source = np.arange(15).reshape(3, 5)
    upright = orientation.apply(source)
    assert upright.shape == orientation.shape
    np.testing.assert_array_equal(orientation.undo(upright), source)
    for y in range(upright.shape[0]):
        for x in range(upright.shape[1]):
            u, v = orientation.point_to_source(x + 0.5, y + 0.5)
            assert source[int(v), int(u)] == upright[y, x]
            assert orientation.point_from_source(u, v) == pytest.approx((x + 0.5, y + 0.5))


def test_a_box_keeps_its_area_in_source_pixels() -> None:
    box = Orientation(40, 60, 1, True).box_to_source(Box(3, 4, 10, 20))
    assert (box.width, box.height) == (20, 10)


def test_unknown_never_becomes_negative() -> None:
    with pytest.raises(InvalidValueError, match="say why"):
        Finding("edema", Status.NOT_ASSESSED)
    with pytest.raises(InvalidValueError, match="probability"):
        Finding("edema", Status.ABSENT)
    with pytest.raises(InvalidValueError, match="probability"):
        Finding("edema", Status.NOT_ASSESSED, probability=0.1, problem="not trained")


def test_a_measurement_has_a_value_or_a_problem() -> None:
    with pytest.raises(InvalidValueError, match="problem"):
        Measurement("cardiothoracic_ratio", None, "1")
    with pytest.raises(InvalidValueError, match="problem"):
        Measurement("cardiothoracic_ratio", 0.5, "1", problem="the heart was not found")


def test_a_refusal_has_reasons() -> None:
    with pytest.raises(InvalidValueError, match="refusal"):
        Quality(accepted=False)
    with pytest.raises(InvalidValueError, match="refusal"):
        Quality(accepted=True, reasons=(Issue("blank", "The image is blank."),))


def test_a_statement_without_evidence_cannot_exist() -> None:
    with pytest.raises(InvalidValueError, match="no evidence"):
        Statement("No pleural effusion.", ())
    finding = Finding("pleural_effusion", Status.ABSENT, probability=0.02)
    with pytest.raises(InvalidValueError, match="id"):
        Statement("No pleural effusion.", (finding,))


def test_a_reading_refuses_evidence_from_elsewhere() -> None:
    radiograph = make_radiograph()
    mine = Finding("edema", Status.ABSENT, probability=0.02, id="r1.edema")
    other = Finding("edema", Status.PRESENT, probability=0.9, id="r1.edema")
    image = RadiographReading(radiograph, Quality(accepted=True), findings=(mine,))
    study = Study((radiograph,))
    Reading(study, (image,), Report(findings=(Statement("No edema.", (mine,)),)))
    with pytest.raises(InvalidValueError, match="not part of this reading"):
        Reading(study, (image,), Report(findings=(Statement("Edema.", (other,)),)))
