"""Seconds for a phantom study, for its projection beside DiffDRR's, and by workers.

    python benchmarks/phantom_speed.py                      # in the training environment

The peer is given the same volume (the density grid of a phantom), the same cone beam and the
same 512 x 512 rays, on one CPU thread as we are. Only its renderers are imported (they need torch
alone); its full install (kornia, torchio) is not needed for them. CPU seconds are the process's
own, so that other work on the machine does not count; the difference of the line integrals is
printed beside the ratio.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from measuring import machine, markdown, quartiles

from hilum.scale import make_dataset
from hilum.synth import render, sample_spec
from hilum.synth.files.dataset import DatasetOptions
from hilum.synth.imaging.projection import project_volume
from hilum.synth.study import beam_of, grid_of
from hilum.synth.thorax.space import Beam, Grid
from hilum.synth.thorax.thorax import make_thorax

PATCHES = 64
"""The peer's rays are cast in this many portions, or they do not fit into memory."""


def timed(task: Callable[[], object], repeats: int) -> tuple[list[float], list[float]]:
    """CPU and wall seconds of each of ``repeats`` calls after a first one."""
    task()
    cpu, wall = [], []
    for _ in range(repeats):
        start, clock = time.process_time(), time.perf_counter()
        task()
        cpu.append(time.process_time() - start)
        wall.append(time.perf_counter() - clock)
    return cpu, wall


def peer(
    volume: npt.NDArray[np.float32], grid: Grid, beam: Beam, kind: str, points: int
) -> Callable[[], npt.NDArray[np.float32]]:
    """DiffDRR's renderer on our geometry: millimetres times density, ``(rows, columns)``."""
    import torch
    from diffdrr import renderers

    torch.set_num_threads(1)
    first = np.array([axis[0] for axis in grid.axes])
    step = np.array([grid.step_mm, grid.depth_step_mm, grid.step_mm])
    (width, height), (du, dv) = beam.pixels, beam.pixel_mm
    rows = beam.centre_mm[1] + (np.arange(height) - height / 2 + 0.5) * dv
    columns = beam.centre_mm[0] + (np.arange(width) - width / 2 + 0.5) * du
    side = 1.0 if beam.from_back else -1.0
    target = np.empty((height, width, 3))
    target[..., 0], target[..., 1], target[..., 2] = rows[:, None], -side * beam.axis_mm, columns
    source = np.array(
        [beam.centre_mm[1], side * (beam.source_mm - beam.axis_mm), beam.centre_mm[0]]
    )
    target = target.reshape(1, -1, 3)
    length = torch.tensor(np.linalg.norm(target - source, axis=-1)[None], dtype=torch.float32)
    there = torch.tensor((target - first) / step, dtype=torch.float32)
    here = torch.tensor(((source - first) / step)[None, None], dtype=torch.float32)
    density = torch.from_numpy(volume)
    renderer = getattr(renderers, kind)()
    options = {"n_points": points} if kind == "Trilinear" else {}

    def cast() -> npt.NDArray[np.float32]:
        with torch.no_grad():
            parts = [
                renderer(density, here, part, reach, **options)
                for part, reach in zip(
                    there.chunk(PATCHES, 1), length.chunk(PATCHES, -1), strict=True
                )
            ]
        return np.asarray(torch.cat(parts, -1).reshape(height, width).numpy())

    return cast


def compare_projection(repeats: int) -> None:
    spec = sample_spec(np.random.default_rng(2), prob_child=0.0)
    grid, beam = grid_of(spec.imaging), beam_of(spec.imaging, (512, 512))
    volume = make_thorax(spec.build, grid).soft
    ours, _ = timed(lambda: project_volume(volume, grid, beam), repeats)
    mine = quartiles(ours)[1]
    rows = [["hilum.synth (shear-warp)", f"{mine:.3f}", "1", "0"]]
    image = project_volume(volume, grid, beam)
    for kind, points in (("Trilinear", 150), ("Siddon", 0)):
        cast = peer(volume, grid, beam, kind, points)
        seconds = quartiles(timed(cast, 1)[0])[1]
        gap = float(np.abs(cast() - image).mean() / image.mean())
        name = f"DiffDRR {kind}" + (f", {points} points a ray" if points else "")
        rows.append([name, f"{seconds:.3f}", f"{seconds / mine:.0f}", f"{gap:.2%}"])
    print(f"one projection of {' x '.join(map(str, volume.shape))} samples onto 512 x 512 pixels")
    print(markdown(["what", "CPU s", "ratio", "mean difference"], rows))


def time_studies(count: int) -> None:
    cpu, wall = [], []
    for seed in range(count):
        spec = sample_spec(np.random.default_rng([9, seed]))
        start, clock = time.process_time(), time.perf_counter()
        render(spec)
        cpu.append(time.process_time() - start)
        wall.append(time.perf_counter() - clock)
    low, middle, high = quartiles(cpu)
    print(
        f"{count} studies with all truth, 512 x 512, one thread: {middle:.2f} CPU s "
        f"({low:.2f} to {high:.2f}), {quartiles(wall)[1]:.2f} s by the clock"
    )


def time_workers(count: int) -> None:
    options = DatasetOptions(count=count, pixels=512)
    seconds = {}
    with tempfile.TemporaryDirectory() as folder:
        for workers in (1, 2):
            done = make_dataset(Path(folder) / str(workers), options, workers=workers)
            seconds[workers] = done.seconds
    told = ", ".join(f"{n} workers {count / s:.2f} patients/s" for n, s in seconds.items())
    print(f"data set of {count}: {told}; ratio {seconds[1] / seconds[2]:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=24)
    parser.add_argument("--patients", type=int, default=16)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    time_studies(options.studies)
    compare_projection(5)
    time_workers(options.patients)
    print(machine("numpy", "opencv-python-headless", "torch", "diffdrr"))


if __name__ == "__main__":
    main()
