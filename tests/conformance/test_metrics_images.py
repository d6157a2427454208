"""Metrics of synthetic images against scipy, scikit-learn, scikit-image, MONAI and by hand."""

import numpy as np
import pytest
from scipy.linalg import sqrtm
from scipy.signal import convolve2d
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, roc_auc_score
from sklearn.metrics.pairwise import cosine_similarity, polynomial_kernel
from sklearn.neighbors import NearestNeighbors

from hilum.errors import InvalidValueError
from hilum.evaluate import find_metric
from hilum.evaluate.images import (
    calibrate_copy_threshold,
    coverage,
    density,
    evaluate_asked,
    evaluate_utility,
    frechet_distance,
    frechet_distance_extrapolated,
    kernel_distance,
    kernel_distance_by_subsets,
    kernel_distance_deviation,
    manifold_precision,
    manifold_recall,
    ms_ssim,
    nearest_distances,
    nearest_ratio,
    nearest_share,
    pairwise_ms_ssim,
    patch_correlation,
    reidentification_auroc,
    ssim,
)
from hilum.evaluate.learner import fit_logistic


def make_sets(
    *, real: int = 60, synthetic: int = 50, dimensions: int = 6
) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    mix = rng.normal(size=(dimensions, dimensions))
    first = rng.normal(size=(real, dimensions)) @ mix
    return first, rng.normal(loc=0.4, size=(synthetic, dimensions)) @ (mix * 0.8)


def frechet_by_root(real: np.ndarray, synthetic: np.ndarray) -> float:
    """The textbook form, with a root of the product of covariances."""
    first, second = np.cov(real, rowvar=False), np.cov(synthetic, rowvar=False)
    root = sqrtm(first @ second).real
    between = real.mean(axis=0) - synthetic.mean(axis=0)
    return float(between @ between + np.trace(first + second - 2 * root))


@pytest.mark.parametrize("sizes", [(60, 50), (12, 200), (300, 9)])
def test_frechet_distance_against_scipys_root(sizes: tuple[int, int]) -> None:
    real, synthetic = make_sets(real=sizes[0], synthetic=sizes[1])
    expected = frechet_by_root(real, synthetic)
    assert frechet_distance(real, synthetic) == pytest.approx(expected, rel=1e-6)


def test_frechet_distance_with_fewer_images_than_dimensions() -> None:
    """Where a root of a singular product is unstable, eigenvalues of a symmetric one are not."""
    real, synthetic = make_sets(real=10, synthetic=7, dimensions=15)
    first, second = np.cov(real, rowvar=False), np.cov(synthetic, rowvar=False)
    values, vectors = np.linalg.eigh(first)
    half = vectors * np.sqrt(np.clip(values, 0, None)) @ vectors.T
    shared = np.sqrt(np.clip(np.linalg.eigvalsh(half @ second @ half), 0, None)).sum()
    between = real.mean(axis=0) - synthetic.mean(axis=0)
    expected = between @ between + np.trace(first + second) - 2 * shared
    assert frechet_distance(real, synthetic) == pytest.approx(expected, rel=1e-6)
    assert frechet_distance(real, real) == pytest.approx(0.0, abs=1e-9)


def test_extrapolation_removes_the_bias_of_small_sets() -> None:
    """Equal distributions are 0 apart; the plain distance of 150 images is far from it."""
    plain, extrapolated = [], []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        real, synthetic = rng.normal(size=(150, 30)), rng.normal(size=(150, 30))
        plain.append(frechet_distance(real, synthetic))
        extrapolated.append(frechet_distance_extrapolated(real, synthetic, seed=seed))
    assert np.mean(plain) > 2.5
    assert abs(np.mean(extrapolated)) < 0.3 * np.mean(plain)


def kernel_by_loops(real: np.ndarray, synthetic: np.ndarray) -> float:
    d = real.shape[1]
    within = [polynomial_kernel(x, degree=3, gamma=1 / d, coef0=1) for x in (real, synthetic)]
    across = polynomial_kernel(real, synthetic, degree=3, gamma=1 / d, coef0=1)
    means = [k[~np.eye(len(k), dtype=bool)].mean() for k in within]
    return float(sum(means) - 2 * across.mean())


