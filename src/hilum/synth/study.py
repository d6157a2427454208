"""Render a phantom: thorax, findings, devices, line integrals, film, truth.

This is the room's main path; everything random in it is seeded by the spec.
"""

from __future__ import annotations

import numpy as np

from hilum.synth.devices.devices import add_device
from hilum.synth.disease.pathology import add_finding, fit_heart, prepare_build
from hilum.synth.imaging.film import display, expose, finish
from hilum.synth.imaging.projection import project_tubes, project_volume
from hilum.synth.thorax.space import Array, Beam, Grid
from hilum.synth.thorax.thorax import make_thorax
from hilum.synth.thorax.trees import Tube
from hilum.synth.thorax.volume import Thorax
from hilum.synth.truth import find_truth
from hilum.synth.types import Imaging, PhantomImage, PhantomSpec
from hilum.types import Orientation, Radiograph, Spacing, SpacingOrigin, View

__all__ = ["beam_of", "grid_of", "integrate", "render"]

CORTEX_MM = 0.85
MARROW = 0.84
"""Share of a rib's inside that is not cortical bone."""
VESSEL_EXCESS = 0.78
"""Density of blood beyond that of the lung it displaces."""


def render(spec: PhantomSpec, *, pixels: tuple[int, int] = (512, 512)) -> PhantomImage:
    """Make the radiograph of a spec and everything that is true of it.

    Args:
        spec: Who, what, how; equal specs give equal images.
        pixels: Columns and rows of the detector.
    """
    grid, beam = grid_of(spec.imaging), beam_of(spec.imaging, pixels)
    build = prepare_build(spec.build, spec.findings)
    if spec.imaging.view is not View.LATERAL:
        build = fit_heart(build, grid, beam)
    thorax = make_thorax(build, grid)
    findings = [add_finding(thorax, finding) for finding in spec.findings]
    devices = [add_device(thorax, device) for device in spec.devices]
    thickness = integrate(thorax, beam)
    rng = np.random.default_rng([spec.imaging.seed, spec.build.texture])
    grey = display(expose(thickness, beam, spec.imaging, rng), spec.imaging)
    grey = finish(grey, spec.imaging)
    truth = find_truth(thorax, beam, spec.imaging.view, findings=findings, devices=devices)
    width, height = pixels
    down, across = beam.pixel_mm[1], beam.pixel_mm[0]
    radiograph = Radiograph(
        grey,
        "phantom",
        Orientation(height, width, 0),
        view=spec.imaging.view,
        spacing=Spacing(down, across, SpacingOrigin.DETECTOR),
    )
    return PhantomImage(spec, radiograph, truth, thickness)


def grid_of(imaging: Imaging) -> Grid:
    """The grid that suits a view: lateral views look along the body's width."""
    if imaging.view is View.LATERAL:
        return Grid(across_mm=180.0, depth_mm=230.0, depth_step_mm=4.0, yaw=90.0 + imaging.yaw)
    return Grid(yaw=imaging.yaw)


def beam_of(imaging: Imaging, pixels: tuple[int, int]) -> Beam:
    """The beam of an imaging; a lateral film has the patient's left side at the detector."""
    return Beam(
        source_mm=imaging.source_mm,
        axis_mm=imaging.detector_mm + (70.0 if imaging.view is View.LATERAL else 0.0),
        from_back=imaging.view is not View.AP,
        centre_mm=imaging.centre_mm,
        field_mm=imaging.field_mm,
        pixels=pixels,
    )


def integrate(thorax: Thorax, beam: Beam) -> dict[str, Array]:
    """Millimetres of water, cortical bone and metal on every ray, ``(rows, columns)`` each.

    A tube's name says what it is made of: ``vessels`` displace lung, ``metal_`` and
    ``plastic_`` are devices, all else is bone.
    """
    grid = thorax.grid
    water = project_volume(thorax.soft, grid, beam)
    bone = project_volume(thorax.bone, grid, beam)
    metal = np.zeros_like(water)
    for name, tubes in thorax.tubes.items():
        if name.endswith("vessels"):
            project_tubes(tubes, grid, beam, out=water, weight=VESSEL_EXCESS, is_tree=True)
        elif name.startswith("metal_"):
            project_tubes(tubes, grid, beam, out=metal)
        elif name.startswith("plastic_"):
            project_tubes(tubes, grid, beam, out=water)
        elif name != "aorta":
            marrow = [Tube(t.axis, np.maximum(t.radius - CORTEX_MM, 0.2)) for t in tubes]
            project_tubes(tubes, grid, beam, out=bone, weight=thorax.build.bone)
            project_tubes(marrow, grid, beam, out=bone, weight=-MARROW * thorax.build.bone)
    return {"water": np.maximum(water, 0.0), "bone": np.maximum(bone, 0.0), "metal": metal}
