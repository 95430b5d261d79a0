"""`Batch`: examples with a leading axis n. `x` is a tensor, or a dict or tuple of tensors (token ids and masks).

>>> import torch
>>> batch = Batch(x={"ids": torch.arange(6).reshape(3, 2)}, y=torch.tensor([0, 1, 0]))
>>> len_of(batch), take(batch, torch.tensor([2, 0])).x["ids"].tolist()
(3, [[4, 5], [0, 1]])
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor


class Batch(NamedTuple):
    """Examples [n ...]: inputs, labels and, where given, ids, weights, groups and time, each with leading axis n."""

    x: Any
    y: Tensor
    ids: Tensor | None = None
    weights: Tensor | None = None
    groups: Tensor | None = None
    time: Tensor | None = None


def tree_map(fn: Callable[[Tensor], Any], x: Any) -> Any:
    """Apply `fn` to every tensor of a tensor, dict, list or tuple; the shape of the container stays."""
    if isinstance(x, Tensor):
        return fn(x)
    if isinstance(x, dict):
        return {key: tree_map(fn, value) for key, value in x.items()}
    if isinstance(x, (tuple, list)):
        return tuple(tree_map(fn, value) for value in x)
    return x


def leaves(x: Any) -> list[Tensor]:
    """All tensors of a container, in order."""
    if isinstance(x, Tensor):
        return [x]
    if isinstance(x, dict):
        return [leaf for value in x.values() for leaf in leaves(value)]
    if isinstance(x, (tuple, list)):
        return [leaf for value in x for leaf in leaves(value)]
    return []


def len_of(batch: Batch) -> int:
    """Number of examples n."""
    return int(batch.y.shape[0])


def take(batch: Batch, rows: Tensor) -> Batch:
    """The examples `rows` (indices or a boolean mask [n]) of a batch."""

    def pick(t: Tensor | None) -> Tensor | None:
        return None if t is None else t[rows]

    return Batch(
        tree_map(lambda t: t[rows], batch.x),
        batch.y[rows],
        pick(batch.ids),
        pick(batch.weights),
        pick(batch.groups),
        pick(batch.time),
    )


def flat(x: Any) -> Tensor:
    """Inputs as a float matrix [n d] for the controls and for distances: leaves are flattened and joined."""
    return torch.cat([t.reshape(t.shape[0], -1).to(torch.float32) for t in leaves(x)], dim=1)