def test_kernel_distance_against_scikit_learns_kernel() -> None:
    real, synthetic = make_sets()
    assert kernel_distance(real, synthetic) == pytest.approx(kernel_by_loops(real, synthetic))
    drawn = kernel_distance_by_subsets(real, synthetic, subsets=400, subset_size=30, seed=1)
    assert abs(drawn.value - kernel_distance(real, synthetic)) < 5 * drawn.standard_error
    whole = kernel_distance_by_subsets(real[:50], synthetic, subsets=3, subset_size=999)
    assert whole.value == pytest.approx(kernel_distance(real[:50], synthetic))
    assert whole.standard_error == pytest.approx(0.0, abs=1e-9)


def test_the_jackknife_of_the_kernel_distance_leaves_out_one_at_a_time() -> None:
    real, synthetic = make_sets(real=14, synthetic=11)
    variance = 0.0
    for rows, keep in ((real, 0), (synthetic, 1)):
        left = np.array(
            [
                kernel_by_loops(
                    *((np.delete(rows, i, 0), synthetic), (real, np.delete(rows, i, 0)))[keep]
                )
                for i in range(len(rows))
            ]
        )
        variance += (len(rows) - 1) / len(rows) * np.sum((left - left.mean()) ** 2)
    assert kernel_distance_deviation(real, synthetic) == pytest.approx(variance**0.5)


def test_manifolds_against_scikit_learns_neighbours() -> None:
    real, synthetic = make_sets()

    def radius(rows: np.ndarray, k: int) -> np.ndarray:
        return NearestNeighbors(n_neighbors=k + 1).fit(rows).kneighbors(rows)[0][:, -1]

    def inside(points: np.ndarray, centres: np.ndarray, k: int) -> np.ndarray:
        far = np.linalg.norm(points[:, None] - centres[None], axis=2)
        return far <= radius(centres, k)[None]

    assert manifold_precision(real, synthetic, k=3) == inside(synthetic, real, 3).any(1).mean()
    assert manifold_recall(real, synthetic, k=3) == inside(real, synthetic, 3).any(1).mean()
    assert density(real, synthetic, k=5) == pytest.approx(
        inside(synthetic, real, 5).sum(1).mean() / 5
    )
    assert coverage(real, synthetic, k=5) == inside(synthetic, real, 5).any(0).mean()


def test_manifolds_by_hand() -> None:
    real = np.array([[0.0], [1.0], [3.0]])  # radii for k = 1: 1, 1, 2
    synthetic = np.array([[0.5], [4.9], [9.0]])
    assert manifold_precision(real, synthetic, k=1) == pytest.approx(2 / 3)
    assert density(real, synthetic, k=1) == pytest.approx((2 + 1 + 0) / 3)
    assert coverage(real, synthetic, k=1) == pytest.approx(1.0)
    with pytest.raises(InvalidValueError, match="below the 3"):
        coverage(real, synthetic, k=3)


