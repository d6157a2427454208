"""Does the opacity map of the shipped findings network explain its pneumonia probability?

Deletion, insertion, infidelity, sensitivity, attacks, and the same map from shuffled weights,
on NIH validation films with pneumonia. Needs the train extra (onnx shuffles the weights):

    .venv-train/bin/python benchmarks/audit_explanations.py [--data ../shared/data]

Writes runs/audit_explanations.json, which ``audit_shipped.py`` puts into its page.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort
from audit_reading import cases_of
from onnx import numpy_helper

from hilum import open_study
from hilum.evaluate import Evaluation, write_evaluation
from hilum.evaluate.audits import ExplanationOptions, evaluate_explanations
from hilum.findings.crop import crop_array, thorax_box
from hilum.findings.localise import lungs_of
from hilum.models import load_model, prepare
from hilum.models.compress import parse_onnx
from hilum.reading import DEFAULT_MODELS, read_radiograph
from hilum.types import FloatImage

KEPT = Path("runs/audit_explanations.json")
OPTIONS = ExplanationOptions(samples=30, attack_steps=40, draws=1000)
PARENT = 0
"""The head of adult pneumonia."""
Run = Callable[[FloatImage], tuple[float, FloatImage]]


def open_network(weights: bytes) -> Run:
    """Crop of 256 x 256 pixels to the members' mean probability and the opacity map."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(weights, options, providers=["CPUExecutionProvider"])

    def run(image: FloatImage) -> tuple[float, FloatImage]:
        tensor = np.ascontiguousarray(image[None, None], np.float32)
        logits, opacity = session.run(["logits", "opacity"], {"image": tensor})
        prob = 1 / (1 + np.exp(-float(logits[0, :, PARENT].mean())))
        return prob, cv2.resize(opacity[0], image.shape[::-1], interpolation=cv2.INTER_LINEAR)

    return run


def shuffle_weights(weights: bytes) -> bytes:
    """The same network with the values of every large constant in random order."""
    network, rng = parse_onnx(weights), np.random.default_rng(0)
    for tensor in network.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.size >= 16 and values.dtype.kind in "fi" and values.ndim > 1:
            mixed = rng.permutation(values.ravel()).reshape(values.shape)
            tensor.CopyFrom(numpy_helper.from_array(mixed, tensor.name))
    return bytes(network.SerializeToString())


def crops(data: Path, count: int) -> tuple[list[str], list[str], list[FloatImage]]:
    """Films with pneumonia as the network sees them, one a patient."""
    models = {task: load_model(name) for task, name in DEFAULT_MODELS.items()}
    units, patients, images = [], [], []
    for case in cases_of(data)["nih"]:
        if not case.truth["pneumonia"] or case.patient in patients or len(units) == count:
            continue
        reading = read_radiograph(open_study(case.path).radiographs[0], models)
        if reading.findings:
            image = reading.radiograph
            box = thorax_box(lungs_of(reading.anatomy, image.orientation))
            spec = models["findings"].manifest.input
            images.append(prepare(crop_array(image.pixels, box), spec)[0, 0])
            units.append(case.unit)
            patients.append(case.patient)
    return units, patients, images


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--count", type=int, default=12)
    asked = parser.parse_args()
    units, patients, images = crops(asked.data, asked.count)
    weights = load_model(DEFAULT_MODELS["findings"]).read_weights()
    shipped, shuffled = open_network(weights), open_network(shuffle_weights(weights))
    mean_map = np.mean([shipped(image)[1] for image in images], axis=0)
    explainers = {
        "opacity map": (lambda x: shipped(x)[1], lambda x: shuffled(x)[1], OPTIONS),
        "mean map of all films": (lambda x: mean_map, None, replace(OPTIONS, attack_steps=0)),
    }
    for name, (explainer, randomised, options) in explainers.items():
        found: Evaluation = evaluate_explanations(
            units,
            images,
            lambda x: shipped(x)[0],
            explainer,
            randomised=randomised,
            groups=patients,
            options=options,
        )
        path = KEPT if randomised else KEPT.with_stem(f"{KEPT.stem}_control")
        write_evaluation(found, path)
        print(name)
        for score in found.scores:
            print(f"  {score.metric.id} {score.value:.3g} {score.interval}")


if __name__ == "__main__":
    main()
