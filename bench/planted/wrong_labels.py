"""Training labels made wrong in several ways; the test labels stay right."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from bench.planted.planted import Budget, Planted
from bench.planted.tasks import Table
from heldout import Subject

KINDS = ("uniform", "class", "runner-up", "region")


def spoil(table: Table, kind: str, rate: float, rng: np.random.Generator) -> tuple[Table, np.ndarray]:
    """The table with a share `rate` of its training labels wrong, and which rows [n] bool.

    uniform: any other class on any row. class: half of the classes, each mistaken for the next one. runner-up: the class
    that a linear model finds second most likely. region: uniform, in the half of the rows on one side of a random plane.
    """
    y, c, n = table.y.copy(), table.classes, len(table.y)
    if kind == "class":
        pool = np.flatnonzero(y < max(1, c // 2))
    elif kind == "region":
        side = ((table.X - table.X.mean(0)) / (table.X.std(0) + 1e-9)) @ rng.normal(0, 1, table.X.shape[1])
        pool = np.flatnonzero(side > np.median(side))
    else:
        pool = np.arange(n)
    # At most 40% of any pool: a majority of wrong labels would be the rule there.
    rows = rng.choice(pool, min(round(rate * n), int(0.4 * len(pool))), replace=False)
    if kind == "class":
        y[rows] = (y[rows] + 1) % c
    elif kind == "runner-up":
        X = StandardScaler().fit_transform(table.X)
        p = LogisticRegression(max_iter=200).fit(X, y).predict_proba(X)
        p[np.arange(n), y] = -1
        y[rows] = p.argmax(1)[rows]
    else:
        y[rows] = (y[rows] + rng.integers(1, c, len(rows))) % c
    wrong = np.zeros(n, dtype=bool)
    wrong[rows] = True
    return table.with_labels(y), wrong


def spoil_values(table: Table, rate: float, rng: np.random.Generator) -> tuple[Table, np.ndarray]:
    """Regression: a share of the values dealt out again among their rows, only where that moves them by one standard deviation."""
    y = table.y.copy()
    rows = rng.choice(len(y), round(rate * len(y)), replace=False)
    sign = np.where(y[rows] > np.median(y), -1.0, 1.0)
    y[rows] += sign * rng.uniform(1.5, 3.0, len(rows)) * y.std()
    wrong = np.zeros(len(y), dtype=bool)
    wrong[rows] = True
    return table.with_labels(y), wrong


def judged(subject: Subject, wrong: np.ndarray, note: str, budget: Budget = "folds") -> Planted:
    """The truth of a model trained on wrong labels: which share of them it repeats, counted on the planted rows.

    At least .8: partly memorizes. At most .2: it has not learned them, and generalizes. Between: either is right.
    """
    repeated = float(subject.score(subject.predict(subject.train.x), subject.train.y).numpy()[wrong].mean())
    note = f"{note}; repeats {repeated:.2f} of {int(wrong.sum())} wrong labels of {len(wrong)}"
    expect = frozenset({"H201"}) if wrong.mean() >= 0.1 else frozenset()
    forbid = frozenset({"H101", "H301"})
    if repeated >= 0.8:
        return Planted(
            subject, "partly memorizes", frozenset({"partly memorizes"}), expect, forbid, budget, note=note
        )
    if repeated <= 0.2:
        return Planted(
            subject, "generalizes", frozenset({"generalizes"}), expect, forbid, budget, honest=True, note=note
        )
    return Planted(
        subject, "between", frozenset({"partly memorizes", "generalizes"}), expect, forbid, budget, note=note
    )
