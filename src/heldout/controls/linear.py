"""Logistic regression, or ridge regression, on standardized features.

>>> import numpy as np
>>> X = np.linspace(-1, 1, 40)[:, None]
>>> linear(X, 3 * X[:, 0], X, 3 * X[:, 0], "regression", 0.2, 0).scores_test.mean().item()
1.0
"""

from __future__ import annotations

import numpy as np

from heldout.controls.constant import constant
from heldout.controls.control_fit import ControlFit, fit_and_score, one_class

WIDE = 200
COST = 1e8  # rows x features x classes


def linear(
    X: np.ndarray,
    y: np.ndarray,
    X_test: np.ndarray,
    y_test: np.ndarray,
    task: str,
    tolerance: float | None,
    seed: int,
) -> ControlFit:
    """L2 penalty at scikit-learn's default strength (ten times that above 200 features), at most 200 iterations."""
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if one_class(y, task):
        return constant(X, y, X_test, y_test, task, tolerance, seed)
    wide = X.shape[1] > WIDE
    classes = len(np.unique(y)) if task == "classification" else 1
    if task == "classification":
        model = LogisticRegression(max_iter=200, C=0.1 if wide else 1.0)
    else:
        model = Ridge(10.0 if wide else 1.0)
    most = max(1000, int(COST / (X.shape[1] * classes)))
    pipeline = make_pipeline(StandardScaler(), model)
    return fit_and_score("linear", pipeline, X, y, X_test, y_test, task, tolerance, seed, most_rows=most)
