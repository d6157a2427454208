"""Metal that stays: generators with leads, wires, clips, valves, rods, and what lies on top."""

from __future__ import annotations

import numpy as np

from hilum.synth.devices.device_paths import Paths
from hilum.synth.devices.device_shapes import Pieces, make_of
from hilum.synth.thorax.skeleton import vertebra_heights
from hilum.synth.thorax.space import Vector
from hilum.synth.types import DeviceSpec

__all__ = [
    "place_clips",
    "place_ecg_leads",
    "place_generator",
    "place_rods",
    "place_sternotomy",
    "place_valve",
]

Placed = tuple[Pieces, Vector, str]


def place_generator(paths: Paths, spec: DeviceSpec, rng: np.random.Generator) -> Placed:
    """A pacemaker or defibrillator below the collarbone with leads to atrium and ventricle."""
    sign, k, make = -1.0 if spec.side == "right" else 1.0, paths.k, make_of(spec.name)
    is_icd = spec.name == "icd"
    thorax, heart, pieces = paths.thorax, paths.heart(), Pieces()
    front = -thorax.cage.half[1] - 0.3 * thorax.build.wall
    can: Vector = (sign * 102 * k, front, (62 + float(rng.uniform(-6, 8))) * k)
    pieces.add_can(can, ((30.0 if is_icd else 23.0) * k, (33.0 if is_icd else 21.0) * k), 3.0 * k)
    loop: Vector = (can[0] - sign * 6 * k, can[1], can[2] - (30 if is_icd else 24) * k)
    vein = paths.superior_vena_cava(30.0)
    start = [can, loop, *paths.subclavian(sign)[1:], *vein]
    end = [heart["entrance"], heart["right_atrium"], heart["inflow"]]
    if spec.is_correct:
        way, place = [*end, heart["mid_ventricle"], heart["right_ventricle"]], "right_ventricle"
    else:  # it slipped back
        way, place = end[:2], "right_atrium"
    ventricle = paths.curve(start + way, 70)
    pieces.add_line(ventricle, make)
    atrium = paths.curve([*start, heart["entrance"], heart["right_atrium"], heart["appendage"]], 60)
    if not is_icd:
        pieces.add_line(atrium + np.array([1.6, 0, 0.8], np.float32), make)
        pieces.add_wire(atrium[-2:], 1.1)
    pieces.add_wire(ventricle[-2:], 1.2)
    if is_icd:
        pieces.add_wire(ventricle[-16:-3], 1.5)
        pieces.add_wire(ventricle[26:36], 1.5)
    x, y, z = (float(c) for c in ventricle[-1])
    return pieces, (x, y, z), place


def place_sternotomy(paths: Paths, spec: DeviceSpec, rng: np.random.Generator) -> Placed:
    """Twisted loops of wire around the halves of the sternum."""
    k, cage, h = paths.k, paths.thorax.cage, paths.thorax.build.height
    pieces, turn = Pieces(), np.linspace(0, 2 * np.pi, 17)
    last = (0.0, 0.0, 0.0)
    for z in np.linspace(0.12, 0.62, int(rng.integers(5, 8))) * h:
        x, y = float(rng.normal(0.0, 1.2)) * k, -float(cage.half_depth(z)) - 4 * k
        wide, tall = float(rng.uniform(7, 10)) * k, float(rng.uniform(2.0, 3.4)) * k
        slant = float(rng.normal(0.0, 0.12))
        loop = np.stack([np.cos(turn) * wide, np.sin(turn) * 5 * k, np.sin(turn) * tall], 1)
        loop[:, 2] += slant * loop[:, 0]
        pieces.add_wire(np.array([x, y, z]) + loop, make_of(spec.name).metal)
        knot = np.array([(x, y - 5 * k, z + tall), (x + 2 * k, y - 5 * k, z + tall + 5 * k)])
        pieces.add_wire(knot, 1.5 * make_of(spec.name).metal)
        last = (x, y, float(z))
    return pieces, last, "sternum"


