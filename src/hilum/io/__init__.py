"""Input: the only place that decodes pixels, first on the main path.

``open_study`` turns files into a ``Study``; ``read_radiograph`` and ``iter_image_files``
serve batches, one image at a time.
"""

from hilum.io.reader import read_radiograph
from hilum.io.source import ImageSource
from hilum.io.study import open_study
from hilum.io.walk import iter_image_files

__all__ = ["ImageSource", "iter_image_files", "open_study", "read_radiograph"]
