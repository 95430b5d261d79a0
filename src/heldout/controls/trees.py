"""Boosted trees on histograms (scikit-learn), with few iterations: a strong table learner at a bounded price.

>>> import numpy as np
>>> X = np.linspace(0, 1, 200)[:, None]
>>> y = (X[:, 0] > 0.5).astype(int)
>>> trees(X, y, X, y, "classification", None, 0).scores_test.mean().item()
1.0
"""

from __future__ import annotations

from typing import Any

import numpy as np

from heldout.controls.constant import constant
from heldout.controls.control_fit import ControlFit, fit_and_score, one_class

WIDE, AXES, TELLING = 200, 50, 50
COST = 3e8  # rows x features x trees


def trees(
    X: np.ndarray,
    y: np.ndarray,
    X_test: np.ndarray,
    y_test: np.ndarray,
    task: str,
    tolerance: float | None,
    seed: int,
) -> ControlFit:
    """At most 100 rounds of trees with 15 leaves (300 trees over all classes, but 10 rounds at least).

    Above 200 features the trees see 50 principal components beside the 50 features that separate the labels best: the
    former alone would lose a single telling feature, the latter alone the shape of a picture.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.pipeline import make_pipeline

    if one_class(y, task):
        return constant(X, y, X_test, y_test, task, tolerance, seed)
    classes = len(np.unique(y)) if task == "classification" else 1
    per_round = classes if classes > 2 else 1
    rounds = int(np.clip(300 // per_round, 10, 100))
    options: dict[str, Any] = {
        "max_iter": rounds,
        "max_leaf_nodes": 15,
        "learning_rate": 0.15 if rounds > 20 else 0.4,
        "min_samples_leaf": int(np.clip(len(y) // (20 * per_round), 2, 20)),
        "early_stopping": False,
        "random_state": seed % 2**32,
    }
    kind = HistGradientBoostingClassifier if task == "classification" else HistGradientBoostingRegressor
    wide = X.shape[1] > WIDE and len(y) > AXES
    steps = [_narrowed(task, seed)] if wide else []
    note = f"{rounds} rounds" + (
        f" on {AXES} principal components and the {TELLING} best features" if wide else ""
    )
    width = AXES + TELLING if wide else X.shape[1]
    most = max(2000, int(COST / (width * rounds * per_round)))
    pipeline = make_pipeline(*steps, kind(**options))
    return fit_and_score(
        "boosted trees", pipeline, X, y, X_test, y_test, task, tolerance, seed, note, most_rows=most
    )


def _narrowed(task: str, seed: int) -> Any:
    from sklearn.decomposition import PCA
    from sklearn.feature_selection import SelectKBest, f_classif, f_regression
    from sklearn.pipeline import make_union

    telling = SelectKBest(f_classif if task == "classification" else f_regression, k=TELLING)
    return make_union(PCA(AXES, random_state=seed % 2**32), telling)
