"""Who is on the phantom's table: the numbers that shape a thorax, and how they vary.

Sampling is separate from making: a ``Build`` is plain numbers, two equal ones give equal
thoraces. Typical sizes and their spread follow textbook anthropometry of adults (inner chest
width about 28 cm, lung height about 24 cm, trachea 18 mm, tracheal bifurcation 60 to 70
degrees) and scale with body height for children.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hilum.errors import require

__all__ = ["Build", "sample_build"]


@dataclass(frozen=True, slots=True)
class Build:
    """The shape of one healthy thorax, in millimetres and degrees.

    ``width``, ``depth`` and ``height`` are the inner chest's greatest width and depth and the
    distance from the lung apices to the right dome at full inspiration; ``inspiration`` in
    [0, 1] lifts the domes. ``wall`` is the thickness of muscle and fat, ``fat`` its fat share.
    ``heart_ratio`` is the wished cardiothoracic ratio as projected. ``scoliosis`` is the
    greatest sideways deviation of the spine. ``breast`` is its half thickness. ``bone`` is
    mineral density relative to a healthy adult. ``texture`` seeds what is irregular: vessels,
    lung texture, bowel gas.

    Disease may bend the whole chest: ``heart_width`` scales the heart (0: from ``heart_ratio``
    by rule of thumb), ``shift`` moves the mediastinum to the patient's left, ``lift_right``
    and ``lift_left`` raise a dome (negative pushes it down), ``flat`` in [0, 1] flattens both.
    """

    sex: str = "M"
    age_years: float = 50.0
    width: float = 285.0
    depth: float = 165.0
    height: float = 235.0
    inspiration: float = 0.9
    wall: float = 24.0
    fat: float = 0.5
    heart_ratio: float = 0.45
    heart_tilt: float = 38.0
    carina_angle: float = 65.0
    kyphosis: float = 12.0
    scoliosis: float = 0.0
    breast: float = 0.0
    bone: float = 1.0
    aorta: float = 13.0
    arms_up: bool = False
    texture: int = 0
    heart_width: float = 0.0
    shift: float = 0.0
    lift_right: float = 0.0
    lift_left: float = 0.0
    flat: float = 0.0

    def __post_init__(self) -> None:
        require(self.sex in ("F", "M"), f"sex is F or M, got {self.sex!r}")
        require(0 <= self.age_years <= 120, f"age is 0 to 120 years, got {self.age_years}")
        require(0.0 <= self.inspiration <= 1.0, f"inspiration lies in [0, 1]: {self.inspiration}")
        require(0.3 <= self.heart_ratio <= 0.75, f"heart_ratio 0.3 to 0.75: {self.heart_ratio}")
        require(0.0 <= self.flat <= 1.0, f"flat lies in [0, 1], got {self.flat}")
        least = min(self.width, self.depth, self.height, self.wall)
        require(least > 0, "width, depth, height and wall are positive millimetres")

    @property
    def scale(self) -> float:
        """Size of the body relative to an adult of 285 mm chest width."""
        return self.width / 285.0

    @property
    def dome(self) -> float:
        """Depth below the apices of the right dome's top."""
        return self.height * (0.78 + 0.22 * self.inspiration)


def sample_build(rng: np.random.Generator, *, age_years: float | None = None) -> Build:
    """Draw a thorax; children get a smaller, rounder chest with a higher ratio."""
    age = float(rng.uniform(18, 92)) if age_years is None else age_years
    sex = "F" if rng.random() < 0.5 else "M"
    grown = float(np.interp(age, (0, 1, 5, 10, 15, 18), (0.42, 0.52, 0.66, 0.8, 0.93, 1.0)))
    size = grown * (0.94 if sex == "F" and age >= 15 else 1.0) * rng.normal(1.0, 0.045)
    is_adult = age >= 15
    old = max(0.0, age - 50.0) / 40.0
    usual = float(np.interp(age, (0, 3, 8), (0.55, 0.52, 0.46))) + 0.02 * old
    ratio = rng.normal(usual, 0.035)
    wall = max(8.0, rng.gamma(6.0, 4.5)) * (0.5 + 0.5 * grown)
    return Build(
        sex=sex,
        age_years=round(age, 1),
        width=285.0 * size * rng.normal(1.0, 0.03),
        depth=(165.0 if is_adult else 185.0) * size * rng.normal(1.0 + 0.1 * old, 0.06),
        height=235.0 * size * rng.normal(1.0, 0.06),
        inspiration=float(np.clip(rng.normal(0.8, 0.25), 0.0, 1.0)),
        wall=wall,
        fat=float(np.clip(rng.normal(0.5, 0.15), 0.1, 0.9)),
        heart_ratio=float(np.clip(ratio, 0.36, 0.6)),
        heart_tilt=float(rng.normal(38.0, 8.0)),
        carina_angle=float(np.clip(rng.normal(65.0, 9.0), 40.0, 95.0)),
        kyphosis=float(abs(rng.normal(10.0 + 14.0 * old, 6.0))) * grown,
        scoliosis=float(rng.normal(0.0, 3.0)),
        breast=float(rng.gamma(4.0, 6.0)) if sex == "F" and is_adult else 0.0,
        bone=float(np.clip(rng.normal(1.0 - 0.35 * old, 0.1), 0.4, 1.2)) * (0.6 + 0.4 * grown),
        aorta=(12.0 + 5.0 * old) * grown * rng.normal(1.0, 0.1),
        arms_up=bool(rng.random() < 0.2),
        texture=int(rng.integers(2**31)),
    )
