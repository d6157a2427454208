"""The phantom: chest radiographs made from scratch, with everything true of them known.

``sample_spec`` draws numbers, ``render`` turns them into a ``Radiograph`` by projecting a
parametric thorax through the physics of a film, with masks, landmarks, measurements, findings
and devices as its ``Truth``. No patient and no real radiograph is behind any of it.
"""

from hilum.synth.build import Build, sample_build
from hilum.synth.pathology import known_findings
from hilum.synth.sampling import sample_spec
from hilum.synth.study import render
from hilum.synth.types import (
    DeviceSpec,
    DeviceTruth,
    FindingSpec,
    FindingTruth,
    Imaging,
    PhantomImage,
    PhantomSpec,
    Truth,
)

__all__ = [
    "Build",
    "DeviceSpec",
    "DeviceTruth",
    "FindingSpec",
    "FindingTruth",
    "Imaging",
    "PhantomImage",
    "PhantomSpec",
    "Truth",
    "known_findings",
    "render",
    "sample_build",
    "sample_spec",
]
