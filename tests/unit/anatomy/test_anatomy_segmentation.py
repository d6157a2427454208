from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import pytest

from hilum.anatomy import analyse, segment
from hilum.errors import HilumError, ModelIntegrityError
from hilum.ontology import anatomy as concepts
from hilum.types import FloatImage, Orientation, Radiograph, Spacing, SpacingOrigin

LABELS = ("left_lung", "right_lung", "cardiomediastinum", "airways")


@dataclass
class FakeManifest:
    labels: tuple[str, ...] = LABELS
    calibration: dict[str, Any] = field(default_factory=dict)


@dataclass
class FakeModel:
    outputs: dict[str, FloatImage]
    manifest: FakeManifest = field(default_factory=FakeManifest)

    def run(self, pixels: FloatImage) -> dict[str, FloatImage]:
        return self.outputs


def stack(chest, labels=LABELS) -> FloatImage:
    return np.stack([chest[name] for name in labels])


def test_everything_is_found_in_source_pixels(chest, make_radiograph) -> None:
    spacing = Spacing(0.4, 0.4, SpacingOrigin.PATIENT)
    radiograph = make_radiograph(400, 600, spacing=spacing)
    anatomy = segment(radiograph, FakeModel({"probabilities": stack(chest)}))
    kinds = {kind: {c.name for c in concepts() if c.kind == kind} for kind in ("zone", "landmark")}
    assert set(anatomy.structures) == set(LABELS)
    assert anatomy.zones.keys() == kinds["zone"]
    assert anatomy.landmarks.keys() == kinds["landmark"]
    assert anatomy.warnings == ()
    assert all(m.value is not None for m in anatomy.measurements)
    masks = [s.mask for s in anatomy.structures.values()] + list(anatomy.zones.values())
    assert all(mask.shape == (400, 600) and mask.any() for mask in masks)
    assert anatomy.landmarks["right_apex"] == pytest.approx((180, 48), abs=5)


def test_maps_are_taken_in_the_order_of_the_labels(chest, make_radiograph) -> None:
    turned = LABELS[::-1]
    model = FakeModel({"probabilities": stack(chest, turned)}, FakeManifest(turned))
    first = segment(make_radiograph(), model)
    second = analyse(make_radiograph(), chest)
    assert first.landmarks == second.landmarks


def test_the_heat_map_places_the_carina(chest, make_radiograph) -> None:
    heat = np.zeros((1, 64, 64), np.float32)
    heat[0, 25, 31] = 0.9
    model = FakeModel({"probabilities": stack(chest), "carina": heat})
    carina = segment(make_radiograph(640, 640), model).landmarks["carina"]
    assert carina == pytest.approx((315.0, 255.0), abs=0.1)


def test_a_heat_map_outside_the_chest_is_not_believed(chest, make_radiograph) -> None:
    heat = np.zeros((64, 64), np.float32)
    heat[62, 2] = 0.9
    with_heat = analyse(make_radiograph(), chest, heat=heat)
    assert with_heat.landmarks == analyse(make_radiograph(), chest).landmarks


def test_an_implausible_mask_is_not_measured_and_says_so(chest, make_radiograph) -> None:
    chest["left_lung"][:] = 0
    anatomy = analyse(make_radiograph(), chest)
    assert [w.code for w in anatomy.warnings] == ["left_lung_implausible"]
    assert anatomy.structures["left_lung"].problem == "not found"
    assert anatomy.structures["right_lung"].problem is None
    assert not any(name.startswith("left") for name in [*anatomy.zones, *anatomy.landmarks])
    ratio = anatomy.measurement("cardiothoracic_ratio")
    assert ratio is not None
    assert ratio.value is None
    heart = anatomy.measurement("heart_width")
    assert heart is not None
    assert heart.value is not None


@pytest.mark.parametrize(
    "outputs",
    [
        {},
        {"probabilities": np.zeros((3, 8, 8), np.float32)},
        {"probabilities": np.zeros((8, 8), np.float32)},
        {
            "probabilities": np.zeros((4, 8, 8), np.float32),
            "carina": np.zeros((8, 8), np.float32),
        },
    ],
)
def test_a_model_with_other_outputs_is_refused(make_radiograph, outputs) -> None:
    with pytest.raises(HilumError):
        segment(make_radiograph(), FakeModel(outputs))


def test_a_model_with_other_labels_is_refused(chest, make_radiograph) -> None:
    manifest = FakeManifest(("left_lung", "right_lung", "heart", "airways"))
    with pytest.raises(ModelIntegrityError, match="heart"):
        segment(make_radiograph(), FakeModel({"probabilities": stack(chest)}, manifest))


@pytest.mark.data
def test_true_masks_of_real_radiographs_come_back(shared_data) -> None:
    ratios = []
    for folder in sorted((shared_data / "anatomy" / "masks").iterdir()):
        maps = read_maps(folder)
        if maps is None:
            continue
        shape = maps["airways"].shape
        radiograph = Radiograph(np.zeros(shape, np.float32), folder.name, Orientation(*shape))
        anatomy = analyse(radiograph, maps)
        assert anatomy.warnings == (), folder.name
        for name, values in maps.items():
            found, truth = anatomy.structures[name].mask, values > 0.5
            dice = 2 * (found & truth).sum() / (found.sum() + truth.sum())
            assert dice > (0.94 if name == "airways" else 0.98), (folder.name, name)
        ratio = anatomy.measurement("cardiothoracic_ratio")
        assert ratio is not None
        assert ratio.value == pytest.approx(box_ratio(maps), abs=0.03)
        ratios.append(ratio.value)
        assert 0.35 < ratio.value < 0.75
    assert len(ratios) == 51
    assert np.median(ratios) == pytest.approx(0.495, abs=0.02)


def read_maps(folder) -> dict[str, FloatImage] | None:
    maps = {}
    for name in LABELS:
        path = folder / f"{name}.png"
        if not path.exists():
            return None
        maps[name] = (cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) > 127).astype(np.float32)
    return maps


def box_ratio(maps) -> float:
    """Cardiothoracic ratio from bounding boxes, computed another way."""
    heart = np.ptp(np.nonzero(maps["cardiomediastinum"])[1]) + 1
    return float(heart / (np.ptp(np.nonzero(maps["left_lung"] + maps["right_lung"])[1]) + 1))
