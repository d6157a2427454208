"""Insert devices into a thorax: tubes, lines, generators, wires, each with its true tip."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hilum.synth.devices.device_hardware import (
    place_clips,
    place_ecg_leads,
    place_generator,
    place_rods,
    place_sternotomy,
    place_valve,
)
from hilum.synth.devices.device_paths import JUNCTION_MM, Paths
from hilum.synth.devices.device_shapes import Pieces, known_devices, make_of
from hilum.synth.thorax.space import Array, Vector
from hilum.synth.thorax.trees import Tube
from hilum.synth.thorax.volume import Thorax
from hilum.synth.types import DevicePart, DeviceSpec

__all__ = ["add_device", "known_devices"]

Placed = tuple[Pieces, Vector, str]
Place = Callable[[Paths, DeviceSpec, np.random.Generator], Placed]
MEASURED_FROM_CARINA = (
    "endotracheal_tube",
    "tracheostomy_tube",
    "central_venous_line",
    "picc",
    "port_catheter",
    "dialysis_catheter",
)


def add_device(thorax: Thorax, spec: DeviceSpec) -> DevicePart:
    """Insert a device; its tubes join those of the thorax as ``metal_`` and ``plastic_``.

    Args:
        thorax: Changed in place.
        spec: An empty side means the usual one; ``is_correct`` False misplaces the tip.

    Raises:
        InvalidValueError: If no device of that name can be inserted.
    """
    make_of(spec.name)
    rng = np.random.default_rng([spec.seed, 97])
    paths = Paths(thorax)
    pieces, tip, place = PLACES[spec.name](paths, spec, rng)
    for material, tubes in (("metal", pieces.metal), ("plastic", pieces.plastic)):
        if tubes:
            thorax.tubes.setdefault(f"{material}_{spec.name}", []).extend(tubes)
    above = None
    if spec.name in MEASURED_FROM_CARINA:
        above = float(paths.carina[2]) - tip[2]
    return DevicePart(spec, (*pieces.plastic, *pieces.metal), tip, place, above)


def _sign(spec: DeviceSpec, usual: str) -> float:
    side = spec.side if spec.side in ("left", "right") else usual
    return 1.0 if side == "left" else -1.0


def _end(axis: Array) -> Vector:
    return float(axis[-1, 0]), float(axis[-1, 1]), float(axis[-1, 2])


def _line(paths: Paths, spec: DeviceSpec, knots: list[Vector]) -> tuple[Pieces, Vector]:
    axis, pieces = paths.curve(knots, 48), Pieces()
    pieces.add_line(axis, make_of(spec.name))
    return pieces, _end(axis)


def _endotracheal(paths: Paths, spec: DeviceSpec, rng: np.random.Generator) -> Placed:
    trachea, carina = paths.airways["trachea"], paths.carina
    place = "trachea"
    if not spec.is_correct and rng.random() < 0.6:
        bronchus = paths.airways["right_main_bronchus"]
        axis = np.concatenate([trachea, bronchus[:1] + 0.65 * (bronchus[2:] - bronchus[:1])])
        place = "main_bronchus"
    else:
        above = rng.uniform(32, 48) if spec.is_correct else rng.uniform(68, 84)
        axis = _until(trachea, float(carina[2]) - float(above) * paths.k)
    pieces = Pieces()
    pieces.add_line(axis, make_of(spec.name))
    return pieces, _end(axis), place


def _until(axis: Array, z: float) -> Array:
    """The part of a downward curve above ``z``, ending there."""
    end = np.array([[np.interp(z, axis[:, 2], axis[:, c]) for c in (0, 1)] + [z]])
    return np.concatenate([axis[axis[:, 2] < z - 0.5], end]).astype(np.float32)


def _tracheostomy(paths: Paths, spec: DeviceSpec, rng: np.random.Generator) -> Placed:
    above = float(rng.uniform(45, 60)) if spec.is_correct else float(rng.uniform(8, 16))
    trachea, z = paths.airways["trachea"], float(paths.carina[2]) - above * paths.k
    inside = _until(trachea, z)
    start = paths.at(0, -0.55, -34)
    knots = [start, paths.at(0, -0.25, -32)]
    knots += [(float(p[0]), float(p[1]), float(p[2])) for p in inside[inside[:, 2] > -14 * paths.k]]
    axis, pieces = paths.curve(knots, 32), Pieces()
    pieces.add_line(axis, make_of(spec.name))
    wing = np.array([(start[0] - 24, start[1], start[2]), (start[0] + 24, start[1], start[2])])
    pieces.plastic.append(Tube(wing.astype(np.float32), np.full(2, 2.5, np.float32)))
    return pieces, _end(axis), "trachea"


def _nasogastric(paths: Paths, spec: DeviceSpec, rng: np.random.Generator) -> Placed:
    gullet = paths.gullet()
    if spec.is_correct:
        pieces, tip = _line(paths, spec, gullet + paths.stomach())
        return pieces, tip, "stomach"
    kind = int(rng.integers(3))
    if kind == 0:
        pieces, tip = _line(paths, spec, [*gullet[:4], paths.below_carina(6, 0.38, 62)])
        return pieces, tip, "esophagus"
    if kind == 1:  # it doubles back in the gullet
        back = [paths.below_carina(-3, 0.34, 46), paths.below_carina(-1, 0.33, -20)]
        knots = [*gullet[:4], paths.below_carina(3, 0.4, 66), *back]
        pieces, tip = _line(paths, spec, knots)
        return pieces, tip, "esophagus"
    trachea, bronchus = paths.airways["trachea"], paths.airways["right_main_bronchus"]
    beyond = bronchus[-1] + 1.6 * (bronchus[-1] - bronchus[0])
    axis, pieces = np.concatenate([trachea, bronchus[1:], beyond[None]]), Pieces()
    pieces.add_line(axis.astype(np.float32), make_of(spec.name))
    return pieces, _end(axis), "bronchus"


def _chest_tube(paths: Paths, spec: DeviceSpec, rng: np.random.Generator) -> Placed:
    thorax, k, sign = paths.thorax, paths.k, _sign(spec, "right")
    z = float(rng.uniform(0.62, 0.75)) * thorax.build.dome
    wall = float(thorax.cage.half_width(z))
    skin = wall + thorax.build.wall
    low = (sign * (skin + 25 * k), -10 * k, z + 26 * k)
    entry = (sign * (wall - 4 * k), -6 * k, z)
    if spec.is_correct:
        up = float(rng.uniform(0.16, 0.34)) * thorax.build.dome
        inner = float(thorax.cage.half_width(up)) - 9 * k
        middle = (sign * (float(thorax.cage.half_width((z + up) / 2)) - 8 * k), 8 * k, (z + up) / 2)
        end, place = (sign * inner, 12 * k, up), "pleural_space"
        knots = [low, entry, middle, end]
    else:  # it slides up between the ribs and the skin
        out = (sign * (wall + 0.55 * thorax.build.wall), 0.0, z + 4 * k)
        up = 0.3 * thorax.build.dome
        aside = float(thorax.cage.half_width(up)) + 0.6 * thorax.build.wall
        end, place = (sign * aside, 0.0, up), "chest_wall"
        knots = [low, out, end]
    axis, pieces = paths.curve(knots, 40), Pieces()
    pieces.add_line(axis, make_of(spec.name), gap=(0.70, 0.745))
    return pieces, _end(axis), place


def _central_line(paths: Paths, spec: DeviceSpec, rng: np.random.Generator) -> Placed:
    """A line in an upper vein: its tip above the atrium, or where it should not be."""
    sign = _sign(spec, "right")
    if spec.name == "picc":
        start = paths.arm(sign)
    elif spec.name == "port_catheter" or (
        spec.name == "central_venous_line" and rng.random() < 0.4
    ):
        start = paths.subclavian(sign)
    else:
        start = paths.jugular(sign)
    knots, place = _venous_end(paths, start, sign, spec, rng)
    pieces, tip = _line(paths, spec, knots)
    if spec.name == "port_catheter":
        x, y, z = knots[0]
        home = (x + sign * 6 * paths.k, -paths.thorax.cage.half[1] - 6 * paths.k, z + 26 * paths.k)
        pieces.add_ring(home, 11.0 * paths.k, 0.9)
        pieces.add_ring(home, 5.5 * paths.k, 0.7)
        lead = paths.curve([home, (x, (y + home[1]) / 2, z + 8 * paths.k), knots[0]], 10)
        pieces.add_line(lead, make_of(spec.name))
    return pieces, tip, place


def _venous_end(
    paths: Paths, start: list[Vector], sign: float, spec: DeviceSpec, rng: np.random.Generator
) -> tuple[list[Vector], str]:
    if spec.is_correct:
        if spec.name == "dialysis_catheter":
            down = JUNCTION_MM + float(rng.uniform(2, 14))
            return [*start, *paths.superior_vena_cava(down)], "cavoatrial_junction"
        down = float(rng.uniform(12, JUNCTION_MM - 6))
        return [*start, *paths.superior_vena_cava(down)], "superior_vena_cava"
    if rng.random() < 0.45:
        down = float(rng.uniform(68, 88))
        return [*start, *paths.superior_vena_cava(down)], "right_atrium"
    own = 2 if sign > 0 else 0  # knots of the crossing vein that a stray tip never reaches
    if start[0][2] > 0:  # it came from below the collarbone and turns up the neck
        before = start[: len(start) - own - 1]
        up = [paths.at(sign * 31, -0.12, -8), paths.at(sign * 37, 0.0, -26)]
        return [*before, *up], "internal_jugular_vein"
    out = [paths.at(-sign * 30, -0.26, 14), paths.at(-sign * 72, -0.42, 20)]
    bridge = [paths.at(0, -0.26, 26)]
    return [*start[: len(start) - own], *bridge, *out], "subclavian_vein"


def _pulmonary_catheter(paths: Paths, spec: DeviceSpec, rng: np.random.Generator) -> Placed:
    heart, start = paths.heart(), paths.jugular(_sign(spec, "right"))
    way = [*paths.superior_vena_cava(JUNCTION_MM), heart["right_atrium"], heart["inflow"]]
    if not spec.is_correct:
        pieces, tip = _line(paths, spec, [*start, *way, heart["mid_ventricle"]])
        return pieces, tip, "right_ventricle"
    up = [heart["mid_ventricle"], heart["outflow"], paths.below_carina(8, -0.1, 14)]
    end = [paths.below_carina(-20, 0.02, 14), paths.below_carina(-44 - rng.uniform(0, 8), 0.04, 22)]
    pieces, tip = _line(paths, spec, [*start, *way, *up, *end])
    return pieces, tip, "pulmonary_artery"


PLACES: dict[str, Place] = {
    "endotracheal_tube": _endotracheal,
    "tracheostomy_tube": _tracheostomy,
    "nasogastric_tube": _nasogastric,
    "chest_tube": _chest_tube,
    "central_venous_line": _central_line,
    "picc": _central_line,
    "port_catheter": _central_line,
    "dialysis_catheter": _central_line,
    "pulmonary_artery_catheter": _pulmonary_catheter,
    "pacemaker": place_generator,
    "icd": place_generator,
    "sternotomy_wires": place_sternotomy,
    "surgical_clips": place_clips,
    "prosthetic_valve": place_valve,
    "ecg_leads": place_ecg_leads,
    "spinal_hardware": place_rods,
}
