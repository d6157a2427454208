import json
import re

import jsonschema
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hilum.export import load_schema, reading_to_dict
from hilum.export.overlays import draw_overlays, trace_mask
from hilum.export.wording import format_probability
from hilum.types import (
    Box,
    Finding,
    Orientation,
    Quality,
    Radiograph,
    RadiographReading,
    Reading,
    Region,
    Report,
    Status,
    Study,
)

VALIDATOR = jsonschema.Draft202012Validator(load_schema())
unit = st.floats(0, 1)
sides = st.integers(4, 60)
orientations = st.builds(Orientation, sides, sides, st.integers(0, 3), st.booleans())


@st.composite
def images(draw: st.DrawFn) -> tuple[RadiographReading, Box]:
    """A radiograph with one region, and the region's box in upright pixels."""
    orientation = draw(orientations)
    rows, columns = orientation.shape
    x, y = draw(st.floats(0, columns - 2)), draw(st.floats(0, rows - 2))
    box = Box(x, y, draw(st.floats(0.5, columns - x)), draw(st.floats(0.5, rows - y)))
    low, middle, high = sorted(draw(st.tuples(unit, unit, unit)))
    finding = Finding(
        "pneumonia",
        draw(st.sampled_from([Status.PRESENT, Status.ABSENT, Status.UNCERTAIN])),
        middle,
        (low, high),
        draw(unit),
        (Region(orientation.box_to_source(box), draw(unit)),),
        id="r1.pneumonia",
    )
    pixels = np.zeros(orientation.shape, np.float32)
    radiograph = Radiograph(pixels, draw(st.text(max_size=9)), orientation)
    return RadiographReading(radiograph, Quality(True), findings=(finding,)), box


@given(images())
def test_every_reading_meets_the_schema(case: tuple[RadiographReading, Box]) -> None:
    image, _ = case
    document = reading_to_dict(Reading(Study((image.radiograph,)), (image,), Report()))
    VALIDATOR.validate(json.loads(json.dumps(document, allow_nan=False)))


@given(images())
def test_a_box_is_drawn_where_it_is_upright(case: tuple[RadiographReading, Box]) -> None:
    image, box = case
    (shape,) = draw_overlays(image)
    points = [(float(x), float(y)) for x, y in re.findall(r"[ML](\S+) ([^LZ]+)", shape.d)]
    xs, ys = zip(*points, strict=True)
    extent = (min(xs), min(ys), max(xs), max(ys))
    wanted = (box.x, box.y, box.x + box.width, box.y + box.height)
    assert np.allclose(extent, wanted, atol=0.06)


@given(orientations, st.integers(0, 2**32 - 1))
def test_outlines_stay_on_the_image(orientation: Orientation, seed: int) -> None:
    shape = orientation.source_rows, orientation.source_columns
    d = trace_mask(np.random.default_rng(seed).random(shape) < 0.6, orientation)
    rows, columns = orientation.shape
    for x, y in re.findall(r"[ML](\S+) ([^LMZ]+)", d):
        assert 0 < float(x) < columns
        assert 0 < float(y) < rows


@given(unit)
def test_a_probability_is_never_printed_as_certain(probability: float) -> None:
    shown = format_probability(probability)
    assert shown not in ("0 %", "100 %")
    assert shown.startswith(("<", ">")) or abs(int(shown[:-2]) - 100 * probability) <= 0.5
