import numpy as np

from hilum.anatomy.masks import bounds_of, clean_map, row_extents, sanitise


def square(*boxes: tuple[int, int, int, int]) -> np.ndarray:
    values = np.zeros((200, 200), np.float32)
    for top, end, left, right in boxes:
        values[top:end, left:right] = 1.0
    return values


def test_only_the_largest_part_is_kept() -> None:
    clean = clean_map(square((20, 80, 20, 80), (150, 160, 150, 160)))
    assert clean.parts == 1
    assert clean.mask[50, 50]
    assert not clean.mask[155, 155]
    assert 0.95 < clean.kept_share < 1.0


def test_a_removed_part_does_not_come_back_at_a_lower_threshold() -> None:
    clean = clean_map(square((20, 80, 20, 80), (85, 95, 85, 95), (150, 170, 150, 170)))
    low = clean.at(0.05)
    assert not low[88:92, 88:92].any()
    assert not low[140:].any()


def test_a_large_part_below_is_kept_when_asked() -> None:
    values = square((20, 80, 20, 80), (90, 120, 25, 75), (90, 120, 150, 199))
    assert clean_map(values).parts == 1
    clean = clean_map(values, min_part=0.2)
    assert clean.parts == 2
    assert clean.mask[100, 50]
    assert not clean.mask[100, 170]


def test_holes_are_filled_at_every_threshold() -> None:
    values = square((20, 120, 20, 120))
    values[60:70, 60:70] = 0.0
    clean = clean_map(values)
    assert clean.mask[65, 65]
    assert clean.at(0.7)[65, 65]


def test_the_mask_is_the_map_above_one_half() -> None:
    rng = np.random.default_rng(1)
    clean = clean_map(rng.random((90, 120), dtype=np.float32), min_part=0.5)
    assert np.array_equal(clean.mask, clean.probability > 0.5)


def test_an_empty_map_has_no_parts() -> None:
    clean = clean_map(np.zeros((50, 40), np.float32))
    assert (clean.parts, clean.kept_share, clean.mask.any()) == (0, 0.0, False)


def test_sanitise_makes_numbers_of_everything() -> None:
    odd = np.array([[np.nan, np.inf, -np.inf, 2.0, -1.0, 0.5]], np.float32)
    assert sanitise(odd).tolist() == [[0.0, 1.0, 0.0, 1.0, 0.0, 0.5]]


def test_row_extents_skip_rows_without_mask() -> None:
    mask = square((10, 12, 5, 9), (14, 15, 3, 20)) > 0
    rows, first, last = row_extents(mask)
    assert rows.tolist() == [10, 11, 14]
    assert first.tolist() == [5, 5, 3]
    assert last.tolist() == [9, 9, 20]
    assert bounds_of(mask) == (10, 15, 3, 20)


def test_row_extents_of_an_empty_mask_are_empty() -> None:
    assert [part.size for part in row_extents(np.zeros((4, 4), np.bool_))] == [0, 0, 0]
