"""Anatomy of a frontal chest radiograph: masks, landmarks, zones and measurements.

``segment`` is the room's entry on the main path; ``analyse`` does the same from probability
maps that are already there. Everything else is a pure function on arrays.
"""

from hilum.anatomy.segmentation import analyse, segment

__all__ = ["analyse", "segment"]
