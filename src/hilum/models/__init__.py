"""Models: manifests, weights, ONNX sessions, and adapters for other people's checkpoints.

Every network on the main path is loaded here, by name, and run on upright pixels in
[0, 1]; no other room knows of files, hashes or ONNX Runtime.
"""

from hilum.models.ahead import RunAhead
from hilum.models.golden import VerifyResult, golden_image
from hilum.models.manifest import InputSpec, Manifest, OutputSpec
from hilum.models.preprocess import field_of_view, prepare
from hilum.models.registry import find_model, list_models, load_model, verify, write_model
from hilum.models.session import Model

__all__ = [
    "InputSpec",
    "Manifest",
    "Model",
    "OutputSpec",
    "RunAhead",
    "VerifyResult",
    "field_of_view",
    "find_model",
    "golden_image",
    "list_models",
    "load_model",
    "prepare",
    "verify",
    "write_model",
]
