"""Out-of-fold margins find planted wrong labels, and compare with test margins of rows nobody trained on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import KNeighborsClassifier

from heldout.controls.out_of_fold import out_of_fold_margins
from heldout.core.errors import InputError


def confusable(X: np.ndarray, y: np.ndarray, rate: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels with a share `rate` replaced by the runner-up of a k-NN, and which [n] bool."""
    rng = np.random.default_rng(seed)
    votes = KNeighborsClassifier(16).fit(X, y).predict_proba(X) + 1e-3 * rng.random((len(y), y.max() + 1))
    votes[np.arange(len(y)), y] = -1
    wrong = np.zeros(len(y), dtype=bool)
    wrong[rng.choice(len(y), int(rate * len(y)), replace=False)] = True
    return np.where(wrong, votes.argmax(1), y), wrong


@pytest.mark.parametrize(("load", "least"), [(load_digits, 0.985), (load_breast_cancer, 0.96)])
def test_wrong_labels_have_low_margins(load: Callable[..., Any], least: float) -> None:
    X, y = load(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))[:900]
    X, y = X[order], y[order]
    n = int(0.7 * len(y))
    given, wrong = confusable(X[:n], y[:n], 0.08, 1)
    margin, on_test, p = out_of_fold_margins(
        X[:n], given, X[n:], y[n:], int(y.max()) + 1, np.arange(n) % 5, 0
    )
    assert roc_auc_score(wrong, -margin) > least
    assert on_test.shape == (5, len(y) - n)
    assert p is not None
    assert np.allclose(p.sum(1), 1)
    assert (p.argmax(1)[wrong] == y[:n][wrong]).mean() > 0.8


def test_margins_of_clean_rows_rank_like_test_margins() -> None:
    """If training labels are as right as test labels, a margin's rank among its fold's test margins is uniform."""
    ranks = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(500, 5))
        y = (X[:, 0] + X[:, 1] ** 2 + 0.5 * rng.normal(size=500) > 1).astype(int)
        fold = rng.permutation(300) % 5
        margin, on_test, _ = out_of_fold_margins(X[:300], y[:300], X[300:], y[300:], 2, fold, seed)
        ranks.append((margin[:, None] >= on_test[fold]).mean(1))
    rank = np.concatenate(ranks)  # sd of the mean of 6 pairs of (300, 200) rows: .29 / sqrt(6 * 120) = .011
    assert abs(rank.mean() - 0.5) < 0.045
    assert abs((rank < 0.1).mean() - 0.1) < 0.04


def test_values_are_judged_by_their_neighbourhood() -> None:
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, size=(800, 2))
    noise = np.where(X[:, 0] > 0, 2.0, 0.05)
    y = X[:, 1] + noise * rng.normal(size=800)
    wrong = np.zeros(600, dtype=bool)
    quiet = np.flatnonzero(X[:600, 0] < -0.1)[:25]
    wrong[quiet] = True
    given = y[:600].copy()
    given[quiet] += 1.0  # large beside .05, small beside 2
    margin, on_test, p = out_of_fold_margins(X[:600], given, X[600:], y[600:], None, np.arange(600) % 5, 0)
    assert p is None
    assert (margin <= 0).all()
    assert on_test.shape == (5, 200)
    assert roc_auc_score(wrong, -margin) > 0.97


@pytest.mark.parametrize("case", ["tiny", "missing class", "constant", "one feature", "wide", "values"])
def test_odd_data_give_finite_margins(case: str) -> None:
    rng = np.random.default_rng(0)
    n, c = 24, 3
    X, y = rng.normal(size=(40, 4)), np.arange(40) % c
    fold = np.arange(n) % 3
    if case == "missing class":
        fold = np.where(y[:n] == 2, 0, 1 + np.arange(n) % 2)  # fold 0 holds all of class 2
    if case == "constant":
        X = np.ones((40, 4))
    if case == "one feature":
        X = X[:, :1]
    if case == "wide":
        X = rng.normal(size=(40, 300))
    values = y + X[:, 0] if case == "values" else y
    out = out_of_fold_margins(X[:n], values[:n], X[n:], values[n:], None if case == "values" else c, fold, 0)
    assert np.isfinite(out[0]).all()
    assert np.isfinite(out[1]).all()
    again = out_of_fold_margins(
        X[:n], values[:n], X[n:], values[n:], None if case == "values" else c, fold, 0
    )
    assert (out[0] == again[0]).all()


def test_bad_folds_and_one_class_are_refused() -> None:
    X, y = np.zeros((10, 1)), np.arange(10) % 2
    with pytest.raises(InputError, match="draw at least two folds"):
        out_of_fold_margins(X, y, X, y, 2, np.zeros(10, int), 0)
    with pytest.raises(InputError, match="one class only"):
        out_of_fold_margins(X, y * 0, X, y * 0, 1, np.arange(10) % 2, 0)
