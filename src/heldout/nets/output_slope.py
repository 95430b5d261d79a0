"""The loss of a whole population and its slope at the outputs, by hand: where stacked gradients start.

Cross-entropy, mean over examples, times `scale`: L = scale/n sum_i -log softmax(z_i)_{y_i}, dL/dz = scale/n (softmax(z) -
onehot(y)). Squared error: L = scale/n sum_i |z_i - onehot(y_i)|^2 / c, dL/dz = 2 scale/(n c) (z - onehot(y)).

>>> z = torch.log(torch.tensor([[[.8, .2], [.5, .5]]]))              # [r n c]
>>> losses, slope = output_slope(z, torch.tensor([[0, 1]]))
>>> round(float(losses), 4), [round(v, 2) for v in slope.flatten().tolist()]      # (.2231 + .6931) / 2
(0.4581, [-0.1, 0.1, 0.25, -0.25])
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

Loss = Literal["cross_entropy", "squared"]


def output_slope(
    z: Tensor, y: Tensor, loss: Loss = "cross_entropy", scale: float = 1.0
) -> tuple[Tensor, Tensor]:
    """Losses [r] and dL/dz [r n c] of outputs z [r n c] and classes y [r n]; z itself is not changed."""
    n, c = z.shape[-2:]
    index = y.unsqueeze(-1)
    if loss == "squared":
        slope = z.scatter_add(-1, index, torch.full_like(index, -1, dtype=z.dtype))
        losses = slope.square().sum((-1, -2)) * (scale / (n * c))
        return losses, slope.mul_(2.0 * scale / (n * c))
    slope = torch.log_softmax(z, -1)
    losses = -slope.gather(-1, index).mean((-1, -2)) * scale
    slope.exp_().scatter_add_(-1, index, torch.full_like(index, -1, dtype=z.dtype))
    return losses, slope.mul_(scale / n)
