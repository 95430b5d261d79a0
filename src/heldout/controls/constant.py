"""The trivial predictor: the most frequent class, or the value with most training labels within the tolerance.

>>> import numpy as np
>>> fit = constant(np.zeros((3, 1)), np.array([1, 1, 0]), np.zeros((2, 1)), np.array([1, 0]), "classification", None, 0)
>>> fit.predictions_test.tolist(), fit.scores_test.tolist(), fit.probabilities_test[0].round(2).tolist()
([1, 1], [1.0, 0.0], [0.33, 0.67])
"""

from __future__ import annotations

import numpy as np

from heldout.controls.control_fit import ControlFit, right


def constant(
    X: np.ndarray,
    y: np.ndarray,
    X_test: np.ndarray,
    y_test: np.ndarray,
    task: str,
    tolerance: float | None,
    seed: int,
) -> ControlFit:
    """One answer for every row; X [n d] is not looked at. Of a tie the smallest class, or the lowest window.

    Its probabilities are the shares of the training labels. The note gives the median's score for values, since the
    centre of the fullest window of width 2 `tolerance` can lie far from it.
    """
    probability, note = None, ""
    if task == "classification":
        counts = np.bincount(y.astype(np.int64), minlength=int(max(y.max(), y_test.max())) + 1)
        answer = float(counts.argmax())
        probability = np.tile(counts / counts.sum(), (len(y_test), 1))
    else:
        answer = fullest_window(y, tolerance)
        median = right(np.full(len(y_test), np.median(y)), y_test, task, tolerance).mean()
        note = f"says {answer:.4g}; the median {np.median(y):.4g} scores {median:.3f}"
    said = np.full(len(y_test), answer)
    if task == "classification":
        said = said.astype(np.int64)
    on_test, on_train = (
        right(said, y_test, task, tolerance),
        right(np.full(len(y), answer), y, task, tolerance),
    )
    return ControlFit("constant", said, on_test, on_train, probability, 0.0, note)


def fullest_window(y: np.ndarray, tolerance: float | None) -> float:
    """Centre of the window of width 2 `tolerance` that holds most of y [n]."""
    ordered = np.sort(np.asarray(y, dtype=np.float64))
    width = 2 * float(tolerance or 0.0)
    ends = np.searchsorted(ordered, ordered + width * (1 + 1e-12), side="right")
    best = int((ends - np.arange(len(ordered))).argmax())
    return float((ordered[best] + ordered[ends[best] - 1]) / 2)
