"""The room's own tables: read in order, found by name, or the names said."""

import pytest

from hilum.errors import InvalidValueError
from hilum.evaluate.audits import find_corruption, list_corruptions
from hilum.evaluate.images import find_space, list_spaces
from hilum.evaluate.rows import find_named, read_rows


def test_rows_are_read_in_the_order_of_the_file() -> None:
    rows = read_rows("hilum.evaluate", "records", "images.toml", key="metric")
    assert len(rows) > 1
    assert all({"name", "variant"} <= set(row) for row in rows)
    corruptions = read_rows("hilum.evaluate.audits", "corruptions.toml", key="corruption")
    assert [row["name"] for row in corruptions] == [row.name for row in list_corruptions()]


def test_what_is_not_there_is_refused_with_what_is() -> None:
    assert find_named({"a": 1, "b": 2}, "b", what="letter") == 2
    with pytest.raises(InvalidValueError, match=r"unknown letter 'c'; one of a, b$"):
        find_named({"a": 1, "b": 2}, "c", what="letter")


def test_corruptions_and_spaces_are_found_by_name() -> None:
    assert [find_corruption(row.name) for row in list_corruptions()] == [*list_corruptions()]
    assert [find_space(space.name) for space in list_spaces()] == [*list_spaces()]
    with pytest.raises(InvalidValueError, match="unknown corruption 'fog'; one of underexposure"):
        find_corruption("fog")
    with pytest.raises(InvalidValueError, match="unknown feature space 'fog'; one of hilum-"):
        find_space("fog")
