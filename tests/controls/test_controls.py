"""Every control on known answers, and on the data that break naive ones."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from heldout.controls.constant import constant, fullest_window
from heldout.controls.control_fit import ControlFit, fit_and_score, right
from heldout.controls.kernel_svm import kernel_svm
from heldout.controls.linear import linear
from heldout.controls.neighbours import neighbours
from heldout.controls.trees import trees
from heldout.core.errors import InputError

Control = Callable[..., ControlFit]
CONTROLS: list[Control] = [constant, neighbours, linear, kernel_svm, trees]


def classes(n: int, d: int, c: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = np.arange(n) % c
    return rng.normal(size=(n, d)) + 2.0 * rng.normal(size=(c, d))[y], y


def hard_cases() -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, str]]:
    rng = np.random.default_rng(0)
    x, y = classes(60, 4, 3, 0)
    many, many_y = classes(400, 6, 100, 1)
    wide = rng.normal(size=(30, 400))
    return {
        "one class": (x, np.ones(60, int), x[:20], y[:20], "classification"),
        "constant features": (np.ones((60, 4)), y, np.ones((20, 4)), y[:20], "classification"),
        "twenty rows": (x[:20], y[:20], x[20:40], y[20:40], "classification"),
        "three rows": (x[:3], y[:3], x[20:40], y[20:40], "classification"),
        "one feature": (x[:, :1], y, x[:, :1], y, "classification"),
        "a hundred classes": (many[:300], many_y[:300], many[300:], many_y[300:], "classification"),
        "a class that train lacks": (x[:40], y[:40] % 2, x[40:], y[40:], "classification"),
        "more features than rows": (
            wide[:25],
            np.arange(25) % 2,
            wide[25:],
            np.arange(5) % 2,
            "classification",
        ),
        "huge values": (x * 1e12, y, x * 1e12, y, "classification"),
        "values": (x[:40], x[:40, 0], x[40:], x[40:, 0], "regression"),
        "one value": (x[:40], np.full(40, 2.5), x[40:], x[40:, 0], "regression"),
        "values, three rows": (x[:3], x[:3, 0], x[40:], x[40:, 0], "regression"),
        "wide values": (wide[:25], wide[:25, 0], wide[25:], wide[25:, 0], "regression"),
    }


@pytest.mark.parametrize("control", CONTROLS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("name", list(hard_cases()))
def test_controls_survive(control: Control, name: str) -> None:
    X, y, X_test, y_test, task = hard_cases()[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing spills on the user
        fit = control(X, y, X_test, y_test, task, 0.5 if task == "regression" else None, 0)
    assert fit.predictions_test.shape == fit.scores_test.shape == (len(y_test),)
    for values in (fit.predictions_test, fit.scores_test, fit.scores_train):
        assert np.isfinite(values).all()
    assert set(np.unique(np.concatenate([fit.scores_test, fit.scores_train]))) <= {0.0, 1.0}
    expected = right(fit.predictions_test, y_test, task, 0.5)
    assert (fit.scores_test == expected).all()
    if fit.probabilities_test is not None:
        assert fit.probabilities_test.shape == (len(y_test), max(y.max(), y_test.max()) + 1)
        assert np.allclose(fit.probabilities_test.sum(1), 1)


@pytest.mark.parametrize("control", CONTROLS, ids=lambda f: f.__name__)
def test_controls_repeat_themselves(control: Control) -> None:
    X, y = classes(120, 5, 3, 2)
    first, second = (control(X[:80], y[:80], X[80:], y[80:], "classification", None, 4) for _ in range(2))
    assert (first.predictions_test == second.predictions_test).all()


def test_constant_says_the_most_frequent_class() -> None:
    y = np.array([2, 0, 2, 1, 2])
    fit = constant(np.zeros((5, 1)), y, np.zeros((4, 1)), np.array([2, 0, 2, 3]), "classification", None, 0)
    assert fit.predictions_test.tolist() == [2] * 4
    assert fit.scores_train.mean() == pytest.approx(0.6)
    assert fit.probabilities_test is not None
    assert fit.probabilities_test[0].tolist() == [0.2, 0.2, 0.6, 0.0]


def test_constant_says_the_fullest_window_of_values() -> None:
    y = np.array([0.0, 5.0, 5.1, 5.3, 9.0, 9.05])
    assert fullest_window(y, 0.15) == pytest.approx(5.15)
    fit = constant(np.zeros((6, 1)), y, np.zeros((2, 1)), np.array([5.2, 7.0]), "regression", 0.15, 0)
    assert fit.scores_train.mean() == pytest.approx(3 / 6)
    assert fit.scores_test.tolist() == [1.0, 0.0]
    assert "the median 5.2 scores" in fit.note


def test_values_without_a_tolerance_are_refused() -> None:
    X, y = np.zeros((4, 1)), np.arange(4.0)
    for control in CONTROLS:
        with pytest.raises(InputError, match="declare tolerance="):
            control(X, y, X, y, "regression", None, 0)


def test_one_neighbour_repeats_the_training_labels() -> None:
    X, y = classes(200, 5, 3, 0)
    rng = np.random.default_rng(0)
    shuffled = rng.permutation(y)
    fit = neighbours(X[:100], shuffled[:100], X[:100], shuffled[:100], "classification", None, 0, k=1)
    assert fit.scores_test.mean() == 1.0
    assert (
        neighbours(
            X[:100], shuffled[:100], X[100:], shuffled[100:], "classification", None, 0
        ).scores_test.mean()
        < 0.5
    )


def test_fifteen_neighbours_vote() -> None:
    X = np.concatenate([np.zeros((10, 1)), np.ones((20, 1))]) + 1e-3 * np.arange(30)[:, None]
    y = np.concatenate([np.zeros(10, int), np.ones(20, int)])
    fit = neighbours(X, y, np.array([[0.0]]), np.array([0]), "classification", None, 0, k=15)
    assert fit.probabilities_test is not None
    assert np.allclose(fit.probabilities_test[0], [10 / 15, 5 / 15])


def test_what_each_control_can_and_cannot_learn() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(900, 2))
    ring = (np.linalg.norm(X, axis=1) > 1.18).astype(int)
    parity = ((X > 0).sum(1) % 2).astype(int)
    plane = (X[:, 0] > X[:, 1]).astype(int)

    def score(control: Control, y: np.ndarray) -> float:
        return float(
            control(X[:600], y[:600], X[600:], y[600:], "classification", None, 0).scores_test.mean()
        )

    assert score(linear, plane) > 0.97
    assert score(linear, ring) < 0.6
    assert score(kernel_svm, ring) > 0.95
    assert score(trees, parity) > 0.95
    assert score(linear, parity) < 0.6
    assert score(constant, parity) < 0.6


def test_trees_keep_a_single_telling_feature_of_many() -> None:
    rng = np.random.default_rng(0)
    X = 10 * rng.normal(size=(400, 300))
    y = rng.integers(0, 2, 400)
    X[:, 17] = y + 0.1 * rng.normal(size=400)  # small variance: no principal component holds it
    fit = trees(X[:300], y[:300], X[300:], y[300:], "classification", None, 0)
    assert fit.scores_test.mean() > 0.98
    assert "principal components and the 50 best features" in fit.note


def test_controls_on_digits_reach_what_is_known_of_them() -> None:
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    X, y = X[order], y[order]
    known = {neighbours: 0.96, linear: 0.95, kernel_svm: 0.98, trees: 0.94}
    for control, least in known.items():
        fit = control(X[:1300], y[:1300], X[1300:], y[1300:], "classification", None, 0)
        assert fit.scores_test.mean() > least, control.__name__


def test_thinning_is_said_and_keeps_every_class() -> None:
    X, y = classes(5000, 3, 2, 0)
    y[17] = 2
    fit = kernel_svm(X, y, X[:50], y[:50], "classification", None, 0)
    assert "fitted on 4,000 of 5,000 rows" in fit.note
    assert len(fit.scores_train) in (4000, 4001)
    assert fit.scores_train.mean() > 0.8


def test_a_fit_that_did_not_converge_says_so() -> None:
    rng = np.random.default_rng(0)
    X = np.exp(3 * rng.normal(size=(300, 60)))
    y = rng.integers(0, 40, 300)
    short = fit_and_score("short", LogisticRegression(max_iter=1), X, y, X, y, "classification", None, 0)
    assert short.note == "stopped before it converged"
