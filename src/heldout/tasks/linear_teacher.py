"""A linear teacher: inputs N(0, I), the class is the side of a random plane, and a share of labels is turned round.

x [n d], y = 1 where x . w > 0, w N(0, 1) in its first `relevant` entries and 0 in the others; each label is then turned
with probability `noise`, in training and test alike. noise = 1/2 makes labels that nothing predicts.

Facts: the best possible error is `noise` (bayes_error); each class has probability 1/2.

>>> task = linear_teacher(d=20, train=100, test=50_000, noise=0.1, seed=0)
>>> right = (task.test.x @ task.teacher > 0).long()
>>> round(float((right != task.test.y).double().mean()), 2), task.facts["bayes_error"]
(0.1, 0.1)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from heldout.core.batch import Batch
from heldout.core.errors import InputError
from heldout.core.streams import stream
from heldout.tasks.drawn import Drawn


@dataclass(frozen=True)
class Taught(Drawn):
    """Drawn, with the teacher's weights [d]."""

    teacher: Tensor


def linear_teacher(
    d: int = 20,
    train: int = 1000,
    test: int = 50_000,
    noise: float = 0.0,
    seed: int = 0,
    relevant: int | None = None,
) -> Taught:
    """Draws by `stream(seed, "linear teacher", d, train)`. Raises `InputError` for sizes below 1 and noise above 1/2."""
    if min(d, train, test) < 1 or not 1 <= (relevant or d) <= d or not 0.0 <= noise <= 0.5:
        raise InputError(
            f"d = {d}, {train} and {test} rows, {relevant} relevant inputs, noise {noise}",
            "give sizes of at least 1, at most d relevant inputs, and noise in [0, 1/2]",
        )
    draw = stream(seed, "linear teacher", d, train)
    weights = np.zeros(d)
    weights[: relevant or d] = draw.normal(size=relevant or d)
    x = draw.normal(size=(train + test, d))
    y = (x @ weights > 0).astype(np.int64)
    y = np.where(draw.random(len(y)) < noise, 1 - y, y)
    rows, labels = torch.from_numpy(x), torch.from_numpy(y)
    facts = {"classes": 2.0, "chance": 0.5, "bayes_error": noise}
    return Taught(
        Batch(rows[:train], labels[:train]),
        Batch(rows[train:], labels[train:]),
        facts,
        torch.from_numpy(weights),
    )
