"""Weights of a shipped network back in torch, to go on training from them.

The export folds batch normalisation into the convolutions before it, so what comes back is a
network whose normalisations do nothing; they must stay in evaluation mode.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn

from hilum.errors import ModelIntegrityError

__all__ = ["freeze_norms", "restore_convolutions"]


def restore_convolutions(net: nn.Module, path: Path, *, side: int) -> None:
    """Give every convolution of ``net`` the weights of the ONNX file, in order of execution.

    Args:
        net: Takes ``(1, 1, side, side)``; changed in place.
        path: A file that ``export_onnx`` wrote of such a network.
        side: Of the input.

    Raises:
        ModelIntegrityError: The file is of another network.
    """
    weights = list(_stored_convolutions(path))
    pairs = _executed_convolutions(net, side)
    if len(weights) != len(pairs):
        raise ModelIntegrityError(
            f"{path.name} has {len(weights)} convolutions, the network {len(pairs)}"
        )
    with torch.no_grad():
        for (conv, norm), (weight, bias) in zip(pairs, weights, strict=True):
            if conv.weight.shape != weight.shape:
                raise ModelIntegrityError(
                    f"{path.name} has a convolution of {tuple(weight.shape)} where the network "
                    f"has {tuple(conv.weight.shape)}"
                )
            conv.weight[:] = torch.from_numpy(weight)
            if norm is None:
                assert conv.bias is not None, "a convolution has a bias or a normalisation"
                conv.bias[:] = torch.from_numpy(bias)
                continue
            norm.running_mean.zero_()
            norm.running_var.fill_(1.0 - norm.eps)
            norm.weight.fill_(1.0)
            norm.bias.copy_(torch.from_numpy(bias))


def freeze_norms(net: nn.Module) -> None:
    """Put every batch normalisation in evaluation mode, also after ``net.train()``."""
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()


def _stored_convolutions(path: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Weight and bias of every convolution, float32, in the order of the graph."""
    graph = onnx.load_model(path).graph
    values = {t.name: onnx.numpy_helper.to_array(t) for t in graph.initializer}
    for node in graph.node:
        if node.op_type == "Cast" and node.input[0] in values:
            values[node.output[0]] = values[node.input[0]].astype(np.float32)
        if node.op_type == "Conv":
            weight = np.array(values[node.input[1]], np.float32)
            bias = values[node.input[2]] if len(node.input) > 2 else np.zeros(len(weight))
            yield weight, np.array(bias, np.float32)


def _executed_convolutions(
    net: nn.Module, side: int
) -> list[tuple[nn.Conv2d, nn.BatchNorm2d | None]]:
    """Every convolution and the normalisation run right after it, by one forward pass."""
    order: list[nn.Module] = []
    handles = [
        module.register_forward_hook(lambda m, _inputs, _output: order.append(m))
        for module in net.modules()
        if isinstance(module, nn.Conv2d | nn.BatchNorm2d)
    ]
    net.eval()
    with torch.no_grad():
        net(torch.zeros(1, 1, side, side))
    for handle in handles:
        handle.remove()
    pairs: list[tuple[nn.Conv2d, nn.BatchNorm2d | None]] = []
    for module in order:
        if isinstance(module, nn.Conv2d):
            pairs.append((module, None))
        elif isinstance(module, nn.BatchNorm2d):
            pairs[-1] = (pairs[-1][0], module)
    return pairs
