"""From a torch classifier to ONNX, with maps of its scores where the network has them."""

from __future__ import annotations

import contextlib
import io
import logging
import pickle
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hilum.errors import InvalidValueError, ModelIntegrityError
from hilum.models.extras import import_extra

__all__ = ["export_classifier", "load_checkpoint", "load_weights"]

WRAPPERS = ("state_dict", "model_state_dict", "model", "net", "weights")
PREFIXES = ("module.", "_orig_mod.", "model.")
SAME = 1e-3
OPSET = 18


def load_checkpoint(path: Path, *, is_trusted: bool) -> Any:
    """Load a ``.pt``, ``.pth`` or ``.safetensors`` file on the CPU.

    Raises:
        InvalidValueError: The file is a pickled object and was not declared trusted.
        ModelIntegrityError: The file cannot be read.
    """
    torch = import_extra("torch", "reading a torch checkpoint")
    try:
        if path.suffix == ".safetensors":
            return import_extra("safetensors.torch", "reading safetensors").load_file(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # source changes of old pickles; shapes are checked
            return torch.load(path, map_location="cpu", weights_only=not is_trusted)
    except pickle.UnpicklingError as error:
        if not is_trusted:
            raise InvalidValueError(
                f"{path.name} holds more than tensors (a pickled network, or it is damaged); "
                "loading it can run code: if you trust its origin, say so (--trust)"
            ) from error
        raise ModelIntegrityError(f"{path.name} is not a readable checkpoint") from error
    except Exception as error:  # torch and pickled classes raise anything
        reason = (str(error).splitlines() or [""])[0]
        raise ModelIntegrityError(
            f"{path.name} is not a readable checkpoint: {reason:.200}"
        ) from error


def state_of(checkpoint: Any, name: str) -> dict[str, Any]:
    """The tensors of a checkpoint by name: unwrapped, without prefixes of wrappers.

    Raises:
        ModelIntegrityError: There are no tensors in it.
    """
    if hasattr(checkpoint, "state_dict"):
        checkpoint = checkpoint.state_dict()
    for key in WRAPPERS:
        if isinstance(checkpoint, Mapping) and isinstance(checkpoint.get(key), Mapping):
            checkpoint = checkpoint[key]
    state = dict(checkpoint) if isinstance(checkpoint, Mapping) else {}
    state = {k: v for k, v in state.items() if isinstance(k, str) and hasattr(v, "shape")}
    if not state:
        raise ModelIntegrityError(f"{name} holds no weights; expected a state dict or a network")
    for prefix in PREFIXES:
        if all(key.startswith(prefix) for key in state if key != "op_threshs"):
            state = {key.removeprefix(prefix): value for key, value in state.items()}
    return state


def load_weights(module: Any, state: Mapping[str, Any], name: str) -> None:
    """Load ``state`` into ``module``, every tensor of it.

    Raises:
        InvalidValueError: The tensors are not those of this architecture.
    """
    try:
        result = module.load_state_dict(dict(state), strict=False)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise InvalidValueError(
            f"{name} does not fit the architecture or the number of labels: {reason:.200}"
        ) from error
    if result.missing_keys or result.unexpected_keys:
        raise InvalidValueError(
            f"{name} does not fit the architecture: {len(result.missing_keys)} tensors are "
            f"missing {result.missing_keys[:2]}, {len(result.unexpected_keys)} are unknown "
            f"{result.unexpected_keys[:2]}; give the right architecture (--arch)"
        )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporter, which prints and logs its progress."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _with_maps(torch: Any, features: Any, head: Any) -> Any:
    """A module that returns ``(scores, maps)``: the linear head applied at every place.

    The average of a linear function is the linear function of the average, so the mean of
    the maps is the score of a network that ends in average pooling and one linear layer.
    """

    class Located(torch.nn.Module):  # type: ignore[misc]
        def forward(self, x: Any) -> tuple[Any, Any]:
            places = features(x)  # (batch, features, rows, columns)
            weight, bias = head.weight[:, :, None, None], head.bias
            maps = torch.nn.functional.conv2d(places, weight, bias)
            return maps.mean((2, 3)), maps

    return Located()


def _map_shape(torch: Any, module: Any, located: Any, example: Any) -> tuple[int, int] | None:
    """Rows and columns of the maps if their mean is the network's own score, else None."""
    try:
        scores, maps = located(example)
        is_same = torch.allclose(module(example), scores, rtol=SAME, atol=SAME)
    except (RuntimeError, TypeError, AttributeError):
        return None
    return (int(maps.shape[2]), int(maps.shape[3])) if is_same else None


def export_classifier(
    module: Any, shape: tuple[int, int, int], *, features: Any = None, head: Any = None
) -> tuple[bytes, tuple[int, int] | None]:
    """Export a classifier with outputs ``scores`` and, where possible, ``maps``.

    Args:
        module: ``(batch, channels, rows, columns)`` to raw scores ``(batch, labels)``.
        shape: Channels, rows and columns of the input.
        features: Function from input to the last feature maps, if known.
        head: The linear layer after their average, if that is how the network ends.

    Returns:
        The ONNX file, and rows and columns of ``maps`` (None where there are none).

    Raises:
        ModelIntegrityError: The network cannot be exported.
    """
    torch = import_extra("torch", "converting a torch checkpoint")
    import_extra("onnxscript", "converting a torch checkpoint")
    module.eval()
    # Not a constant image: averages of constant maps would hide what the head does.
    example = torch.linspace(-1.0, 1.0, shape[0] * shape[1] * shape[2]).reshape(1, *shape)
    maps: tuple[int, int] | None = None
    names = ["scores"]
    with torch.no_grad(), _quiet():
        if features is not None and isinstance(head, torch.nn.Linear):
            # The tensors live in ``module``; it stays alive and in evaluation mode.
            located = _with_maps(torch, features, head).eval()
            maps = _map_shape(torch, module, located, example)
            if maps is not None:
                module, names = located, ["scores", "maps"]
        try:
            program = torch.onnx.export(
                module,
                (example,),
                input_names=["image"],
                output_names=names,
                opset_version=OPSET,
                dynamo=True,
            )
            return bytes(program.model_proto.SerializeToString()), maps
        except Exception as error:  # the exporter's errors share no base
            reason = (str(error).splitlines() or [""])[0]
            raise ModelIntegrityError(
                f"the network cannot be exported to ONNX: {reason:.200}"
            ) from error
