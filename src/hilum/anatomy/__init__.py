"""Anatomy of a frontal chest radiograph: masks, landmarks, zones and measurements.

``segment`` is the room's entry on the main path; ``analyse`` does the same from probability
maps that are already there; ``segment_simulated`` and ``find_devices``
add what was learned from phantoms.
Everything else is a pure function on arrays.
"""

from hilum.anatomy.devices import find_devices
from hilum.anatomy.segmentation import analyse, segment
from hilum.anatomy.simulated import segment_simulated

__all__ = ["analyse", "find_devices", "segment", "segment_simulated"]
