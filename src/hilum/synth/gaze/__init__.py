"""Simulated readers: fixations after published statistics, and heat maps of them."""

from hilum.synth.gaze.maps import gaze_map
from hilum.synth.gaze.simulate import PATTERNS, simulate_gaze, simulate_reader
from hilum.synth.gaze.types import Fixation, Outcome, SimulatedReader

__all__ = [
    "PATTERNS",
    "Fixation",
    "Outcome",
    "SimulatedReader",
    "gaze_map",
    "simulate_gaze",
    "simulate_reader",
]
