"""Training of a population of sequence nets on fresh batches: what `recurrent_depth` and `digits` share.

AdamW without decay, betas (.9, .98), gradients of each replica cut to norm 1, the rate rising linearly over the first 5% of the steps and falling
linearly to 0 over the last half. Every replica has its own rate and its own data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from heldout.core.batch import Batch
from heldout.learners.adamw import adamw
from heldout.learners.descend import flushed


class Look(NamedTuple):
    """A moment of training: `thetas` [r p] after `step` steps, mean training losses [r] since the look before."""

    step: int
    thetas: Tensor
    losses: Tensor


def trained(
    net: Any,
    start: Tensor,
    rates: Sequence[float],
    batch: Callable[[int], Batch],
    steps: int,
    looks: Sequence[int],
) -> Iterator[Look]:
    """A look at each of the step counts `looks`; batch(step) gives x, y [r n l] for all replicas. The caller may stop at any look."""
    lr = torch.tensor(list(rates)).view(-1, 1)
    state = adamw(lr, 0.0).init(start)
    total, seen = torch.zeros(len(start)), 0
    for goal in looks:
        with flushed(), torch.no_grad():
            while state.steps < goal:
                done = state.steps / steps
                factor = min(1.0, (state.steps + 1) / (0.05 * steps), 2.0 * (1.0 - done))
                data = batch(state.steps)
                losses, gradient = net.gradient(state.thetas, data.x, data.y)
                gradient *= (1.0 / gradient.norm(dim=1, keepdim=True).clamp(min=1e-12)).clamp(max=1.0)
                state = adamw(lr * factor, 0.0).step(state, gradient)
                total, seen = total + losses, seen + 1
        yield Look(state.steps, state.thetas, total / max(1, seen))
        total, seen = torch.zeros(len(start)), 0


def stacked(batches: Sequence[Batch]) -> Batch:
    """x, y [r n l] of one batch for each replica."""
    return Batch(torch.stack([b.x for b in batches]), torch.stack([b.y for b in batches]))


def right(net: Any, thetas: Tensor, data: Batch, chunk: int = 4096) -> Tensor:
    """Which answers are right: 1, 0, or NaN where none is asked, [r n l]; x, y [r n l]."""
    parts = []
    per = max(1, chunk // max(1, data.x.shape[0] * data.x.shape[2] // 8))
    with flushed(), torch.no_grad():
        for first in range(0, data.x.shape[1], per):
            x, y = data.x[:, first : first + per], data.y[:, first : first + per]
            hit = (net.logits(thetas, x).argmax(-1) == y).to(torch.float32)
            parts.append(hit.masked_fill(y < 0, torch.nan))
    return torch.cat(parts, 1)
