"""A net whose numbers stand on a circle: the fixed embedding E[a] = (cos(2 pi a/p), sin(2 pi a/p)), and few neurons.

    z = relu((E[a] + E[b]) H) O E^T             H [2 h], O [h 2]; E is not trained, there are no biases

thetas [r 4h] hold H, then O; inputs x [r n 2] are E[a] + E[b]. With five neurons at equal angles it adds exactly.

>>> net = Circle(p=7, hidden=5)
>>> x = net.encode(torch.tensor([[[1, 2], [3, 3]]]))
>>> x.shape, net.start(0, [0, 1]).shape
(torch.Size([1, 2, 2]), torch.Size([2, 20]))
>>> losses, gradient = net.gradient(net.start(0, [0]), x, torch.tensor([[3, 6]]))
>>> losses.shape, gradient.shape
(torch.Size([1]), torch.Size([1, 20]))
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from heldout.core.errors import InputError
from heldout.core.population import Layout
from heldout.core.streams import stream
from heldout.nets.output_slope import Loss, output_slope


@dataclass(frozen=True)
class Circle:
    """The architecture; the published net has p = 67 and five neurons."""

    p: int
    hidden: int = 5

    def __post_init__(self) -> None:
        if min(self.p, self.hidden) < 1:
            raise InputError(f"p={self.p}, hidden={self.hidden}", "both must be at least 1")

    @property
    def layout(self) -> Layout:
        """Names and shapes of a row of thetas."""
        shapes = (torch.Size((2, self.hidden)), torch.Size((self.hidden, 2)))
        return Layout(("H", "O"), shapes, (torch.float32,) * 2)

    @property
    def embedding(self) -> Tensor:
        """E [p 2], rows of length 1."""
        angle = torch.arange(self.p) * (2 * math.pi / self.p)
        return torch.stack([angle.cos(), angle.sin()], 1)

    def encode(self, pairs: Tensor) -> Tensor:
        """E[a] + E[b] [... 2] of pairs [... 2]."""
        return self.embedding[pairs].sum(-2)

    def start(self, seed: int, replicas: Sequence[int], scale: float = 1.0) -> Tensor:
        """thetas [r 4h]: H ~ N(0, scale^2/2), O ~ N(0, scale^2/h) by `stream(seed, "start", replica)`."""
        stds = np.repeat([scale / math.sqrt(2.0), scale / math.sqrt(self.hidden)], 2 * self.hidden)
        rows = [stream(seed, "start", k).standard_normal(4 * self.hidden) * stds for k in replicas]
        return torch.from_numpy(np.stack(rows)).to(torch.float32)

    def logits(self, thetas: Tensor, x: Tensor) -> Tensor:
        """z [r n p] of x [r n 2]; differentiable."""
        parts = self.layout.unflatten(thetas)
        return torch.bmm(torch.relu(torch.bmm(x, parts["H"])), parts["O"] @ self.embedding.T)

    def gradient(
        self, thetas: Tensor, x: Tensor, y: Tensor, loss: Loss = "cross_entropy", scale: float = 1.0
    ) -> tuple[Tensor, Tensor]:
        """Losses [r] and gradients [r 4h] on x [r n 2], y [r n]."""
        parts, E = self.layout.unflatten(thetas), self.embedding
        inner = torch.bmm(x, parts["H"])
        hidden = torch.relu(inner)
        losses, dz = output_slope(torch.bmm(hidden, parts["O"] @ E.T), y, loss, scale)
        d_plane = dz @ E
        d_inner = torch.bmm(d_plane, parts["O"].mT).mul_(inner > 0)
        gradients = {"H": torch.bmm(x.mT, d_inner), "O": torch.bmm(hidden.mT, d_plane)}
        return losses, self.layout.flatten(gradients)
