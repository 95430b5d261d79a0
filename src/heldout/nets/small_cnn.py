"""A small convolutional net for square grey images that come as flat rows: two convolutions, one pooling, one linear layer.

>>> import torch
>>> net = small_cnn(side=8, channels=16)
>>> net(torch.zeros(3, 64)).shape, sum(p.numel() for p in net.parameters())
(torch.Size([3, 10]), 9930)
"""

from __future__ import annotations

from torch import nn

from heldout.core.errors import InputError


def small_cnn(side: int = 8, channels: int = 16, outputs: int = 10) -> nn.Sequential:
    """x [b side^2] -> [b outputs]: 3 x 3 convolutions to c and 2c channels, means over 2 x 2, a linear layer."""
    if side < 4 or side % 2 or min(channels, outputs) < 1:
        raise InputError(
            f"side {side}, {channels} channels, {outputs} outputs", "give an even side of at least 4"
        )
    return nn.Sequential(
        nn.Unflatten(1, (1, side, side)),
        nn.Conv2d(1, channels, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(channels, 2 * channels, 3, padding=1),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(2 * channels * (side // 2) ** 2, outputs),
    )
