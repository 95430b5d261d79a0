"""Honest learners on clean tasks, the interpolating ones among them: truth `generalizes`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench.planted.learners import INTERPOLATES, net, sk
from bench.planted.planted import CLEAN, Budget, Planted, honest
from bench.planted.tasks import Table, task, values

SIZES = (240, 400, 600, 900)
TESTS = (200, 300, 400)
_CHEAP = ("1-NN", "5-NN", "naive bayes", "lda", "small tree")  # learners whose hundred refits take a second
_OVERLAPS = ("blobs3x1.5", "blobs3x2", "blobs2x1.5")


def sizes(rng: np.random.Generator) -> tuple[int, int]:
    """Rows of train and test."""
    return int(rng.choice(SIZES)), int(rng.choice(TESTS))


def budget_of(learner: str, rng: np.random.Generator) -> Budget:
    """Mostly folds; one in six without refits, and some cheap learners on subsets."""
    draw = rng.random()
    if draw < 1 / 6:
        return "predictions"
    return "subsets" if draw > 0.8 and learner in _CHEAP else "folds"


def classifier(
    tasks: tuple[str, ...], learners: tuple[str, ...], index: int, rng: np.random.Generator
) -> Planted:
    """Task and learner by the index, sizes by the generator."""
    learner = learners[index % len(learners)]
    chosen = tasks[index // len(learners) % len(tasks)]
    return told(learner, task(chosen, *sizes(rng), rng), budget_of(learner, rng), rng, chosen in _OVERLAPS)


def told(
    learner: str, table: Table, budget: Budget, rng: np.random.Generator, overlaps: bool = False
) -> Planted:
    """An honest classifier, with the findings that its learner may and may not have."""
    forbid = CLEAN | ({"H302"} if learner in INTERPOLATES else set())
    if table.name.startswith("make_classification"):
        forbid = forbid - {
            "H401"
        }  # two of its columns repeat others, so leaning on one that is not needed is no lie
    plant = honest(sk(learner, table, rng), f"{learner} on {table.name}", budget, forbid)
    if overlaps and learner in ("1-NN", "tree"):  # certain of everything, and wrong on a fifth
        return replace(plant, expect=plant.expect | {"H502"})
    return (
        replace(plant, forbid=plant.forbid | {"H502"})
        if overlaps and learner in ("lda", "logistic")
        else plant
    )


def regressor(
    tasks: tuple[str, ...], learners: tuple[str, ...], index: int, rng: np.random.Generator
) -> Planted:
    """The same for values."""
    learner, chosen = learners[index % len(learners)], tasks[index // len(learners) % len(tasks)]
    table = values(chosen, *sizes(rng), rng)
    return honest(sk(learner, table, rng, regression=True), f"{learner} on {chosen}", budget_of(learner, rng))


def torch_net(tasks: tuple[str, ...], index: int, rng: np.random.Generator) -> Planted:
    """A torch net with its recipe: 10 to 40 epochs, 16 to 64 hidden units."""
    table = task(tasks[index % len(tasks)], *sizes(rng), rng)
    epochs, hidden = int(rng.choice([10, 20, 40])), int(rng.choice([16, 32, 64]))
    if len(table.y) < 300:
        epochs = 40  # shorter training would not yet have learned the rule
    return honest(
        net(table, rng, hidden, epochs),
        f"net of {hidden}, {epochs} epochs, on {table.name}",
        budget_of("net", rng),
    )


def repeated_rows(index: int, rng: np.random.Generator) -> Planted:
    """A fifth of the training rows stands twice; no test row is a copy."""
    learner = ("forest", "1-NN", "logistic", "tree", "svm", "naive bayes")[index % 6]
    table = task(("made3", "digits", "blobs3x1")[index // 6 % 3], *sizes(rng), rng)
    again = rng.choice(len(table.y), len(table.y) // 5, replace=False)
    table = replace(
        table, X=np.concatenate([table.X, table.X[again]]), y=np.concatenate([table.y, table.y[again]])
    )
    return told(learner, table, "folds", rng)
