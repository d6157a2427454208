"""Metrics of regions against pycocotools, MONAI where installed, scipy and hand-worked cases."""

import contextlib
import io

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from scipy.spatial.distance import directed_hausdorff

from hilum.errors import InvalidValueError
from hilum.evaluate.regions import (
    Detections,
    RegionCase,
    RegionOptions,
    average_precision_at,
    best_iou,
    bland_altman,
    box_iou,
    box_of_mask,
    clip_boxes,
    contrast_to_noise,
    dice,
    energy_inside,
    evaluate_regions,
    grounding_accuracy,
    grounding_iou,
    hausdorff_95,
    hit_rate_at,
    intraclass_correlation,
    iou_at,
    is_pointing_hit,
    landmark_errors,
    mask_iou,
    mask_of_boxes,
    match_boxes,
    mean_average_precision,
    mean_surface_distance,
    normalised_surface_dice,
    surface_distances,
    union_iou,
)


def make_boxes(rng: np.random.Generator, count: int) -> np.ndarray:
    return np.column_stack([rng.uniform(0, 60, (count, 2)), rng.uniform(5, 30, (count, 2))])


def make_detections(seed: int, images: int = 25) -> list[Detections]:
    rng = np.random.default_rng(seed)
    cases = []
    for _ in range(images):
        truth = make_boxes(rng, int(rng.integers(0, 4)))
        near = truth + rng.normal(scale=2.5, size=truth.shape) * [1, 1, 0.5, 0.5]
        near[:, 2:] = np.maximum(near[:, 2:], 2)
        found = np.concatenate([near, make_boxes(rng, int(rng.integers(0, 3)))])
        cases.append(Detections(found, rng.random(len(found)), truth))
    return cases


def coco_average_precision(cases: list[Detections]) -> np.ndarray:
    """AP at 0.50 ... 0.95 by pycocotools, all sizes, at most 100 boxes an image."""
    truth, found = [], []
    for image, case in enumerate(cases, start=1):
        for x, y, w, h in case.truth:
            entry = {"image_id": image, "category_id": 1, "bbox": [x, y, w, h], "area": w * h}
            truth.append({**entry, "iscrowd": 0, "id": len(truth) + 1})
        for (x, y, w, h), score in zip(case.found, case.scores, strict=True):
            found.append(
                {"image_id": image, "category_id": 1, "bbox": [x, y, w, h], "score": score}
            )
    with contextlib.redirect_stdout(io.StringIO()):
        data = COCO()
        data.dataset = {
            "images": [{"id": n} for n in range(1, len(cases) + 1)],
            "annotations": truth,
            "categories": [{"id": 1}],
        }
        data.createIndex()
        judge = COCOeval(data, data.loadRes(found), "bbox")
        judge.evaluate()
        judge.accumulate()
    return judge.eval["precision"][:, :, 0, 0, 2].mean(axis=1)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_average_precision_against_pycocotools(seed: int) -> None:
    cases = make_detections(seed)
    theirs = coco_average_precision(cases)
    ious = np.arange(0.5, 0.96, 0.05).round(2)
    ours = [average_precision_at(cases, iou=float(iou)) for iou in ious]
    np.testing.assert_allclose(ours, theirs, atol=1e-9)
    assert mean_average_precision({"all": cases}) == pytest.approx(theirs.mean())


def test_box_overlap_by_hand() -> None:
    first = np.array([[0.0, 0, 10, 10], [20, 20, 4, 4]])
    second = np.array([[5.0, 0, 10, 10], [0, 0, 10, 10]])
    np.testing.assert_allclose(box_iou(first, second), [[50 / 150, 1.0], [0.0, 0.0]])
    assert match_boxes(first, second, iou=0.3) == [(0, 1)]
    assert match_boxes(first[:0], second) == []


def test_boxes_outside_the_image_are_counted() -> None:
    boxes = np.array([[-5.0, -5, 10, 10], [90, 90, 20, 20], [200, 0, 10, 10]])
    kept, outside = clip_boxes(boxes, width=100, height=100)
    np.testing.assert_allclose(kept, [[0, 0, 5, 5], [90, 90, 10, 10]])
    assert outside == 1


def test_free_response_by_hand() -> None:
    truth = np.array([[0.0, 0, 10, 10], [50, 50, 10, 10]])
    found = np.array([[0.0, 0, 10, 10], [80, 80, 5, 5], [50, 50, 10, 10]])
    cases = [
        Detections(found, np.array([0.9, 0.8, 0.7]), truth),
        Detections(found[1:2], np.array([0.6]), truth[:0]),
    ]
    assert hit_rate_at(cases, false_positives=0.0) == 0.5
    assert hit_rate_at(cases, false_positives=0.5) == 1.0


