"""Training examples that are made once and kept in blocks on disk.

A block is one compressed file of so many examples, each drawn from the seed, the block's number
and its place in it alone: an interrupted run goes on where it stopped, and any number of workers
gives the same set.
"""

from __future__ import annotations

import logging
import multiprocessing as mp
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["BlockMaker"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BlockMaker:
    """How the examples of one set are made and kept.

    ``make`` takes the seed of one example, ``[seed, block, index]``, and gives its arrays by
    name; with several workers it must be a function of a module. ``name`` begins the names of
    the files, ``size`` is the number of examples in each.
    """

    name: str
    size: int
    make: Callable[[list[int]], dict[str, np.ndarray]]

    def load(
        self, folder: Path, *, count: int, seed: int, workers: int = 1
    ) -> dict[str, np.ndarray]:
        """Make or load ``count`` examples.

        Args:
            folder: Where the blocks are kept; made when missing.
            count: Examples wanted; whole blocks are made.
            seed: Of everything that is drawn.
            workers: Processes that make missing blocks.

        Returns:
            The arrays by name, ``count`` long.
        """
        parts = []
        for number, path in enumerate(self._blocks(folder, count, seed, workers), start=1):
            with np.load(path) as block:
                parts.append({name: block[name] for name in block.files})
            if number % 5 == 0:
                logger.info("%s: %d of %d", self.name, min(count, number * self.size), count)
        return {name: np.concatenate([part[name] for part in parts])[:count] for name in parts[0]}

    def _blocks(self, folder: Path, count: int, seed: int, workers: int) -> Iterator[Path]:
        folder.mkdir(parents=True, exist_ok=True)
        make = partial(_make_block, maker=self, folder=folder, seed=seed)
        numbers = range(-(-count // self.size))
        if workers <= 1:
            yield from map(make, numbers)
            return
        # spawn: a copy of a parent that runs torch's threads may hang
        with mp.get_context("spawn").Pool(workers) as pool:
            yield from pool.imap(make, numbers)


def _make_block(number: int, *, maker: BlockMaker, folder: Path, seed: int) -> Path:
    path = folder / f"{maker.name}-{seed}-{number:04d}.npz"
    if not path.exists():
        made = [maker.make([seed, number, index]) for index in range(maker.size)]
        part = path.with_suffix(".part.npz")
        stacked: dict[str, Any] = {name: np.stack([m[name] for m in made]) for name in made[0]}
        np.savez_compressed(part, **stacked)
        part.replace(path)
    return path
