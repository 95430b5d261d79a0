"""`ControlFit`: what every control returns, and the one way they are fitted and scored.

>>> import numpy as np
>>> right(np.array([1.0, 2.5]), np.array([1.4, 2.0]), "regression", 0.4).tolist()
[1.0, 0.0]
"""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from heldout.core.errors import InputError
from heldout.core.streams import stream


@dataclass(frozen=True)
class ControlFit:
    """A control fitted on train and scored on test.

    predictions_test [m]: labels or values. scores_test [m] and scores_train [f] in [0, 1], the latter on the rows that
    were fitted (a sample of them where predicting all would be dear). probabilities_test [m c]: over labels 0..c-1
    (c - 1 the largest label of both splits), None for values and for controls without probabilities. seconds: wall
    clock. note: what was thinned, reduced, or did not converge.
    """

    name: str
    predictions_test: np.ndarray
    scores_test: np.ndarray
    scores_train: np.ndarray
    probabilities_test: np.ndarray | None
    seconds: float
    note: str


def right(predicted: np.ndarray, y: np.ndarray, task: str, tolerance: float | None) -> np.ndarray:
    """Score [n]: equal label, or within the tolerance."""
    if task == "classification":
        return np.asarray(predicted == y, dtype=np.float64)
    if tolerance is None:
        raise InputError(
            "a value cannot be right or wrong without a tolerance", "declare tolerance= on the subject"
        )
    return np.asarray(np.abs(predicted - y) <= tolerance * (1 + 1e-12), dtype=np.float64)


def fit_and_score(
    name: str,
    estimator: Any,
    X: np.ndarray,
    y: np.ndarray,
    X_test: np.ndarray,
    y_test: np.ndarray,
    task: str,
    tolerance: float | None,
    seed: int,
    note: str = "",
    most_rows: int | None = None,
    most_scored: int = 20_000,
) -> ControlFit:
    """Fit a scikit-learn estimator with one BLAS thread on at most `most_rows` training rows [n d], and score it."""
    from threadpoolctl import threadpool_limits

    start = time.perf_counter()
    notes = [note] if note else []
    if most_rows is not None and most_rows < len(y):
        notes.append(f"fitted on {most_rows:,} of {len(y):,} rows")
        kept = _thinned(y, most_rows, task, seed)
        X, y = X[kept], y[kept]
    scored = np.arange(len(y))
    if most_scored < len(y):
        scored = np.sort(stream(seed, "scored rows").choice(len(y), most_scored, replace=False))
    with warnings.catch_warnings(record=True) as caught, threadpool_limits(1):
        warnings.simplefilter("always")
        with np.errstate(all="ignore"):
            estimator.fit(X, y)
            probability = _probabilities(estimator, X_test, int(max(y.max(), y_test.max())) + 1, task)
            said = estimator.predict(X_test) if probability is None else probability.argmax(1)
            on_train = estimator.predict(X[scored])
    if any("converge" in str(w.message).lower() for w in caught):
        notes.append("stopped before it converged")
    said, on_train = (np.nan_to_num(np.asarray(part).reshape(-1)) for part in (said, on_train))
    return ControlFit(
        name,
        said,
        right(said, y_test, task, tolerance),
        right(on_train, y[scored], task, tolerance),
        probability,
        time.perf_counter() - start,
        "; ".join(notes),
    )


def one_class(y: np.ndarray, task: str) -> bool:
    """Whether a classifier would refuse these labels."""
    return task == "classification" and bool((y == y[0]).all())


def _thinned(y: np.ndarray, rows: int, task: str, seed: int) -> np.ndarray:
    """`rows` rows at random, and for classes at least one row of each."""
    rng = stream(seed, "control rows")
    kept = rng.choice(len(y), rows, replace=False)
    if task == "classification":
        kept = np.union1d(kept, np.unique(y, return_index=True)[1])
    return np.sort(kept)


def _probabilities(estimator: Any, X: np.ndarray, c: int, task: str) -> np.ndarray | None:
    if task != "classification" or not hasattr(estimator, "predict_proba"):
        return None
    found = np.nan_to_num(np.asarray(estimator.predict_proba(X), dtype=np.float64))
    full = np.zeros((len(X), c))
    full[:, np.asarray(estimator.classes_).astype(np.int64)] = found
    return full