def place_clips(paths: Paths, spec: DeviceSpec, rng: np.random.Generator) -> Placed:
    """A scatter of short clips in an armpit, at a hilum or along the heart's left border."""
    k, sign = paths.k, -1.0 if spec.side == "right" else 1.0
    homes = [
        (paths.at(sign * 122, -0.25, 62), 16.0, "axilla"),
        (paths.below_carina(sign * 40, 0.05, 18), 10.0, "hilum"),
        (paths.below_carina(28, -0.6, 50), 24.0, "anterior_mediastinum"),
    ]
    home, spread, place = homes[int(rng.integers(len(homes)))]
    pieces = Pieces()
    for _ in range(int(rng.integers(4, 10))):
        centre = np.asarray(home) + rng.normal(0.0, spread * k, 3) * np.array([0.6, 0.4, 1.0])
        way = rng.normal(size=3)
        way *= 2.8 * k / np.linalg.norm(way)
        pieces.add_wire(np.stack([centre - way, centre + way]), make_of(spec.name).metal)
    return pieces, home, place


def place_valve(paths: Paths, spec: DeviceSpec, rng: np.random.Generator) -> Placed:
    """The ring of an artificial aortic or mitral valve with its struts."""
    name = "aortic_valve" if rng.random() < 0.6 else "mitral_valve"
    centre, k, metal = paths.heart()[name], paths.k, make_of(spec.name).metal
    radius = float(rng.uniform(10.5, 13.5)) * k
    tilt = float(rng.uniform(0.7, 1.1))
    pieces = Pieces()
    pieces.add_ring(centre, radius, metal, tilt=tilt)
    for turn in np.arange(3) * 2.1 + float(rng.uniform(0, 2)):
        foot = np.asarray(centre) + radius * np.array(
            [np.cos(turn), np.sin(turn) * np.sin(tilt), np.sin(turn) * np.cos(tilt)]
        )
        pieces.add_wire(np.stack([foot, foot + np.array([2.0, -4.0, -9.0]) * k]), 0.6 * metal)
    return pieces, centre, "cardiac_valve"


def place_ecg_leads(paths: Paths, spec: DeviceSpec, rng: np.random.Generator) -> Placed:
    """Electrodes on the skin with snaps, and their wires running off the film's foot or side."""
    thorax, k, make = paths.thorax, paths.k, make_of(spec.name)
    a, dome, pieces = thorax.cage.half[0], thorax.build.dome, Pieces()
    front = -thorax.cage.half[1] - thorax.build.wall - 4 * k
    exit_x = float(rng.choice([-1.0, 1.0])) * 0.5 * a
    spots = [(-0.72, 0.12), (0.72, 0.12), (0.05, 0.55), (-0.8, 1.0), (0.85, 1.0)]
    tip: Vector = (0.0, front, 0.0)
    for u, w in spots[: int(rng.integers(3, 6))]:
        spot = (u * a + rng.normal(0, 8), front, w * dome + rng.normal(0, 8))
        tip = (float(spot[0]), front, float(spot[2]))
        pieces.add_ring(tip, 2.2 * k, 1.6 * k)
        bend = ((tip[0] + exit_x) / 2 + float(rng.normal(0, 30)), front, tip[2] + 60 * k)
        off = (exit_x + float(rng.normal(0, 10)), front, 1.7 * dome)
        pieces.add_line(paths.curve([tip, bend, off], 30), make)
    return pieces, tip, "chest_wall"


def place_rods(paths: Paths, spec: DeviceSpec, rng: np.random.Generator) -> Placed:
    """Two rods behind the spine with screws through the pedicles."""
    thorax, k, make = paths.thorax, paths.k, make_of(spec.name)
    heights = vertebra_heights(thorax)
    low = int(rng.integers(3, 6))
    levels = heights[low : low + int(rng.integers(4, 8))]
    sx, sy = thorax.cage.spine(levels)
    pieces = Pieces()
    for side in (-1.0, 1.0):
        rod = np.stack([sx + side * 15 * k, sy + 32 * k, levels], 1)
        pieces.add_wire(rod, make.metal * k)
        for x, y, z in rod:
            tip = np.array([x - side * 5 * k, y - 40 * k, z])
            pieces.add_wire(np.stack([np.array([x, y, z]), tip]), 0.9 * make.metal * k)
    end = (float(sx[-1]), float(sy[-1]) + 32 * k, float(levels[-1]))
    return pieces, end, "thoracic_spine"
