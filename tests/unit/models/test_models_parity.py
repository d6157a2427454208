"""Adopted checkpoints answer as in their own library, with randomly initialised weights.

Needs torch, TorchXRayVision and timm; each part skips where its library is missing.
"""

import numpy as np
import pytest

from hilum.errors import InvalidValueError, ModelIntegrityError
from hilum.models.adapters import AdoptionRequest, add_model
from hilum.models.golden import golden_image
from hilum.models.preprocess import prepare
from hilum.models.registry import load_model, verify

pytest.importorskip("onnx", reason="needs the extra train")
pytest.importorskip("onnxscript", reason="needs the extra train")
torch = pytest.importorskip("torch", reason="needs the extra train")

pytestmark = [
    pytest.mark.slow,
    # Other people's libraries warn about themselves.
    pytest.mark.filterwarnings("default::DeprecationWarning"),
    pytest.mark.filterwarnings("default::FutureWarning"),
]

DENSE = "densenet121-res224-all"
RESIDUAL = "resnet50-res512-all"
CLOSE = 1e-5


def randomise(network, seed):
    """Random weights with statistics as after training, so that scores differ by input."""
    torch.manual_seed(seed)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
        if isinstance(module, torch.nn.Linear):
            torch.nn.init.normal_(module.weight, std=0.002)
    return network.eval()


@pytest.fixture(scope="module")
def xrv():
    return pytest.importorskip("torchxrayvision", reason="needs torchxrayvision")


@pytest.fixture(scope="module")
def dense_state(xrv, tmp_path_factory):
    """A DenseNet121 of the library as a state dict and as a whole saved network."""
    folder = tmp_path_factory.mktemp("dense")
    network = randomise(xrv.models.DenseNet(), seed=1)
    torch.save(network.state_dict(), folder / "state.pt")
    torch.save(network, folder / "whole.pt")
    return folder


@pytest.fixture(scope="module")
def dense_model(dense_state):
    request = AdoptionRequest(
        path=dense_state / "state.pt", kind="torchxrayvision", name="dense", weights=DENSE
    )
    add_model(request, directory=dense_state)
    return load_model(str(dense_state / "dense.json"))


def library_input(xrv, image, size, engine="cv2"):
    """The library's own preprocessing of an image in [0, 1]."""
    pixels = xrv.datasets.normalize(image * 255, 255)[None]
    pixels = xrv.datasets.XRayCenterCrop()(pixels)
    return xrv.datasets.XRayResizer(size, engine=engine)(pixels)[None]


@pytest.mark.parametrize("shape", [(512, 448), (301, 500), (224, 224), (1000, 1001)])
def test_preprocessing_is_that_of_the_library(xrv, dense_model, shape):
    image = golden_image(*shape)
    ours = prepare(image, dense_model.manifest.input)
    np.testing.assert_allclose(ours, library_input(xrv, image, 224), atol=1e-3)  # of 2048


def test_the_other_resizing_of_the_library_is_close(xrv, dense_model):
    """Its default engine blurs before it samples; edges differ, the image does not."""
    image = golden_image()
    ours = prepare(image, dense_model.manifest.input)
    difference = np.abs(ours - library_input(xrv, image, 224, "skimage"))
    assert difference.mean() < 0.002 * 2048


def test_a_dense_network_answers_as_in_the_library(xrv, dense_state, dense_model, monkeypatch):
    monkeypatch.setattr(xrv.models, "get_weights", lambda *_: str(dense_state / "whole.pt"))
    library = xrv.models.DenseNet(weights=DENSE)
    image = golden_image(600, 500)
    with torch.no_grad():
        rescaled = library(torch.from_numpy(library_input(xrv, image, 224)))
        library.op_threshs = None
        scores = torch.sigmoid(library(torch.from_numpy(library_input(xrv, image, 224))))[0]
    outputs = dense_model.run(image)
    probs = outputs["source_probabilities"]
    assert scores.numpy().std() > 0.01
    np.testing.assert_allclose(probs, scores.numpy(), atol=CLOSE)
    calibration = dense_model.manifest.calibration
    points = torch.tensor(calibration["source_operating_points"])
    again = xrv.models.op_norm(torch.from_numpy(probs)[None], points)
    np.testing.assert_allclose(again, rescaled, atol=1e-4)
    named = dict(zip(calibration["source_labels"], probs, strict=True))
    assert calibration["source_labels"] == list(xrv.datasets.default_pathologies)
    ours = dict(zip(dense_model.manifest.labels, outputs["probabilities"], strict=True))
    assert ours["pleural_effusion"] == named["Effusion"]
    assert ours["nodule_or_mass"] == max(named[x] for x in ("Nodule", "Mass", "Lung Lesion"))
    assert verify(dense_model.manifest, directory=dense_model.path.parent).is_ok


def test_heat_maps_are_the_linear_layer_at_each_place(xrv, dense_state, dense_model):
    network = xrv.models.DenseNet()
    network.load_state_dict(torch.load(dense_state / "state.pt"))
    network.eval()
    image = golden_image()
    with torch.no_grad():
        x = torch.from_numpy(library_input(xrv, image, 224))
        places = torch.relu(network.features(x))
        head = network.classifier
        maps = torch.einsum("bfyx,lf->blyx", places, head.weight) + head.bias[:, None, None]
        torch.testing.assert_close(maps.mean((2, 3)), network(x), atol=1e-4, rtol=1e-4)
    labels = dense_model.manifest.labels
    heat = dense_model.run(image)["heatmaps"]
    assert heat.shape == (len(labels), 7, 7)
    effusion = xrv.datasets.default_pathologies.index("Effusion")
    np.testing.assert_allclose(
        heat[labels.index("pleural_effusion")], torch.sigmoid(maps[0, effusion]), atol=1e-4
    )


