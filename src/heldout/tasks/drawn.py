"""`Drawn`: what a task hands out, training and test examples that share no row, and the exact facts about them.

>>> from torch import zeros
>>> task = Drawn(Batch(zeros(3, 2), zeros(3)), Batch(zeros(5, 2), zeros(5)), {"chance": 0.5})
>>> len(task.train.y), len(task.test.y), task.facts["chance"]
(3, 5, 0.5)
"""

from __future__ import annotations

from dataclasses import dataclass

from heldout.core.batch import Batch


@dataclass(frozen=True)
class Drawn:
    """`train` and `test` with x [n ...] and y [n]; where rows come from a fixed set, `ids` are their places in it."""

    train: Batch
    test: Batch
    facts: dict[str, float]
