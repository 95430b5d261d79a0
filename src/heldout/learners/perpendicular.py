"""Perpendicular gradients: what points along the weights is taken out (Prieto et al. 2025).

    g' = g - (g.w / w.w) w,    g <- g' |g| / |g'|          for each tensor of each replica

Scaling the weights up lowers a fitted cross-entropy without changing an answer; without that direction the logits do not run
away and float32 softmax does not collapse. `rescale=False` leaves the length of g' as it is.

>>> import torch
>>> from heldout.learners.learner import sgd
>>> learner = perpendicular(sgd(lr=1.0), sizes=[2], rescale=False)
>>> learner.step(learner.init(torch.tensor([[1.0, 0.0]])), torch.tensor([[3.0, 4.0]])).thetas.tolist()
[[1.0, -4.0]]
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from heldout.learners.learner import Learner, State

_TINY = 1e-30


def perpendicular(inner: Learner, sizes: Sequence[int], rescale: bool = True) -> Learner:
    """`inner` on projected gradients; `sizes` are those of the tensors in a row of thetas, summing to p."""

    def step(state: State, gradients: Tensor) -> State:
        parts = [
            _projected(g, w, rescale)
            for g, w in zip(
                torch.split(gradients, list(sizes), 1), torch.split(state.thetas, list(sizes), 1), strict=True
            )
        ]
        return inner.step(state, torch.cat(parts, 1))

    return Learner(inner.init, step)


def _projected(g: Tensor, w: Tensor, rescale: bool) -> Tensor:
    along = (g * w).sum(1, keepdim=True) / (w.square().sum(1, keepdim=True) + _TINY)
    rest = g - along * w
    if rescale:
        rest = rest * (g.norm(dim=1, keepdim=True) / (rest.norm(dim=1, keepdim=True) + _TINY))
    return rest