def test_a_pickled_network_is_loaded_only_when_trusted(dense_state, dense_model, tmp_path):
    path = dense_state / "whole.pt"
    options = {"kind": "torchxrayvision", "name": "whole"}
    with pytest.raises(InvalidValueError, match="can run code"):
        add_model(AdoptionRequest(path=path, **options), directory=tmp_path)
    add_model(AdoptionRequest(path=path, is_trusted=True, **options), directory=tmp_path)
    ours = load_model(str(tmp_path / "whole.json")).run(golden_image())
    expected = dense_model.run(golden_image())
    np.testing.assert_allclose(ours["probabilities"], expected["probabilities"], atol=CLOSE)
    manifest = load_model(str(tmp_path / "whole.json")).manifest
    assert manifest.calibration["operating_points"] == {}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": ("Edema", "Effusion")}, "18 outputs"),
        ({"weights": "nothing"}, "no weights"),
        ({"arch": "vgg"}, "known"),
        ({"arch": "resnet50"}, "is it a classifier"),
    ],
)
def test_checkpoints_that_do_not_fit(dense_state, tmp_path, options, message):
    request = AdoptionRequest(
        path=dense_state / "state.pt", kind="torchxrayvision", name="wrong", **options
    )
    with pytest.raises(InvalidValueError, match=message):
        add_model(request, directory=tmp_path)


@pytest.mark.parametrize("content", [b"", b"junk" * 99, b"PK\x03\x04junk"])
def test_junk_is_refused(tmp_path, xrv, content):
    path = tmp_path / "junk.pt"
    path.write_bytes(content)
    request = AdoptionRequest(path=path, kind="torchxrayvision", name="junk", is_trusted=True)
    with pytest.raises(ModelIntegrityError, match="not a readable checkpoint"):
        add_model(request, directory=tmp_path)


def test_a_residual_network_answers_as_in_the_library(xrv, tmp_path, monkeypatch):
    models = pytest.importorskip("torchvision.models")
    network = models.resnet50(weights=None, num_classes=18)
    network.conv1 = torch.nn.Conv2d(1, 64, kernel_size=7, stride=2, padding=3, bias=False)
    path = tmp_path / "state.pt"
    torch.save(randomise(network, seed=2).state_dict(), path)
    monkeypatch.setattr(xrv.models, "get_weights", lambda *_, **__: str(path))
    library = xrv.models.ResNet(weights=RESIDUAL)
    request = AdoptionRequest(path=path, kind="torchxrayvision", name="res", weights=RESIDUAL)
    add_model(request, directory=tmp_path)
    image = golden_image(700, 600)
    with torch.no_grad():
        expected = torch.sigmoid(library.model(torch.from_numpy(library_input(xrv, image, 512))))
    outputs = load_model(str(tmp_path / "res.json")).run(image)
    assert expected.numpy().std() > 0.005
    np.testing.assert_allclose(outputs["source_probabilities"], expected.numpy()[0], atol=CLOSE)
    assert outputs["heatmaps"].shape[1:] == (16, 16)


@pytest.mark.parametrize(
    ("arch", "has_maps"), [("resnet18", True), ("mobilenetv3_small_050", False)]
)
def test_a_timm_network_answers_as_in_the_library(tmp_path, arch, has_maps):
    timm = pytest.importorskip("timm", reason="needs the extra train")
    network = randomise(timm.create_model(arch, num_classes=3), seed=3)
    path = tmp_path / "state.pth"
    torch.save({"state_dict": {f"module.{k}": v for k, v in network.state_dict().items()}}, path)
    labels = ("Pneumonia", "Effusion", "Hernia")
    request = AdoptionRequest(path=path, kind="timm", name="timm", arch=arch, labels=labels)
    manifest = add_model(request, directory=tmp_path)
    image = golden_image()
    outputs = load_model(str(tmp_path / "timm.json")).run(image)
    with torch.no_grad():
        expected = torch.sigmoid(network(torch.from_numpy(prepare(image, manifest.input))))[0]
    np.testing.assert_allclose(outputs["source_probabilities"], expected, atol=CLOSE)
    assert manifest.labels == ("pneumonia", "pleural_effusion")
    assert ("heatmaps" in outputs) is has_maps


def test_timm_preprocessing_is_close_to_its_transform(tmp_path):
    timm = pytest.importorskip("timm", reason="needs the extra train")
    image_module = pytest.importorskip("PIL.Image")
    from hilum.models.adapters.timm_classifier import _input

    network = timm.create_model("resnet18", num_classes=1)
    path = tmp_path / "x.pth"
    path.write_bytes(b"x")
    request = AdoptionRequest(path=path, kind="timm", name="x", arch="resnet18", labels=("Edema",))
    from hilum.models.manifest import InputSpec

    values = _input(request, network)
    spec = InputSpec(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})
    transform = timm.data.create_transform(**timm.data.resolve_model_data_config(network))
    grey = np.round(golden_image() * 255).astype(np.uint8)
    theirs = transform(image_module.fromarray(grey).convert("RGB")).numpy()
    ours = prepare((grey / 255).astype(np.float32), spec)[0]
    assert np.abs(ours - theirs).mean() < 0.02  # of a range of about 4; bicubic against area
