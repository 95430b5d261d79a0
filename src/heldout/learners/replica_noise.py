"""Noise of a population: row i at step t belongs to (seed, name, replica i, t), however many replicas there are.

Each replica's numbers come from its own named streams, in blocks whose length depends on the row's size alone. Several
seeds stack: the rows of the first seed, then those of the second, each as they would be alone. With `copies` several
populations move under the same noise, one after the other in the rows.

>>> few, many = ReplicaNoise(0, "sgld", 2, 3), ReplicaNoise(0, "sgld", 5, 3)
>>> torch.equal(few.normal(7), many.normal(7)[:2]), few.uniform(0).shape
(True, torch.Size([2, 3]))
>>> torch.equal(ReplicaNoise(0, "sgld", 2, 3, copies=4).normal(7), few.normal(7).repeat(4, 1))
True
>>> torch.equal(ReplicaNoise((4, 0), "sgld", 2, 3).normal(7)[2:], few.normal(7))
True
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from heldout.core.streams import stream

_BLOCK_NUMBERS = 4096
Kind = Literal["normal", "uniform"]


class ReplicaNoise:
    """Standard normal and uniform numbers [copies r, size] of any step, r = seeds x replicas; steps in order cost least."""

    def __init__(
        self, seed: int | Sequence[int], name: str, replicas: int, size: int, copies: int = 1
    ) -> None:
        self._seeds = tuple(seed) if isinstance(seed, Sequence) else (operator.index(seed),)
        self._name = name
        self._copies = copies
        self._replicas, self._size = replicas, size
        self._steps = max(1, _BLOCK_NUMBERS // max(1, size))
        self._kept: dict[Kind, tuple[int, Tensor]] = {}

    def normal(self, step: int) -> Tensor:
        """Standard normal [copies r, size] of this step, float64."""
        return self._row("normal", step)

    def uniform(self, step: int) -> Tensor:
        """Uniform on [0, 1) [copies r, size] of this step, float64."""
        return self._row("uniform", step)

    def _row(self, kind: Kind, step: int) -> Tensor:
        block, within = divmod(step, self._steps)
        kept = self._kept.get(kind)
        if kept is None or kept[0] != block:
            kept = (block, self._drawn(kind, block))
            self._kept[kind] = kept
        row = kept[1][:, within]
        return row.repeat(self._copies, 1) if self._copies > 1 else row.contiguous()

    def _drawn(self, kind: Kind, block: int) -> Tensor:
        """[r steps size], drawn replica by replica."""
        out = np.empty((len(self._seeds) * self._replicas, self._steps, self._size))
        owners = [(seed, i) for seed in self._seeds for i in range(self._replicas)]
        for row, (seed, i) in zip(out, owners):
            draw = stream(seed, self._name, kind, i, block)
            if kind == "normal":
                draw.standard_normal(out=row)
            else:
                draw.random(out=row)
        return torch.from_numpy(out)
