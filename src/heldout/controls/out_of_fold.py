"""Out-of-fold margins of cheap models: how little a label agrees with models that did not see it.

For classes the margin is log p_y - log max_other p, where p is the mean over a k-NN, a short MLP and, on tables, a few
trees. For values it is minus the absolute residual over a local scale (the median residual of the 25 nearest training
rows). Every fold's models also score all test rows, so that training margins can be compared with margins of rows that
nobody trained on, model by model.

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> X = np.concatenate([rng.normal(-2, 1, (60, 2)), rng.normal(2, 1, (60, 2))])
>>> y = np.repeat([0, 1], 60)
>>> y[0] = 1
>>> margin, on_test, p = out_of_fold_margins(X, y, X, y, 2, np.arange(120) % 5, 0)
>>> int(margin.argmin()), on_test.shape, p.shape
(0, (5, 120), (120, 2))
"""

from __future__ import annotations

import warnings

import numpy as np

from heldout.core.errors import InputError

WIDE, AXES = 200, 50
NEIGHBOURS, LOCAL = 11, 25
FEW_CLASSES = 5  # boosting costs a tree a class and round; above, extremely randomized trees take its place
LEAST = 1e-6


def out_of_fold_margins(
    X: np.ndarray,
    y: np.ndarray,
    X_test: np.ndarray,
    y_test: np.ndarray,
    n_classes: int | None,
    fold: np.ndarray,
    seed: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """(margins [n], test margins [k m] by fold, out-of-fold probabilities [n c], or None for values).

    X [n d] and X_test [m d] finite, y [n] labels 0..c-1 (or values with n_classes=None), fold [n] ints 0..k-1, drawn by
    cluster and stratified by the caller. Features are standardized, or above 200 turned to 50 principal axes, without
    labels. Raises `InputError` where a fold would leave nothing to train on.
    """
    from threadpoolctl import threadpool_limits

    if n_classes == 1:
        raise InputError("there is one class only", "a margin compares a label with the others")
    folds = int(fold.max()) + 1
    if folds < 2 or int(np.bincount(fold).max()) == len(y):
        raise InputError("all rows are in one fold", "draw at least two folds")
    margin, on_test = np.full(len(y), np.nan), np.full((folds, len(y_test)), np.nan)
    probability = np.zeros((len(y), n_classes)) if n_classes else None
    table = X.shape[1] <= WIDE
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")  # a short MLP is meant not to converge
        X, X_test = _prepared(X, X_test, seed)
        for k in range(folds):
            inside, outside = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
            at, target = np.concatenate([X[outside], X_test]), np.concatenate([y[outside], y_test])
            if n_classes:
                p = _classes(X[inside], y[inside].astype(np.int64), at, n_classes, table, (seed + k) % 2**31)
                values = _margins(p, target.astype(np.int64))
                if probability is not None:
                    probability[outside] = p[: len(outside)]
            else:
                values = -_residuals(X[inside], y[inside], at, target, (seed + k) % 2**31)
            margin[outside], on_test[k] = values[: len(outside)], values[len(outside) :]
    return margin, on_test, probability


def _prepared(X: np.ndarray, X_test: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import StandardScaler

    if X.shape[1] <= WIDE or min(X.shape) <= AXES:
        scale = StandardScaler().fit(X)
        return scale.transform(X), scale.transform(X_test)
    turn = PCA(AXES, random_state=seed % 2**32).fit(X)
    axes, axes_test = turn.transform(X), turn.transform(X_test)
    unit = float(axes.std()) or 1.0
    return axes / unit, axes_test / unit


def _margins(p: np.ndarray, y: np.ndarray) -> np.ndarray:
    rows = np.arange(len(y))
    others = p.copy()
    others[rows, y] = 0
    return np.asarray(np.log(p[rows, y]) - np.log(others.max(1)))


def _classes(X: np.ndarray, y: np.ndarray, at: np.ndarray, c: int, table: bool, seed: int) -> np.ndarray:
    """Mean probabilities [m c] of the models, each at least 1e-6; a class that X lacks gets that least."""
    from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.neural_network import MLPClassifier

    known = np.unique(y)
    total = np.zeros((len(at), c))
    if len(known) == 1:
        total[:, known[0]] = 1.0
    else:
        k = min(NEIGHBOURS, len(y))
        votes = KNeighborsClassifier(k).fit(X, y).predict_proba(at)
        parts = [(votes * k + 0.5 / len(known)) / (k + 0.5)]
        epochs = int(np.clip(30_000 // len(y), 8, 60))
        batch = min(64, len(y))
        net = MLPClassifier(
            (64,), alpha=0.1, batch_size=batch, learning_rate_init=3e-3, max_iter=epochs, random_state=seed
        )
        parts.append(net.fit(X, y).predict_proba(at))
        if table and len(known) <= FEW_CLASSES:
            boosted = HistGradientBoostingClassifier(
                max_iter=20, max_leaf_nodes=8, learning_rate=0.15, early_stopping=False, random_state=seed
            )
            parts.append(boosted.fit(X, y).predict_proba(at))
        elif table:
            parts.append(
                ExtraTreesClassifier(40, min_samples_leaf=3, random_state=seed).fit(X, y).predict_proba(at)
            )
        total[:, known] = np.mean(parts, axis=0)
    total = np.maximum(total, LEAST)
    return np.asarray(total / total.sum(1, keepdims=True))


def _residuals(X: np.ndarray, y: np.ndarray, at: np.ndarray, target: np.ndarray, seed: int) -> np.ndarray:
    """|target - prediction| over the local scale, the prediction being the mean of a k-NN and boosted trees."""
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.neighbors import KNeighborsRegressor, NearestNeighbors

    k = min(NEIGHBOURS, len(y) - 1)
    near = KNeighborsRegressor(min(NEIGHBOURS, len(y)), weights="distance").fit(X, y)
    boosted = HistGradientBoostingRegressor(
        max_iter=60, max_leaf_nodes=8, early_stopping=False, random_state=seed, loss="absolute_error"
    ).fit(X, y)
    said = (near.predict(at) + boosted.predict(at)) / 2
    finder = NearestNeighbors().fit(X)
    own = (
        y[finder.kneighbors(n_neighbors=max(k, 1), return_distance=False)].mean(1) if k else y
    )  # without itself
    missed = np.abs(y - own)
    typical = float(np.median(missed)) or float(y.std()) or 1.0
    local = np.median(missed[finder.kneighbors(at, min(LOCAL, len(y)), return_distance=False)], axis=1)
    return np.asarray(np.abs(target - said) / np.maximum(local, 0.3 * typical))
