"""Splits that are at fault, not learners: tiny tests, leaked test rows, a spurious feature that flips."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench.planted.honest_learners import sizes
from bench.planted.learners import sk
from bench.planted.planted import Planted
from bench.planted.tasks import Table, task
from bench.planted.wrong_labels import spoil

_TOO_FEW = 20  # test rows up to which an interval is wider than .15 whatever the score


def tiny_test(tasks: tuple[str, ...], index: int, rng: np.random.Generator) -> Planted:
    """15 to 40 test rows: the truth or `undecided` are right, the other headlines are not."""
    n, m = int(rng.choice([200, 300, 500])), int(rng.integers(15, 41))
    table = task(tasks[index // 4 % len(tasks)], n, m, rng)
    kind = ("rule", "rule", "dealt", "wrong")[index % 4]
    learner = ("forest", "logistic", "1-NN", "tree")[index % 4]
    truth = {"rule": "generalizes", "dealt": "memorizes", "wrong": "partly memorizes"}[kind]
    if kind == "dealt":
        table = table.with_labels(rng.permutation(table.y))
    if kind == "wrong":
        table, _ = spoil(table, "uniform", 0.25, rng)
    expect = frozenset({"H501"} if m <= _TOO_FEW else set())
    forbid = frozenset({"H101", "H301"} | ({"H201"} if kind == "rule" else set()))
    return Planted(
        sk(learner, table, rng),
        truth,
        frozenset({truth, "undecided"}),
        expect,
        forbid,
        note=f"{learner}, {kind}, {m} test rows",
    )


def leaked(tasks: tuple[str, ...], index: int, rng: np.random.Generator) -> Planted:
    """A part of the test rows are copies of training rows."""
    learner = ("forest", "1-NN", "tree", "svm")[index % 4]
    table = task(tasks[index // 4 % len(tasks)], *sizes(rng), rng)
    k = int(len(table.y_test) * rng.uniform(0.1, 0.4))
    rows = rng.choice(len(table.y), k, replace=False)
    table = replace(
        table,
        X_test=np.concatenate([table.X_test, table.X[rows]]),
        y_test=np.concatenate([table.y_test, table.y[rows]]),
    )
    return Planted(
        sk(learner, table, rng), "generalizes", frozenset({"generalizes"}), frozenset({"H101"}), frozenset({"H201", "H301"}),
        honest=False, note=f"{learner}, {k} copied test rows",
    )  # fmt: skip


def flipping(index: int, rng: np.random.Generator) -> Planted:
    """A feature agrees with the label on 97% of train and test, and with its opposite on the shifted set."""
    learner = ("small tree", "boosting", "forest", "adaboost")[index % 4]
    n, m = sizes(rng)
    y = rng.integers(0, 2, n + m + 300)
    X = rng.normal(0, 1, (len(y), 6))
    X[:, :4] += 0.85 * (2 * y - 1)[:, None]
    agree = np.where(rng.random(len(y)) < 0.97, y, 1 - y)
    agree[n + m :] = 1 - agree[n + m :]
    X[:, 5] = 2 * agree + rng.normal(0, 0.1, len(y))
    table = Table("a flipping feature", X[:n], y[:n], X[n : n + m], y[n : n + m])
    subject = sk(learner, table, rng, X_shifted=X[n + m :], y_shifted=y[n + m :])
    leans = frozenset({"H402", "H401"} if learner in ("small tree", "boosting") else {"H402"})
    return Planted(
        subject,
        "generalizes",
        frozenset({"generalizes"}),
        leans,
        frozenset({"H101", "H201", "H301"}),
        note=learner,
    )


def steady(index: int, rng: np.random.Generator) -> Planted:
    """The same table with a feature that says nothing, and a shifted set that is a fresh draw."""
    learner = ("small tree", "boosting", "forest", "logistic")[index % 4]
    n, m = sizes(rng)
    y = rng.integers(0, 2, n + m + 300)
    X = rng.normal(0, 1, (len(y), 6))
    X[:, :4] += 0.85 * (2 * y - 1)[:, None]
    table = Table("a steady table", X[:n], y[:n], X[n : n + m], y[n : n + m])
    subject = sk(learner, table, rng, X_shifted=X[n + m :], y_shifted=y[n + m :])
    forbid = frozenset({"H101", "H201", "H301", "H401", "H402"})
    return Planted(
        subject, "generalizes", frozenset({"generalizes"}), forbid=forbid, honest=True, note=learner
    )