def test_union_and_phrases_by_hand() -> None:
    boxes = np.array([[0.0, 0, 10, 10]])
    assert union_iou(boxes, boxes + np.array([5, 0, 0, 0]), shape=(20, 20)) == pytest.approx(1 / 3)
    assert union_iou(boxes[:0], boxes[:0], shape=(20, 20)) == 1.0
    found = np.array([[0.0, 0, 10, 10], [np.nan] * 4])
    overlap = grounding_iou(found, np.array([[5.0, 0, 10, 10], [0, 0, 1, 1]]))
    np.testing.assert_allclose(overlap, [1 / 3, 0.0])
    assert grounding_accuracy(overlap, threshold=0.3) == 0.5


def make_masks(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.mgrid[:60, :50]
    rng = np.random.default_rng(seed)
    centre = rng.uniform(20, 30, 2)
    first = np.hypot(rows - centre[0], (columns - centre[1]) * 1.3) < 14
    second = np.hypot(rows - centre[0] - 2, columns - centre[1] + 1) < 12
    return first, second


@pytest.mark.parametrize("seed", [0, 1])
def test_surface_distances_against_all_pairs(seed: int) -> None:
    first, second = make_masks(seed)

    def border(mask: np.ndarray) -> np.ndarray:
        padded = np.pad(mask, 1)
        inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
        return np.argwhere(mask & ~inner) * [2.0, 0.5]

    one, other = border(first), border(second)
    pairs = np.hypot(*(one[:, None] - other[None, :]).transpose(2, 0, 1))
    away = surface_distances(first, second, spacing=(2.0, 0.5))
    np.testing.assert_allclose(np.sort(away.of_found), np.sort(pairs.min(axis=1)))
    np.testing.assert_allclose(np.sort(away.of_truth), np.sort(pairs.min(axis=0)))
    everyone = np.concatenate([pairs.min(axis=1), pairs.min(axis=0)])
    ours = mean_surface_distance(first, second, spacing=(2.0, 0.5))
    assert ours == pytest.approx(everyone.mean())
    assert max(away.of_found.max(), away.of_truth.max()) == pytest.approx(
        max(directed_hausdorff(one, other)[0], directed_hausdorff(other, one)[0])
    )
    close = normalised_surface_dice(first, second, tolerance=1.0, spacing=(2.0, 0.5))
    assert close == pytest.approx((everyone <= 1.0).mean())


def test_masks_against_monai() -> None:
    torch = pytest.importorskip("torch", reason="MONAI's metrics need torch; see make train-setup")
    monai = pytest.importorskip("monai.metrics", reason="needs MONAI; see make train-setup")
    first, second = make_masks(3)
    a, b = (torch.from_numpy(m[None, None].astype(np.float32)) for m in (first, second))
    assert dice(first, second) == pytest.approx(float(monai.DiceMetric()(a, b)))
    theirs = monai.HausdorffDistanceMetric(percentile=95)(a, b)
    assert hausdorff_95(first, second) == pytest.approx(float(theirs))
    symmetric = monai.SurfaceDistanceMetric(symmetric=True)(a, b)
    assert mean_surface_distance(first, second) == pytest.approx(float(symmetric))
    surface = monai.SurfaceDiceMetric(class_thresholds=[1.0])(a, b)
    assert normalised_surface_dice(first, second, tolerance=1.0) == pytest.approx(float(surface))


def test_empty_masks_have_a_defined_answer() -> None:
    empty, full = np.zeros((5, 5), bool), np.ones((5, 5), bool)
    assert dice(empty, empty) == mask_iou(empty, empty) == 1.0
    assert dice(empty, full) == mask_iou(empty, full) == 0.0
    assert np.isnan(hausdorff_95(empty, full))
    assert normalised_surface_dice(empty, full, tolerance=2) == 0.0
    assert normalised_surface_dice(empty, empty, tolerance=2) == 1.0


def test_boxes_and_masks_convert_into_each_other() -> None:
    box = (3.0, 4.0, 6.0, 2.0)
    assert box_of_mask(mask_of_boxes(np.array([box]), shape=(20, 20))) == box
    assert box_of_mask(np.zeros((4, 4), bool)) is None


def test_heat_maps_by_hand() -> None:
    heat = np.array([[0.0, 1.0, 4.0], [-2.0, 3.0, 0.0]])
    region = np.array([[False, True, True], [False, False, False]])
    assert is_pointing_hit(heat, region) == 1.0
    assert is_pointing_hit(heat, ~region) == 0.0
    assert is_pointing_hit(heat, ~region, tolerance_px=1.0) == 1.0
    assert is_pointing_hit(np.ones((2, 3)), region) == pytest.approx(2 / 6)
    assert energy_inside(heat, region) == pytest.approx(5 / 8)
    inside, outside = np.array([1.0, 4.0]), np.array([0.0, -2.0, 3.0, 0.0])
    expected = (2.5 - 0.25) / np.sqrt(inside.var() + outside.var())
    assert contrast_to_noise(heat, region) == pytest.approx(expected)
    assert iou_at(heat, region, threshold=2.0) == pytest.approx(1 / 3)
    assert best_iou(heat, region) == pytest.approx(2 / 3)
    assert np.isnan(is_pointing_hit(heat, np.zeros_like(region)))


def test_points_and_agreement() -> None:
    found = np.array([[3.0, 4.0], [np.nan, np.nan]])
    errors = landmark_errors(found, np.zeros((2, 2)), spacing=(0.5, 1.0))
    assert errors[0] == pytest.approx(np.hypot(3.0, 2.0))
    assert np.isnan(errors[1])
    # differences 1, -1, 3, 1: mean 1, standard deviation sqrt(8/3)
    truth, value = np.array([1.0, 2, 3, 4]), np.array([2.0, 1, 6, 5])
    found_agreement = bland_altman(truth, value)
    assert found_agreement.bias == 1.0
    assert found_agreement.high == pytest.approx(1 + 1.96 * (8 / 3) ** 0.5)
    with pytest.raises(InvalidValueError):
        bland_altman(truth[:1], value[:1])


def test_icc_of_shrout_and_fleiss_pairs() -> None:
    """ICC(2,1) from an analysis of variance written out in loops."""
    rng = np.random.default_rng(0)
    truth = rng.normal(size=30)
    value = truth + 0.3 + rng.normal(scale=0.4, size=30)
    table = np.stack([truth, value], axis=1)
    n, k, grand = 30, 2, table.mean()
    between = sum(k * (row.mean() - grand) ** 2 for row in table) / (n - 1)
    raters = sum(n * (column.mean() - grand) ** 2 for column in table.T) / (k - 1)
    rest = sum(
        (table[i, j] - table[i].mean() - table[:, j].mean() + grand) ** 2
        for i in range(n)
        for j in range(k)
    ) / ((n - 1) * (k - 1))
    expected = (between - rest) / (between + (k - 1) * rest + k * (raters - rest) / n)
    assert intraclass_correlation(truth, value) == pytest.approx(expected)


def make_cases(*, spacing: tuple[float, float] | None = None) -> list[RegionCase]:
    boxes = make_detections(0, images=6)
    cases = []
    for number in range(6):
        found, truth = make_masks(number)
        cases.append(
            RegionCase(
                f"image{number}",
                group=f"patient{number // 2}",
                masks={"left_lung": (None if number == 0 else found, truth)},
                heatmaps={"opacity": (found.astype(float), truth)},
                detections={"opacity": boxes[number]},
                phrases={"a": (None, (0, 0, 5, 5)), "b": ((0, 0, 4, 4), (0, 0, 4, 4))},
                landmarks={"carina": ((5.0, 5.0) if number else None, (8.0, 9.0))},
                measurements={"ratio": (0.5 if number else None, 0.45)},
                spacing_mm=spacing,
            )
        )
    return cases


def test_a_whole_evaluation_of_regions() -> None:
    found = evaluate_regions(make_cases(), options=RegionOptions(draws=50))
    assert found.find("dice", "left_lung").units == 6
    assert found.arrays["dice.left_lung"][0] == 0.0
    assert found.find("hausdorff", "left_lung").excluded == {"not_stated_or_not_found": 1}
    assert found.find("landmark_error", "carina").value == pytest.approx(5.0)
    rate = found.find("success_detection_rate", "carina")
    assert rate.value == pytest.approx(5 / 6)
    assert rate.parameters == {"radius": 10.0, "unit": "px"}
    assert found.find("absolute_error", "ratio").value == pytest.approx(0.05)
    assert found.find("phrase_iou", "phrases").value == 0.5
    precision = found.find("box_average_precision", "opacity", iou=0.5)
    assert precision.value == pytest.approx(
        average_precision_at([case.detections["opacity"] for case in make_cases()])
    )


def test_spacing_makes_millimetres() -> None:
    plain = evaluate_regions(make_cases(), options=RegionOptions(draws=0))
    scaled = evaluate_regions(make_cases(spacing=(2.0, 2.0)), options=RegionOptions(draws=0))
    one, two = plain.find("hausdorff", "left_lung"), scaled.find("hausdorff", "left_lung")
    assert two.value == pytest.approx(2 * one.value)
    assert (one.parameters["unit"], two.parameters["unit"]) == ("px", "mm")


def test_broken_boxes_are_refused() -> None:
    with pytest.raises(InvalidValueError, match="positive"):
        Detections(np.array([[0.0, 0, -1, 5]]), np.array([0.5]), np.zeros((0, 4)))
    with pytest.raises(InvalidValueError, match="scores"):
        Detections(np.array([[0.0, 0, 1, 5]]), np.array([]), np.zeros((0, 4)))
    with pytest.raises(InvalidValueError, match="no case"):
        evaluate_regions([])
