"""A network that can be run: manifest, weights on disk and an ONNX Runtime session.

The session is made on first use; before that the weights are hashed, so a file that was
changed or cut off is refused and never run.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from hilum.errors import InvalidValueError, ModelIntegrityError
from hilum.models.manifest import Manifest
from hilum.models.preprocess import prepare
from hilum.types import FloatImage

__all__ = ["Model", "resolve_threads"]

Tensor = npt.NDArray[np.float32]

THREADS_VARIABLE = "HILUM_THREADS"
# ONNX Runtime writes warnings about hardware it did not find to standard error; only fatal
# ones (4) pass, everything else arrives as an exception.
ort.set_default_logger_severity(4)


def resolve_threads(threads: int | None = None) -> int:
    """Threads of one model: the argument, else ``HILUM_THREADS``, else all cores.

    Raises:
        InvalidValueError: The number is not a positive integer.
    """
    text = str(threads) if threads is not None else os.environ.get(THREADS_VARIABLE, "").strip()
    if not text:
        return os.cpu_count() or 1
    if not text.isdecimal() or not 1 <= int(text) <= 1024:
        raise InvalidValueError(f"{THREADS_VARIABLE} must be 1 to 1024 threads, got {text!r}")
    return int(text)


def _open_session(weights: bytes, threads: int, name: str) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    # Idle threads of one network would spin and take the cores from the next one: a reading
    # runs four networks after each other, and took twice as long.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return ort.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's exceptions share no base but Exception
        raise ModelIntegrityError(
            f"{name}: the weights are no ONNX network that this ONNX Runtime "
            f"({ort.__version__}) can run: {str(error).splitlines()[0]:.200}"
        ) from error


def _fits(declared: Sequence[int | None], actual: Sequence[Any]) -> bool:
    """Whether a shape agrees; symbolic (named) and free sizes agree with every size."""
    return len(declared) == len(actual) and all(
        want is None or not isinstance(got, int) or want == got
        for want, got in zip(declared, actual, strict=True)
    )


class Model:
    """A network described by its manifest; safe to share between threads."""

    def __init__(self, manifest: Manifest, directory: Path, *, threads: int | None = None) -> None:
        """Args: ``directory`` holds the file that the manifest names."""
        self.manifest = manifest
        self.path = directory / manifest.file
        self.threads = resolve_threads(threads)
        self._session: ort.InferenceSession | None = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Model({self.manifest.name!r}, task={self.manifest.task!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        # A session cannot be pickled; the copy in another process opens its own.
        return _rebuild, (self.manifest, self.path.parent, self.threads)

    def read_weights(self) -> bytes:
        """The bytes of the weights, after their SHA-256 was checked.

        Raises:
            ModelIntegrityError: The file is missing or is not the one registered.
        """
        name = self.manifest.name
        try:
            weights = self.path.read_bytes()
        except OSError as error:
            raise ModelIntegrityError(
                f"{name}: cannot read the weights {self.path.name}: {error.strerror}; "
                "install or add the model again"
            ) from error
        digest = hashlib.sha256(weights).hexdigest()
        if digest != self.manifest.sha256:
            raise ModelIntegrityError(
                f"{name}: SHA-256 of {self.path.name} is {digest[:12]}..., its manifest says "
                f"{self.manifest.sha256[:12]}...; the file was changed or is incomplete, "
                "install or add the model again"
            )
        return weights

    def session(self) -> ort.InferenceSession:
        """The ONNX Runtime session, opened and checked against the manifest on first use."""
        with self._lock:
            if self._session is None:
                weights = self.read_weights()
                session = _open_session(weights, self.threads, self.manifest.name)
                self._check(session)
                self._session = session
            return self._session

    def _check(self, session: ort.InferenceSession) -> None:
        manifest, spec = self.manifest, self.manifest.input
        inputs = session.get_inputs()
        wanted = (None, spec.channels, spec.rows, spec.columns)
        if len(inputs) != 1 or inputs[0].type != "tensor(float)":
            raise ModelIntegrityError(f"{manifest.name}: expected a network with one float32 input")
        if not _fits(wanted, inputs[0].shape):
            raise ModelIntegrityError(
                f"{manifest.name}: the network wants an input {inputs[0].shape}, "
                f"its manifest says [batch, {spec.channels}, {spec.rows}, {spec.columns}]"
            )
        found = {output.name: output.shape for output in session.get_outputs()}
        for name in manifest.outputs:
            if name not in found:
                raise ModelIntegrityError(
                    f"{manifest.name}: no output {name!r}; the network has {sorted(found)}"
                )
            shape = (None, *manifest.output_shape(name))
            if found[name] and not _fits(shape, found[name]):
                raise ModelIntegrityError(
                    f"{manifest.name}: output {name!r} has shape {found[name]}, its manifest "
                    f"with {len(manifest.labels)} labels says {list(shape)}"
                )

    def run(self, pixels: FloatImage) -> dict[str, Tensor]:
        """Run the network on one radiograph.

        Args:
            pixels: Upright pixels, float32 ``(rows, columns)`` in [0, 1], air dark.

        Returns:
            Output name to float32 array, without the batch axis.

        Raises:
            InvalidValueError: The pixels are not such an image.
            ModelIntegrityError: The weights are missing, changed or cannot be run.
        """
        return self.run_tensor(prepare(pixels, self.manifest.input))

    def run_tensor(self, tensor: Tensor) -> dict[str, Tensor]:
        """Run the network on a prepared tensor ``(1, channels, rows, columns)``."""
        session = self.session()
        manifest = self.manifest
        names = list(manifest.outputs)
        try:
            arrays = session.run(names, {session.get_inputs()[0].name: tensor})
        except Exception as error:  # ONNX Runtime's exceptions share no base but Exception
            reason = (str(error).splitlines() or [""])[0]
            raise ModelIntegrityError(
                f"{manifest.name}: the network failed: {reason:.200}"
            ) from error
        results: dict[str, Tensor] = {}
        for name, array in zip(names, arrays, strict=True):
            shape = manifest.output_shape(name)
            if array.shape[:1] != (1,) or not _fits(shape, array.shape[1:]):
                raise ModelIntegrityError(
                    f"{manifest.name}: output {name!r} came as {array.shape}, expected "
                    f"(1, {', '.join(map(str, shape))})"
                )
            results[name] = np.asarray(array[0], dtype=np.float32)
        return results


def _rebuild(manifest: Manifest, directory: Path, threads: int) -> Model:
    return Model(manifest, directory, threads=threads)
