"""Cross-entropy of a population of sequence nets, over the places that ask for an answer, and its gradient.

>>> z = torch.log(torch.tensor([[[[0.8, 0.2], [0.5, 0.5]]]]))            # [r n l c]
>>> [round(v, 4) for v in sequence_loss(z, torch.tensor([[[0, -1]]])).tolist()]      # -log .8; the second place asks nothing
[0.2231]
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from heldout.core.errors import InputError
from heldout.core.population import Layout


def sequence_loss(z: Tensor, y: Tensor) -> Tensor:
    """Losses [r] in nats, the mean over places of y [r n l] that are not -1, of logits z [r n l c]."""
    asked = y >= 0
    each = F.cross_entropy(z.flatten(0, -2), y.flatten(), ignore_index=-1, reduction="none").view(y.shape)
    return each.sum((1, 2)) / asked.sum((1, 2)).clamp(min=1)


def sequence_gradient(
    logits: Callable[[Tensor, Tensor], Tensor], thetas: Tensor, x: Tensor, y: Tensor
) -> tuple[Tensor, Tensor]:
    """Losses [r] and gradients [r p] by one backward pass: replicas do not meet, so the sum of losses serves all."""
    leaf = thetas.detach().requires_grad_()
    with torch.enable_grad():
        losses = sequence_loss(logits(leaf, x), y)
        (gradient,) = torch.autograd.grad(losses.sum(), leaf)
    return losses.detach(), gradient


def embedded(table: Tensor, x: Tensor) -> Tensor:
    """Rows [r n l d] of each replica's own table [r c d] at tokens x [r n l]. Raises `InputError` for tokens it has no row for."""
    r, c, d = table.shape
    if x.ndim != 3 or x.shape[0] != r:
        raise InputError(
            f"tokens of shape {tuple(x.shape)} for {r} replicas", "give tokens [replicas, examples, length]"
        )
    if x.numel() and (int(x.min()) < 0 or int(x.max()) >= c):
        raise InputError(
            f"tokens from {int(x.min())} to {int(x.max())}", f"the net knows tokens 0 to {c - 1}"
        )
    shift = torch.arange(r, device=x.device).view(r, 1, 1) * c
    return F.embedding(x + shift, table.reshape(r * c, d))


def weights(layout: Layout, thetas: Tensor) -> dict[str, Tensor]:
    """Named weights [r ...] of thetas [r p] in the dtype of thetas, so that a net can be run in float64."""
    return Layout(layout.names, layout.shapes, (thetas.dtype,) * len(layout.names)).unflatten(thetas)
