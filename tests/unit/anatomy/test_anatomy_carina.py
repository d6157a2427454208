import cv2
import numpy as np
import pytest

from hilum.anatomy.carina import find_fork, measure_angle, peak_of


def draw_fork(angle: float, *, width: int = 14, trachea: int = 18) -> np.ndarray:
    """Airways whose bronchi part at ``angle`` degrees, 70 pixels long, from (150, 120)."""
    canvas = np.zeros((300, 300), np.uint8)
    cv2.line(canvas, (150, 20), (150, 120), 1, trachea)
    half = np.radians(angle / 2)
    for sign in (-1, 1):
        end = (round(150 + sign * 70 * np.sin(half)), round(120 + 70 * np.cos(half)))
        cv2.line(canvas, (150, 120), end, 1, width)
    return canvas.astype(np.bool_)


@pytest.mark.parametrize("angle", [50, 70, 90, 110])
def test_the_angle_of_drawn_bronchi_is_measured(angle) -> None:
    assert measure_angle(draw_fork(angle), (1.0, 1.0)) == pytest.approx(angle, abs=12)


def test_a_wider_fork_has_a_larger_angle() -> None:
    angles = [measure_angle(draw_fork(a), (1.0, 1.0)) for a in (50, 70, 90, 110)]
    assert angles == sorted(angles)


def test_the_angle_is_that_of_the_body_not_of_the_pixels() -> None:
    fork = draw_fork(80)
    squeezed = cv2.resize(fork.astype(np.uint8), (150, 300), interpolation=cv2.INTER_AREA) > 0
    measured = measure_angle(squeezed, (1.0, 2.0))
    assert measured == pytest.approx(measure_angle(fork, (1.0, 1.0)), abs=5)


def test_the_carina_is_the_top_of_the_gap() -> None:
    fork = find_fork(draw_fork(70))
    assert fork is not None
    assert fork.is_seen
    x, y = fork.point
    # inner edges of bronchi 14 wide that part at 70 degrees meet 7 / sin(35) below the axes
    assert x == pytest.approx(150, abs=2)
    assert y == pytest.approx(120 + 7 / np.sin(np.radians(35)), abs=3)


def test_a_tube_without_fork_ends_at_the_carina_but_has_no_angle() -> None:
    tube = np.zeros((200, 200), np.bool_)
    tube[10:90, 95:110] = True
    fork = find_fork(tube)
    assert fork is not None
    assert not fork.is_seen
    assert fork.point == pytest.approx((102.5, 89.5))
    assert measure_angle(tube, (1.0, 1.0)) is None


def test_nothing_has_no_fork() -> None:
    empty = np.zeros((30, 30), np.bool_)
    assert find_fork(empty) is None
    assert measure_angle(empty, (1.0, 1.0)) is None


def test_the_peak_is_found_between_pixels() -> None:
    ys, xs = np.mgrid[:64, :64] + 0.5
    heat = np.exp(-((xs - 20.3) ** 2 + (ys - 41.7) ** 2) / 18).astype(np.float32)
    assert peak_of(heat) == pytest.approx((20.3, 41.7), abs=0.1)
    assert peak_of(0.2 * heat) is None
    assert peak_of(np.full((8, 8), np.nan, np.float32)) is None
