"""Rows of the batch's table."""

import pyarrow as pa
from scale_readers import make_reading, read_image, refused_image

from hilum.io import ImageSource
from hilum.ontology import finding_names
from hilum.scale import BatchItem, batch_schema
from hilum.scale.rows import error_row, reading_row

ITEM = BatchItem("sub/a.png", ImageSource.from_path("a.png"), warnings=("age_ignored",))


def test_accepted_image_fills_its_row() -> None:
    row = reading_row(ITEM, make_reading(read_image()), 0.5)
    assert row["path"] == "sub/a.png"
    assert row["accepted"] is True
    assert row["reasons"] == ""
    assert row["warnings"] == "age_ignored;rotated;mask_doubtful"
    assert row["view"] == "PA"
    assert (row["prob_pneumonia"], row["status_pneumonia"]) == (0.25, "absent")
    assert (row["prob_pneumothorax"], row["status_pneumothorax"]) == (None, "not_assessed")
    assert (row["prob_edema"], row["status_edema"]) == (None, "not_assessed")
    assert (row["cardiothoracic_ratio"], row["carina_x"], row["carina_y"]) == (0.45, 3.0, 2.0)
    assert (row["error"], row["seconds"]) == (None, 0.5)


def test_refused_image_has_its_reasons_and_no_probability() -> None:
    row = reading_row(ITEM, make_reading(refused_image()), 0.5)
    assert row["accepted"] is False
    assert row["reasons"] == "not_chest;blank"
    assert row["error"] is None
    assert all(row[f"prob_{name}"] is None for name in finding_names())
    assert {row[f"status_{name}"] for name in finding_names()} == {"not_assessed"}


def test_error_is_one_line_and_never_empty() -> None:
    assert error_row(ITEM, "got junk,\n expected an image", 0.0)["error"] == (
        "got junk, expected an image"
    )
    assert error_row(ITEM, "", 0.0)["error"] == "unknown error"


def test_every_row_fits_the_schema() -> None:
    rows = [
        reading_row(ITEM, make_reading(read_image()), 0.5),
        reading_row(ITEM, make_reading(refused_image()), 0.5),
        error_row(ITEM, "junk", 0.0),
    ]
    schema = batch_schema()
    assert all(list(row) == schema.names for row in rows)
    table = pa.Table.from_pylist(rows, schema=schema)
    table.validate(full=True)
    assert len(finding_names()) == 12
    nullable = {field.name for field in schema if field.nullable}
    assert nullable == {
        *(f"prob_{name}" for name in finding_names()),
        "cardiothoracic_ratio",
        "carina_x",
        "carina_y",
        "error",
    }
