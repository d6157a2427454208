"""The context's network says what its heads say of the stored features."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra train")
pytest.importorskip("efficientnet_lite_pytorch", reason="needs the extra train")

from hilum.findings.places import PLACES, evidence_logits  # noqa: E402
from hilum.train.context import Heads  # noqa: E402
from hilum.train.context_features import by_place  # noqa: E402
from hilum.train.networks import ContextEncoder, ContextNet  # noqa: E402
from hilum.train.novelty import Novelty  # noqa: E402


def test_logits_are_the_pooled_part_and_the_evidence_of_the_places() -> None:
    rng = np.random.default_rng(2)
    count = ContextEncoder.POOLED + len(PLACES) * sum(ContextEncoder.CHANNELS)
    heads = Heads(
        rng.normal(size=(3, count)).astype(np.float32) / 50,
        rng.normal(size=3).astype(np.float32),
        rng.normal(size=(3, len(PLACES))).astype(np.float32),
    )
    size = ContextEncoder.POOLED - ContextNet.NOVELTY_FROM
    ones = np.ones(size, np.float32)
    novelty = Novelty(0 * ones, ones, np.eye(2, size, dtype=np.float32), ones[:2], 1.0)
    parts = (heads.weight, heads.bias, heads.place_bias)
    net = ContextNet(*map(torch.from_numpy, parts), novelty).eval()
    image = torch.from_numpy(rng.random((1, 1, 288, 288), np.float32))
    weights = rng.random((len(PLACES), 36, 36), np.float32)
    weights /= weights.sum((1, 2), keepdims=True)
    with torch.no_grad():
        *maps, pooled = net.encoder(image)
        logits, evidence, _ = net(image)
    features = [pooled[0].numpy(), *by_place([m[0].numpy() for m in maps], weights)]
    wanted = heads.apply(np.concatenate(features)[None])[0]
    found = logits[0, 0].numpy() + evidence_logits(evidence[0].numpy(), weights)
    assert found == pytest.approx(wanted, abs=1e-3)
