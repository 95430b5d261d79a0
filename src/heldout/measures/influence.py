"""Influence of a training example on a test example (Feldman & Zhang 2020), from the same subset models.

infl(i, j) = E[s_r(j) | r saw i] - E[s_r(j) | r did not], i over n training rows, j over m test rows: two matrix products.
Centred within each training fraction, so that larger subsets do not pass for influence. With R models the standard
error of one entry is about 2 sd(s(j)) / sqrt(R); entries below three of them are noise, and with n * m entries so are
many above: use the ranking, not single values.

>>> import numpy as np
>>> masks = np.array([[1, 0], [0, 1], [1, 0], [0, 1]], dtype=bool)
>>> influence(np.array([[1.0], [0.0], [1.0], [0.0]]), masks, np.full(4, 0.5)).tolist()
[[1.0], [-1.0]]
"""

from __future__ import annotations

import numpy as np


def influence(test_scores: np.ndarray, masks: np.ndarray, fraction: np.ndarray) -> np.ndarray:
    """infl [n m] from test scores [r m], masks [r n], fraction [r]. Rows never left out (or in) are NaN."""
    n, m = masks.shape[1], test_scores.shape[1]
    top, weight = np.zeros((n, m)), np.zeros((n, 1))
    for f in np.unique(np.round(fraction, 6)):
        rows = np.isclose(fraction, f)
        seen, s = masks[rows].astype(np.float64), test_scores[rows] - test_scores[rows].mean(0)
        k_in = seen.sum(0)[:, None]
        k_out = len(seen) - k_in
        w = k_in * k_out / np.maximum(k_in + k_out, 1)
        inside = seen.T @ s / np.maximum(k_in, 1)
        outside = (1 - seen).T @ s / np.maximum(k_out, 1)
        top += w * (inside - outside)
        weight += w
    return np.where(weight > 0, top / np.maximum(weight, 1e-12), np.nan)


def strongest(
    test_scores: np.ndarray, masks: np.ndarray, fraction: np.ndarray, per_test: int = 3
) -> tuple[np.ndarray, np.ndarray]:
    """For each test row j the `per_test` training rows of largest |infl(i, j)|: (rows [m k], values [m k]); chunked."""
    m = test_scores.shape[1]
    rows, values = np.empty((m, per_test), dtype=np.int64), np.empty((m, per_test))
    step = max(1, int(4e6) // max(masks.shape[1], 1))
    for start in range(0, m, step):
        block = influence(test_scores[:, start : start + step], masks, fraction)
        size = np.nan_to_num(np.abs(block))
        top = np.argsort(-size, axis=0)[:per_test].T
        rows[start : start + step] = top
        values[start : start + step] = np.take_along_axis(block.T, top, axis=1)
    return rows, values