def make_images(*, count: int = 2, side: int = 180) -> np.ndarray:
    rng = np.random.default_rng(3)
    coarse = rng.random((count, side // 12 + 1, side // 12 + 1))
    return np.clip(
        0.8 * np.kron(coarse, np.ones((1, 12, 12)))[:, :side, :side]
        + 0.2 * rng.random((count, side, side)),
        0,
        1,
    )


def test_ssim_against_scikit_image() -> None:
    metrics = pytest.importorskip("skimage.metrics")
    first, second = make_images()
    _, whole = metrics.structural_similarity(
        first,
        second,
        data_range=1.0,
        gaussian_weights=True,
        sigma=1.5,
        win_size=11,
        use_sample_covariance=False,
        full=True,
    )
    assert ssim(first, second) == pytest.approx(whole[5:-5, 5:-5].mean(), abs=1e-9)


def test_ms_ssim_against_its_definition_in_plain_convolutions() -> None:
    first, second = make_images()
    second = 0.7 * first + 0.3 * second
    axis = np.arange(11) - 5.0
    window = np.exp(-(axis[:, None] ** 2 + axis[None] ** 2) / (2 * 1.5**2))
    window /= window.sum()

    def mean(image: np.ndarray) -> np.ndarray:
        return convolve2d(image, window, mode="valid")

    result = 1.0
    for scale, weight in enumerate((0.0448, 0.2856, 0.3001, 0.2363, 0.1333)):
        m1, m2 = mean(first), mean(second)
        v1, v2 = mean(first**2) - m1**2, mean(second**2) - m2**2
        term = (2 * (mean(first * second) - m1 * m2) + 9e-4) / (v1 + v2 + 9e-4)
        if scale == 4:
            term = term * (2 * m1 * m2 + 1e-4) / (m1**2 + m2**2 + 1e-4)
        result *= term.mean() ** weight
        first, second = (
            convolve2d(x, np.full((2, 2), 0.25), mode="valid")[::2, ::2] for x in (first, second)
        )
    a, b = make_images()
    assert ms_ssim(a, 0.7 * a + 0.3 * b) == pytest.approx(result, abs=1e-9)
    assert ms_ssim(a, a) == pytest.approx(1.0)


def test_ms_ssim_against_monai() -> None:
    torch, monai = pytest.importorskip("torch"), pytest.importorskip("monai.metrics")
    first, second = make_images()
    second = 0.7 * first + 0.3 * second
    theirs = monai.MultiScaleSSIMMetric(spatial_dims=2, data_range=1.0, kernel_size=11)
    tensors = [torch.from_numpy(x)[None, None].double() for x in (first, second)]
    assert ms_ssim(first, second) == pytest.approx(float(theirs(*tensors)), abs=1e-4)


def test_variety_is_the_mean_over_all_pairs() -> None:
    images = make_images(count=6, side=176)
    values = pairwise_ms_ssim(images, rng=np.random.default_rng(0), partners=99)
    pairs = [ms_ssim(images[i], images[j]) for i in range(6) for j in range(i)]
    assert values.mean() == pytest.approx(np.mean(pairs))
    others = [ms_ssim(images[0], images[j]) for j in range(1, 6)]
    assert values[0] == pytest.approx(np.mean(others))


def test_copies_of_training_images_are_told_from_new_ones() -> None:
    rng = np.random.default_rng(0)
    train, held_out = rng.normal(size=(80, 5)), rng.normal(size=(40, 5))
    fresh, copies = rng.normal(size=(40, 5)), train[:40] + 0.01 * rng.normal(size=(40, 5))
    role = np.repeat(["held_out", "synthetic"], 40)
    for made, low, high in ((fresh, 0.75, 1.35), (copies, 0.0, 0.1)):
        near = nearest_distances(np.concatenate([held_out, made]), train)
        assert low <= nearest_ratio(near, role) <= high
        share = nearest_share(near, role)
        assert share == pytest.approx(roc_auc_score(role == "synthetic", -near))
        assert (share > 0.95) is (made is copies)


def test_a_patch_that_was_moved_is_found() -> None:
    images = make_images(count=24, side=64)
    train, held_out, made = images[:12], images[12:22], images[22:].copy()
    made[0, 16:32, 16:32] = 0.5 * train[4, 19:35, 12:28] + 0.2  # brightness and contrast changed
    limit = calibrate_copy_threshold(patch_correlation(held_out, train, patch=16, shift=4))
    found = patch_correlation(made, train, patch=16, shift=4)
    assert found[0] == pytest.approx(1.0, abs=1e-3)
    assert found[0] > limit
    own = patch_correlation(train, train, patch=16, shift=0, is_same=True)
    assert (own < 0.999).all()


def test_the_correlation_is_pearsons() -> None:
    first, second = make_images(count=2, side=16)
    expected = np.corrcoef(first.ravel(), second.ravel())[0, 1]
    assert patch_correlation(first[None], second[None], patch=16, shift=0)[0] == pytest.approx(
        expected, abs=1e-5
    )


def test_a_flat_image_has_no_patch() -> None:
    flat = np.full((1, 32, 32), 0.5)
    assert np.isnan(patch_correlation(flat, make_images(count=1, side=32), patch=16)).all()


def test_reidentification_against_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(12), 3)
    features = rng.normal(size=(36, 8)) + rng.normal(size=(12, 8))[patient]
    role = np.tile(["real", "synthetic", "real"], 12)
    similarity = cosine_similarity(features)
    for roles in (None, role):
        pairs = [
            (i, j) for i in range(36) for j in range(i) if roles is None or roles[i] != roles[j]
        ]
        same = [patient[i] == patient[j] for i, j in pairs]
        expected = roc_auc_score(same, [similarity[i, j] for i, j in pairs])
        assert reidentification_auroc(features, patient, roles) == pytest.approx(expected)


def test_asked_labels_against_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    asked = (rng.random((80, 3)) < 0.4).astype(float)
    prob = np.clip(0.4 * asked + 0.6 * rng.random((80, 3)), 0, 1)
    found = evaluate_asked([f"s{i}" for i in range(80)], asked, prob, labels=list("abc"), draws=50)
    assert found.find("asked_label_auroc", "all labels").value == pytest.approx(
        roc_auc_score(asked, prob)
    )
    expected = f1_score(asked, prob >= 0.5, average="macro")
    assert found.find("asked_label_f1", "all labels").value == pytest.approx(expected)
    assert found.find("asked_label_auroc", "b").value == pytest.approx(
        roc_auc_score(asked[:, 1], prob[:, 1])
    )


@pytest.mark.parametrize("dimensions", [4, 90])
def test_the_fixed_learner_against_scikit_learn(dimensions: int) -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(60, dimensions)) * rng.uniform(0.1, 9, size=dimensions) + 3
    truth = (features[:, 0] + rng.normal(size=60) > 3).astype(float)
    standard = (features - features.mean(0)) / features.std(0)
    theirs = LogisticRegression(C=1.0, tol=1e-10, max_iter=5000).fit(standard, truth)
    ours = fit_logistic(features, truth, ridge=1.0)
    np.testing.assert_allclose(ours.prob(features), theirs.predict_proba(standard)[:, 1], atol=1e-4)


