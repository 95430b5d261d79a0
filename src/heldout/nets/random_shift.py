"""A layer that shifts square images by up to one pixel, anew at each step, in training mode only: augmentation inside a net.

Images come as flat rows; what moves over an edge is lost, and zeros come in. In eval mode the layer does nothing.

>>> layer = RandomShift(side=3)
>>> x = torch.arange(9.0).reshape(1, 9)
>>> layer.eval()(x).equal(x), layer.train()(x.expand(50, 9)).unique(dim=0).shape[0] == 9
(True, True)
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from heldout.core.errors import InputError


class RandomShift(nn.Module):
    """x [b side^2] -> the same shape; each image by its own (dy, dx) in {-1, 0, 1}^2, from torch's global generator."""

    def __init__(self, side: int) -> None:
        super().__init__()
        if side < 2:
            raise InputError(f"images of side {side}", "give a side of at least 2")
        self.side = side

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        b, s = len(x), self.side
        padded = F.pad(x.reshape(b, s, s), (1, 1, 1, 1))
        start = torch.randint(0, 3, (2, b, 1), device=x.device)
        rows, columns = start + torch.arange(s, device=x.device)
        index = torch.arange(b, device=x.device)[:, None, None]
        return padded[index, rows[:, :, None], columns[:, None, :]].reshape(b, s * s)
