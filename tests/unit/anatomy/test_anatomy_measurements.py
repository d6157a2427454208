import cv2
import numpy as np
import pytest

from hilum.anatomy.grid import make_grid
from hilum.anatomy.masks import clean_map
from hilum.anatomy.measurements import measure, measure_masks, normalise_opacity
from hilum.ontology import anatomy as concepts
from hilum.types import Spacing, SpacingOrigin


def rectangles() -> dict[str, np.ndarray]:
    masks = {name: np.zeros((384, 384), np.bool_) for name in ("right_lung", "left_lung")}
    masks["right_lung"][50:300, 40:160] = True
    masks["left_lung"][50:250, 220:340] = True
    masks["cardiomediastinum"] = np.zeros((384, 384), np.bool_)
    masks["cardiomediastinum"][150:320, 130:280] = True
    return masks


def measured(maps, radiograph, problems=None, **options):
    grid = make_grid(radiograph)
    cleans = {name: clean_map(grid.resample(values)) for name, values in maps.items()}
    pixels = grid.resample(radiograph.pixels)
    return {m.name: m for m in measure(cleans, problems or {}, pixels, grid, **options)}


def test_values_are_those_of_the_rectangles(make_radiograph) -> None:
    grid = make_grid(make_radiograph(768, 768))
    values = measure_masks(rectangles(), np.zeros((384, 384), np.float32), grid)
    assert values["cardiothoracic_ratio"] == pytest.approx(150 / 300)
    assert (values["heart_width"], values["chest_width"]) == (300.0, 600.0)
    assert values["right_lung_area"] == 250 * 120 * 4
    assert values["lung_area_asymmetry"] == pytest.approx(-50 / 450)


def test_millimetres_only_where_the_spacing_is_known(chest, make_radiograph) -> None:
    plain = measured(chest, make_radiograph(500, 500))
    spacing = Spacing(0.5, 0.25, SpacingOrigin.CALIBRATED)
    known = measured(chest, make_radiograph(500, 500, spacing=spacing))
    assert (plain["heart_width"].unit, plain["right_lung_area"].unit) == ("px", "px2")
    assert (known["heart_width"].unit, known["right_lung_area"].unit) == ("mm", "mm2")
    assert known["heart_width"].value == pytest.approx(plain["heart_width"].value * 0.25)
    assert known["left_lung_area"].value == pytest.approx(plain["left_lung_area"].value * 0.125)
    assert plain["cardiothoracic_ratio"].value == pytest.approx(0.28 / 0.755, abs=0.01)


def test_a_blurred_border_is_less_certain(chest, make_radiograph) -> None:
    blurred = {name: cv2.GaussianBlur(v, (0, 0), 6) for name, v in chest.items()}
    sharp, soft = (measured(maps, make_radiograph()) for maps in (chest, blurred))
    for name in ("cardiothoracic_ratio", "right_lung_area", "heart_width"):
        assert soft[name].uncertainty > sharp[name].uncertainty


def test_the_models_own_error_enters(chest, make_radiograph) -> None:
    options = {"cardiothoracic_ratio": 0.3, "heart_width": 0.5}
    results = measured(chest, make_radiograph(), model_sd=options)
    assert results["cardiothoracic_ratio"].uncertainty == pytest.approx(0.3, rel=0.02)
    heart = results["heart_width"]
    assert heart.uncertainty == pytest.approx(0.5 * heart.value, rel=0.02)


def test_what_needs_an_implausible_structure_says_so(chest, make_radiograph) -> None:
    results = measured(chest, make_radiograph(), {"left_lung": "not found"})
    lost = {name for name, m in results.items() if m.value is None}
    assert lost == {
        "cardiothoracic_ratio",
        "left_lung_area",
        "lung_area_asymmetry",
        "chest_width",
        "opacity_left_upper_zone",
        "opacity_left_middle_zone",
        "opacity_left_lower_zone",
    }
    assert results["cardiothoracic_ratio"].problem == "left lung: not found"


def test_airways_without_a_fork_have_no_angle(chest, make_radiograph) -> None:
    chest["airways"][:] = 0
    chest["airways"][10:90, 120:135] = 1
    angle = measured(chest, make_radiograph())["carina_angle"]
    assert angle.value is None
    assert angle.problem == "the main bronchi cannot be told apart"


def test_opacity_follows_the_grey_values(chest, make_radiograph) -> None:
    results = measured(chest, make_radiograph())  # grey rises from top to bottom
    for side in ("right", "left"):
        levels = [
            results[f"opacity_{side}_{level}_zone"].value for level in ("upper", "middle", "lower")
        ]
        assert levels == sorted(levels)
        assert 0 < levels[0] < levels[2] < 1


def test_opacity_ignores_exposure_and_surroundings() -> None:
    rng = np.random.default_rng(2)
    pixels = rng.random((384, 384), dtype=np.float32)
    masks = rectangles()
    darker = 0.2 + 0.5 * pixels
    darker[:20] = 1.0
    inside = masks["right_lung"]
    first, second = (normalise_opacity(p, masks)[inside] for p in (pixels, darker))
    assert first == pytest.approx(second, abs=1e-5)


def test_a_flat_image_has_no_opacity() -> None:
    flat = np.full((384, 384), 0.7, np.float32)
    assert not normalise_opacity(flat, rectangles()).any()
    assert not normalise_opacity(flat, {}).any()


def test_zone_measurements_have_the_names_of_the_ontology(chest, make_radiograph) -> None:
    zones = {c.name for c in concepts() if c.kind == "zone"}
    names = measured(chest, make_radiograph())
    assert {n.removeprefix("opacity_") for n in names if n.startswith("opacity_")} == zones