def test_utility_tells_useful_images_from_useless_ones() -> None:
    rng = np.random.default_rng(0)

    def make(count: int, signal: float) -> tuple[np.ndarray, np.ndarray]:
        truth = (rng.random(count) < 0.5).astype(float)
        return rng.normal(size=(count, 10)) + signal * truth[:, None], truth

    test, real = make(300, 0.5), make(20, 0.5)
    units = [f"t{i}" for i in range(300)]
    good = evaluate_utility(units, test, real, make(400, 0.5), draws=200)
    bad = evaluate_utility(units, test, real, make(400, 0.0), draws=200)
    gain = good.find("downstream_gain", "train on synthetic less real")
    assert gain.interval is not None
    assert gain.interval.low > 0
    aurocs = [good.find("downstream_auroc", f"train on {n}").value for n in ("synthetic", "real")]
    assert gain.value == pytest.approx(aurocs[0] - aurocs[1])
    assert bad.find("downstream_gain", "train on synthetic less real").value < -0.1


def test_a_metric_of_units_is_that_of_its_sets() -> None:
    real, synthetic = make_sets()
    features = np.concatenate([synthetic, real])
    role = np.array(["synthetic"] * len(synthetic) + ["real"] * len(real))
    for id_, expected in (
        ("frechet_distance/gaussian", frechet_distance(real, synthetic)),
        ("manifold_precision/nearest", manifold_precision(real, synthetic, k=3)),
        ("manifold_recall/nearest", manifold_recall(real, synthetic, k=3)),
        ("kernel_distance/all_pairs", kernel_distance(real, synthetic)),
    ):
        assert find_metric("images", id_).compute(features, role, space="x") == expected


@pytest.mark.parametrize("metric", [frechet_distance, kernel_distance, coverage, density])
def test_what_is_no_pair_of_sets_is_refused(metric: object) -> None:
    good = np.random.default_rng(0).normal(size=(9, 3))
    for bad in (good[:, :2], good[:1], np.full((9, 3), np.nan), good[0]):
        with pytest.raises(InvalidValueError):
            metric(good, bad)  # type: ignore[operator]
