"""Quality: is it a readable frontal chest radiograph, upright, whole and well exposed?"""

from hilum.quality.anatomy_checks import recheck
from hilum.quality.gate import assess
from hilum.quality.issues import issue_table

__all__ = ["assess", "issue_table", "recheck"]
