"""Models that learned nothing (constants, collapsed, a learning rate near zero) and models that could only memorize."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench.planted.honest_learners import sizes
from bench.planted.learners import net, sk
from bench.planted.planted import Planted
from bench.planted.tasks import Table, task, values
from heldout import Subject


def constant(tasks: tuple[str, ...], index: int, rng: np.random.Generator) -> Planted:
    """The same answer to every row; classes and values in turn."""
    if index % 3 == 2:
        learner = ("mean", "crushed ridge", "crushed svr")[index // 3 % 3]
        subject = sk(learner, values("friedman1", *sizes(rng), rng), rng, regression=True)
        flat = learner != "crushed ridge"  # its answers still differ in the ninth digit
    else:
        learner = ("most frequent", "prior", "stump of one")[index % 3 if index % 6 < 3 else 2]
        subject, flat = sk(learner, task(tasks[index // 3 % len(tasks)], *sizes(rng), rng), rng), True
    expect = frozenset({"H301"} if flat else set())
    return Planted(
        subject,
        "does not learn",
        frozenset({"does not learn"}),
        expect,
        frozenset({"H101", "H201", "H401"}),
        note=subject.name,
    )


def slow_net(tasks: tuple[str, ...], index: int, rng: np.random.Generator) -> Planted:
    """A torch net whose learning rate is a thousand times too small."""
    n, m = sizes(rng)
    subject = net(task(tasks[index % len(tasks)], max(n, 400), m, rng), rng, 32, 10, lr=3e-7)
    return Planted(
        subject,
        "does not learn",
        frozenset({"does not learn"}),
        frozenset({"H302"}),
        frozenset({"H101", "H201", "H401"}),
        note=subject.name,
    )


def no_signal(
    learners: tuple[str, ...], tasks: tuple[str, ...], index: int, rng: np.random.Generator
) -> Planted:
    """Training labels dealt out at random to a learner that fits them all; every other time the test labels are too."""
    learner = learners[index % len(learners)]
    n, m = sizes(rng)
    table = task(tasks[index // len(learners) % len(tasks)], n, m, rng)
    table = _dealt(table, rng, index % 2 == 0)
    subject = net(table, rng, 128, 120, lr=1e-2) if learner == "net" else sk(learner, table, rng)
    return _memorizes(subject, learner)


def no_signal_values(index: int, rng: np.random.Generator) -> Planted:
    """The same for values."""
    learner = ("1-NN", "tree", "extra trees")[index % 3]
    table = _dealt(values("smooth", *sizes(rng), rng), rng, True)
    return _memorizes(sk(learner, table, rng, regression=True), learner)


def _dealt(table: Table, rng: np.random.Generator, test_too: bool) -> Table:
    table = table.with_labels(rng.permutation(table.y))
    return replace(table, y_test=rng.permutation(table.y_test)) if test_too else table


def _memorizes(subject: Subject, note: str) -> Planted:
    return Planted(
        subject,
        "memorizes",
        frozenset({"memorizes"}),
        forbid=frozenset({"H101", "H301", "H401"}),
        note=f"{note}, labels dealt out",
    )
