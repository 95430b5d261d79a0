"""A population whose replicas train on rows and labels of their own: the shape of every study over seeds.

Each replica k has its `Batch` of n rows. Replicas train in one stack (`train_population` over the joined rows, each with a
mask that leaves it only its own), so that many seeds cost little more than a few; what replica k becomes depends on
its name and its rows alone.

>>> x = torch.linspace(-1, 1, 20).reshape(-1, 1)
>>> up, down = Batch(x, (x[:, 0] > 0).long()), Batch(x, (x[:, 0] < 0).long())
>>> recipe = Recipe(lambda: torch.nn.Linear(1, 2), lr=0.1, epochs=30)
>>> pop = train_on_own_rows(recipe, [up, down], [0, 1], squared_error)
>>> pop.predict(x[-1:]).argmax(-1).tolist()
[[1], [0]]
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from heldout.core.batch import Batch
from heldout.core.errors import InputError
from heldout.core.recipe import Recipe
from heldout.learners.plan import Loss
from heldout.learners.population import Population
from heldout.learners.training import AfterEpoch, train_population


def train_on_own_rows(
    recipe: Recipe,
    data: Sequence[Batch],
    replicas: Sequence[int],
    loss: Loss,
    seed: int = 0,
    after_epoch: AfterEpoch | None = None,
) -> Population:
    """Replica `replicas[k]` trained on data[k], in one thread. Raises `InputError` where the numbers of batches and names
    differ, and what `train_population` raises."""
    if len(data) != len(replicas) or not data:
        raise InputError(f"{len(data)} data sets for {len(replicas)} replicas", "give each replica its own")
    sizes = [len(part.y) for part in data]
    joined = Batch(torch.cat([part.x for part in data]), torch.cat([part.y for part in data]))
    owner = torch.repeat_interleave(torch.arange(len(data)), torch.tensor(sizes))
    masks = owner[None, :] == torch.arange(len(data))[:, None]
    return train_population(
        recipe, joined, masks, loss, seed, list(replicas), threads=1, after_epoch=after_epoch
    )


def squared_error(outputs: Tensor, y: Tensor) -> Tensor:
    """|z - onehot(y)|^2 [...] of outputs z [... c] and classes y [...].

    >>> squared_error(torch.tensor([[1.0, 0.0], [0.5, 0.5]]), torch.tensor([0, 0])).tolist()
    [0.0, 0.5]
    """
    return (outputs - F.one_hot(y, outputs.shape[-1])).square().sum(-1)
