"""Cycles are searched for seldom within the block only."""

import gc

import pytest

from hilum.scale.collecting import THRESHOLDS, collect_seldom


def stop_within() -> None:
    with collect_seldom():
        assert gc.get_threshold() == THRESHOLDS
        raise ValueError("stop")


def test_thresholds_hold_within_the_block_and_come_back_after_an_error():
    before = gc.get_threshold()
    with pytest.raises(ValueError, match="stop"):
        stop_within()
    assert gc.get_threshold() == before != THRESHOLDS
