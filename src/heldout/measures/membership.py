"""Membership leakage: can the audited model's training rows be told from fresh ones? (LiRA, Carlini et al. 2022.)

Offline LiRA: for each row, phi = log(p_y / (1 - p_y)) of the audited model against a Gaussian of the phi of refits that
did not see the row, lambda = (phi - mean_out) / sd_out. Members are the training rows, non-members the test rows (which
no refit saw). Report the true positive rate at a low false positive rate, no lower than 10 / non-members, not the area
alone. If train and test differ in distribution, the attack sees that difference as well: a high value is then not proof.

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> out = rng.normal(size=(20, 100))
>>> scores = lira(np.full(100, 6.0), out, np.ones((20, 100), dtype=bool))
>>> bool((scores > 2).all())
True
"""

from __future__ import annotations

import numpy as np


def lira(phi: np.ndarray, refits: np.ndarray, outside: np.ndarray, least: int = 4) -> np.ndarray:
    """Standardized excess [n] of the audited model's phi [n] over refits [r n] that did not see the row (outside [r n]).

    The variance of a row is pooled with that of all rows, as if by `least` further observations (few shadows); rows with
    fewer than 2 out-models are NaN.
    """
    k = outside.sum(0)
    mean = np.divide(np.where(outside, refits, 0).sum(0), k, out=np.full(k.shape, np.nan), where=k > 0)
    square = np.where(outside, (refits - np.nan_to_num(mean)) ** 2, 0).sum(0)
    pooled = square.sum() / max(float(np.maximum(k - 1, 0).sum()), 1.0)
    sd = np.sqrt((square + least * pooled) / np.maximum(k - 1 + least, 1))
    return np.where(k >= 2, (phi - mean) / np.maximum(sd, 1e-6), np.nan)
