"""A dense ReLU net as a module, for `Recipe` and `Subject`: inputs -> hidden layers -> outputs, with dropout where wanted.

>>> import torch
>>> net = mlp(64, (32,), 10)
>>> sum(p.numel() for p in net.parameters()) == (64 + 1) * 32 + (32 + 1) * 10
True
>>> net(torch.zeros(5, 64)).shape
torch.Size([5, 10])
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from torch import nn

from heldout.core.errors import InputError


def mlp(inputs: int, hidden: Sequence[int], outputs: int, dropout: float = 0.0) -> nn.Sequential:
    """torch's own start, drawn from the global generator; dropout behind each hidden layer. Errors: sizes below 1."""
    sizes = [inputs, *hidden, outputs]
    if min(sizes) < 1 or not 0.0 <= dropout < 1.0:
        raise InputError(
            f"layers of {sizes} units, dropout {dropout}", "give sizes of at least 1 and dropout in [0, 1)"
        )
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(sizes[:-1]):
        layers += [nn.Linear(before, after), nn.ReLU()]
        if dropout:
            layers.append(nn.Dropout(dropout))
    layers.append(nn.Linear(sizes[-2], outputs))
    return nn.Sequential(*layers)
