"""Which rows a replica sees in which step: its own shuffled order each epoch, whatever the population around it.

>>> import numpy as np
>>> rows = [np.arange(5), np.arange(10, 14)]                    # two replicas with 5 and 4 rows of their own
>>> steps = list(epoch_steps(rows, seed=0, names=(7, 8), epoch=0, batch_size=3))
>>> [tuple(step.rows.shape) for step in steps]                  # [r b]: two steps; the short last batch is padded
[(2, 3), (2, 2)]
>>> steps[0].weight is None, steps[1].weight.tolist()           # replica 8 has one row left, its pad weighs nothing
(True, [[0.5, 0.5], [1.0, 0.0]])
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from heldout.core.streams import stream


class Step(NamedTuple):
    """Rows [r b] of one step; weight [r b] of each in its replica's mean (None: all 1/b); sizes [r] of the batches."""

    rows: Tensor
    weight: Tensor | None
    sizes: Tensor


def order(rows: np.ndarray, seed: int, name: int, epoch: int) -> np.ndarray:
    """The rows of one replica in the order of one epoch: depends on (seed, name, epoch) and the rows only."""
    return rows[stream(seed, "order", name, epoch).permutation(len(rows))]


def epoch_steps(
    rows: Sequence[np.ndarray], seed: int, names: Sequence[int], epoch: int, batch_size: int
) -> Iterator[Step]:
    """The steps of one epoch of replicas that take equally many of them.

    The last batch may be short, and shorter for some: those repeat their own rows with weight 0, never a stranger's,
    whose loss could be infinite.
    """
    orders = [order(own, seed, name, epoch) for own, name in zip(rows, names, strict=True)]
    counts = np.array([len(own) for own in orders])
    whole = (int(counts.max()) - 1) // batch_size
    if whole:
        full = torch.from_numpy(np.stack([own[: whole * batch_size] for own in orders]).astype(np.int64))
        sizes = torch.full((len(orders),), batch_size)
        for k in range(whole):
            yield Step(full[:, k * batch_size : (k + 1) * batch_size], None, sizes)
    left = counts - whole * batch_size
    width = int(left.max())
    last = np.stack(
        [own[whole * batch_size + np.arange(width) % m] for own, m in zip(orders, left, strict=True)]
    )
    weight = None
    if int(left.min()) != width:
        weight = torch.from_numpy((np.arange(width) < left[:, None]) / left[:, None])
    yield Step(torch.from_numpy(last.astype(np.int64)), weight, torch.from_numpy(left))


def steps_per_epoch(rows: int, batch_size: int) -> int:
    """Number of batches of an epoch, the short last one included."""
    return -(-rows // batch_size)
