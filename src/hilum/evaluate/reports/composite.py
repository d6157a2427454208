"""RadCliQ-v1 from its four original scores, with its published coefficients.

The composite is a linear model on standardised scores (Yu 2023, "Evaluating progress in
automatic chest X-ray radiology report generation", RadCliQ-v1). It means RadCliQ only when its
inputs are those scores: RadGraph F1, BERTScore, CheXbert vector similarity and BLEU-2.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hilum.errors import require

__all__ = ["radcliq_v1"]

Array = npt.NDArray[np.float64]

# order: RadGraph F1, BERTScore, CheXbert similarity, BLEU-2; the values of the public release
MEAN = np.array([0.53792312, 0.61757256, 0.76479421, 0.44738335])
SCALE = np.array([0.30282584, 0.22430938, 0.25394391, 0.29892717])
WEIGHTS = np.array([-3.77083683e-01, -3.70300100e-01, -2.52616218e-01, 4.31504841e-12])
INTERCEPT = 2.46655256e-10


def radcliq_v1(radgraph: Array, bertscore: Array, chexbert: Array, bleu2: Array) -> Array:
    """Predicted number of errors, standardised: lower is better, ``(units,)``.

    Args:
        radgraph: RadGraph F1 as the original repository combines entities and relations.
        bertscore: BERTScore F1 rescaled by its baseline.
        chexbert: Cosine of CheXbert embeddings.
        bleu2: Sentence BLEU-2.

    Raises:
        InvalidValueError: Lengths differ.
    """
    columns = [np.asarray(c, dtype=float) for c in (radgraph, bertscore, chexbert, bleu2)]
    require(len({c.shape for c in columns}) == 1, "the four scores are of one length")
    standard = (np.stack(columns, axis=1) - MEAN) / SCALE
    return np.asarray(standard @ WEIGHTS + INTERCEPT)
