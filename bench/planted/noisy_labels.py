"""Wrong training labels of several kinds and rates: fitted by an interpolating learner, or left unfitted by others."""

from __future__ import annotations

import numpy as np

from bench.planted.honest_learners import TESTS
from bench.planted.learners import net, sk
from bench.planted.planted import Planted
from bench.planted.tasks import task, values
from bench.planted.wrong_labels import judged, spoil, spoil_values

RATES = (0.05, 0.08, 0.1, 0.15, 0.2, 0.3, 0.4)


def fitted(
    kinds: tuple[str, ...],
    tasks: tuple[str, ...],
    learners: tuple[str, ...],
    index: int,
    rng: np.random.Generator,
) -> Planted:
    """An interpolating learner on wrong labels. Rates below 10% come with at least 600 rows."""
    return _spoiled(kinds, tasks, learners, RATES, index, rng)


def unfitted(
    kinds: tuple[str, ...],
    tasks: tuple[str, ...],
    learners: tuple[str, ...],
    index: int,
    rng: np.random.Generator,
) -> Planted:
    """A regularized learner that does not repeat them; at most 20% wrong, so that the rule can still be learned."""
    return _spoiled(kinds, tasks, learners, RATES[:5], index, rng)


def _spoiled(
    kinds: tuple[str, ...],
    tasks: tuple[str, ...],
    learners: tuple[str, ...],
    rates: tuple[float, ...],
    index: int,
    rng: np.random.Generator,
) -> Planted:
    kind, learner, rate = kinds[index % len(kinds)], learners[index % len(learners)], float(rng.choice(rates))
    n = int(rng.choice((600, 900) if rate < 0.1 else (400, 600, 900)))
    table = task(tasks[index // len(learners) % len(tasks)], n, int(rng.choice(TESTS)), rng)
    table, wrong = spoil(table, kind, rate, rng)
    subject = (
        net(table, rng, 256, 150, lr=5e-3, weight_decay=0.0) if learner == "net" else sk(learner, table, rng)
    )
    return judged(subject, wrong, f"{learner} on {table.name}, {kind} {wrong.mean():.0%}")


def wrong_values(index: int, rng: np.random.Generator) -> Planted:
    """Regression: values moved by more than a standard deviation, under learners that interpolate and one that does not."""
    learner = ("1-NN", "tree", "extra trees", "ridge")[index % 4]
    table = values(("friedman1", "linear", "smooth")[index // 4 % 3], 600, 300, rng)
    table, wrong = spoil_values(table, float(rng.choice([0.08, 0.15, 0.25])), rng)
    return judged(
        sk(learner, table, rng, regression=True),
        wrong,
        f"{learner} on {table.name}, values {wrong.mean():.0%}",
    )
