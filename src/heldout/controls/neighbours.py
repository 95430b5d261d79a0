"""k nearest neighbours on standardized features: the literal memorizer at k = 1.

>>> import numpy as np
>>> X, y = np.array([[0.0], [1.0], [10.0], [11.0]]), np.array([0, 0, 1, 1])
>>> neighbours(X, y, np.array([[9.0]]), np.array([1]), "classification", None, 0, k=1).scores_test.tolist()
[1.0]
"""

from __future__ import annotations

import numpy as np

from heldout.controls.control_fit import ControlFit, fit_and_score

WIDE = 200  # pictures keep their pixels' common scale; columns of a table have none
COST = 1e11  # (test + scored rows) x fitted rows x features: a few seconds on one thread


def neighbours(
    X: np.ndarray,
    y: np.ndarray,
    X_test: np.ndarray,
    y_test: np.ndarray,
    task: str,
    tolerance: float | None,
    seed: int,
    k: int = 1,
) -> ControlFit:
    """k-NN (fewer neighbours where there are fewer rows), Euclidean; each feature standardized up to 200 features.

    Classes by vote, values by mean. For 1-NN the training score is 1 but for twins with conflicting labels.
    """
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    k = min(k, len(y))
    options = {"algorithm": "brute" if X.shape[1] > 12 else "auto"}
    model = (
        KNeighborsClassifier(k, **options) if task == "classification" else KNeighborsRegressor(k, **options)
    )
    steps = [model] if X.shape[1] > WIDE else [StandardScaler(), model]
    scored = min(len(y), 4000)
    most = max(1000, int(COST / ((len(y_test) + scored) * X.shape[1])))
    return fit_and_score(
        f"{k}-NN",
        make_pipeline(*steps),
        np.asarray(X, dtype=np.float32) if X.shape[1] > WIDE else X,
        y,
        np.asarray(X_test, dtype=np.float32) if X.shape[1] > WIDE else X_test,
        y_test,
        task,
        tolerance,
        seed,
        most_rows=most,
        most_scored=scored,
    )
