"""Support vectors with a Gaussian kernel, on standardized features; at most 4,000 rows are fitted.

>>> import numpy as np
>>> X = np.linspace(-2, 2, 80)[:, None]
>>> y = (np.abs(X[:, 0]) < 1).astype(int)
>>> kernel_svm(X, y, X, y, "classification", None, 0).scores_test.mean().item() > 0.95
True
"""

from __future__ import annotations

import numpy as np

from heldout.controls.constant import constant
from heldout.controls.control_fit import ControlFit, fit_and_score, one_class

MOST_ROWS = 4000
WIDE, AXES = 200, 50


def kernel_svm(
    X: np.ndarray,
    y: np.ndarray,
    X_test: np.ndarray,
    y_test: np.ndarray,
    task: str,
    tolerance: float | None,
    seed: int,
) -> ControlFit:
    """SVC with C = 1, or SVR with C = sd(y); gamma = 1 / (d var). Above 200 features C = 10 on 50 principal axes."""
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC, SVR

    if one_class(y, task):
        return constant(X, y, X_test, y_test, task, tolerance, seed)
    wide = X.shape[1] > WIDE and min(len(y), MOST_ROWS) > AXES
    if task == "classification":
        model = SVC(C=10.0 if wide else 1.0)
    else:
        spread = float(y.std()) or 1.0
        model = SVR(C=spread, epsilon=0.1 * spread)
    steps = [PCA(AXES, random_state=seed % 2**32)] if wide else [StandardScaler()]
    note = f"on {AXES} principal components" if wide else ""
    pipeline = make_pipeline(*steps, model)
    return fit_and_score(
        "kernel SVM", pipeline, X, y, X_test, y_test, task, tolerance, seed, note, most_rows=MOST_ROWS
    )
