"""Patients over time: what is asked, what happens, what is filmed."""

from hilum.synth.timeline.context import sample_context
from hilum.synth.timeline.context_types import PhantomContext
from hilum.synth.timeline.patient import sample_patient
from hilum.synth.timeline.types import PatientEvent, PatientStudy, PhantomPatient

__all__ = [
    "PatientEvent",
    "PatientStudy",
    "PhantomContext",
    "PhantomPatient",
    "sample_context",
    "sample_patient",
]
