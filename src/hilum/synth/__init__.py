"""The phantom: chest radiographs made from scratch, with everything true of them known.

``sample_spec`` draws numbers, ``render`` turns them into a ``Radiograph`` by projecting a
parametric thorax through the physics of a film, with masks, landmarks, measurements, findings
and devices as its ``Truth``. ``write_report``, ``refer`` and ``ask`` put that truth into words,
``sample_context`` and ``sample_patient`` draw who comes and what becomes of them, ``compare``
tells what changed, ``simulate_gaze`` how a reader might look. No patient and no real radiograph
is behind any of it.

The way of a phantom through this package: ``types`` and ``sampling`` (the spec), ``thorax`` (the
healthy chest), ``disease`` and ``devices`` (what is inserted), ``imaging`` (projection and film),
``truth`` with ``outlines``, ``files``; ``study`` walks it up to the truth. ``facts``,
``evidence`` and ``changes`` put the truth into terms for ``language``, ``questions``,
``timeline`` and ``gaze``. ``ct`` films a real CT instead.
"""

from hilum.synth.changes import PhantomChange, compare
from hilum.synth.disease.pathology import known_findings
from hilum.synth.evidence import Evidence, mask_of
from hilum.synth.gaze import (
    Fixation,
    Outcome,
    SimulatedReader,
    gaze_map,
    simulate_gaze,
    simulate_reader,
)
from hilum.synth.language import (
    Claim,
    PhantomReport,
    PhantomSentence,
    ReferringPhrase,
    refer,
    report_styles,
    write_report,
)
from hilum.synth.questions import PhantomQuestion, ask
from hilum.synth.sampling import sample_spec
from hilum.synth.study import render
from hilum.synth.thorax.build import Build, sample_build
from hilum.synth.timeline import (
    PatientEvent,
    PatientStudy,
    PhantomContext,
    PhantomPatient,
    sample_context,
    sample_patient,
)
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
    "Claim",
    "DeviceSpec",
    "DeviceTruth",
    "Evidence",
    "FindingSpec",
    "FindingTruth",
    "Fixation",
    "Imaging",
    "Outcome",
    "PatientEvent",
    "PatientStudy",
    "PhantomChange",
    "PhantomContext",
    "PhantomImage",
    "PhantomPatient",
    "PhantomQuestion",
    "PhantomReport",
    "PhantomSentence",
    "PhantomSpec",
    "ReferringPhrase",
    "SimulatedReader",
    "Truth",
    "ask",
    "compare",
    "gaze_map",
    "known_findings",
    "mask_of",
    "refer",
    "render",
    "report_styles",
    "sample_build",
    "sample_context",
    "sample_patient",
    "sample_spec",
    "simulate_gaze",
    "simulate_reader",
    "write_report",
]
