"""The one-layer transformer of the published grokking experiments, over a population, and only where its answer is read.

    tokens (a, b, =), x_j = E[t_j] + P_j;  u = x_3 + sum_heads softmax_j(q . k_j / sqrt(d/4)) v_j O;  z = (u + relu(u W1 + b1) W2 + b2) U

No normalization, four heads, d = 128, 512 hidden units, p + 1 = 114 tokens in and out (Nanda et al. 2023). Only the last position
answers, and its query is the same for every pair: so there is one query a head, and keys and values are tables with a row a number.
The full form over all three positions gives the same logits (a test holds them together) for several times the work.

>>> net = ModularTransformer(p=5, width=8, hidden=12)
>>> thetas = net.start(0, [0, 1])
>>> x, y = torch.tensor([[[0, 1], [2, 3]]] * 2), torch.tensor([[1, 0]] * 2)
>>> net.logits(thetas, x).shape                                  # [r n tokens]
torch.Size([2, 2, 6])
>>> losses, gradient = net.gradient(thetas, x, y)
>>> losses.shape, gradient.shape == thetas.shape
(torch.Size([2]), True)
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
class ModularTransformer:
    """The architecture; the published net has p = 113, width 128, hidden 512, four heads. Inputs are the numbers a, b [r n 2]."""

    p: int
    width: int = 128
    hidden: int = 512
    heads: int = 4

    def __post_init__(self) -> None:
        if min(self.p, self.width, self.hidden, self.heads) < 1 or self.width % self.heads:
            raise InputError(
                f"p={self.p}, width={self.width}, hidden={self.hidden}, heads={self.heads}",
                "all must be at least 1, and the heads must divide the width",
            )

    @property
    def layout(self) -> Layout:
        """Names and shapes of a row of thetas; Q, K and V hold the heads side by side."""
        d, m, c = self.width, self.hidden, self.p + 1
        shapes = {"E": (c, d), "P": (3, d), "Q": (d, d), "K": (d, d), "V": (d, d), "O": (d, d),
                  "W1": (d, m), "b1": (m,), "W2": (m, d), "b2": (d,), "U": (d, c)}  # fmt: skip
        sizes = tuple(torch.Size(s) for s in shapes.values())
        return Layout(tuple(shapes), sizes, (torch.float32,) * len(sizes))

    def start(self, seed: int, replicas: Sequence[int], scale: float = 1.0) -> Tensor:
        """thetas [r p']: normals of variance 1/width (1/tokens for U), biases 0, by named streams."""
        layout, rows = self.layout, []
        for replica in replicas:
            draw = stream(seed, "start", replica)
            parts = []
            for name, shape in zip(layout.names, layout.shapes, strict=True):
                std = (
                    0.0
                    if name in ("b1", "b2")
                    else scale / math.sqrt(self.p + 1 if name == "U" else self.width)
                )
                parts.append(draw.standard_normal(shape.numel()) * std)
            rows.append(np.concatenate(parts))
        return torch.from_numpy(np.stack(rows)).to(torch.float32)

    def logits(self, thetas: Tensor, x: Tensor) -> Tensor:
        """z [r n p+1] of the numbers x [r n 2]; differentiable."""
        w = self.layout.unflatten(thetas)
        u, inner = self._hidden(w, x)
        return torch.bmm(torch.baddbmm(u + w["b2"].unsqueeze(1), torch.relu(inner), w["W2"]), w["U"])

    def neurons(self, thetas: Tensor, x: Tensor) -> Tensor:
        """Hidden activations [r n m]."""
        return torch.relu(self._hidden(self.layout.unflatten(thetas), x)[1])

    def gradient(
        self, thetas: Tensor, x: Tensor, y: Tensor, loss: Loss = "cross_entropy", scale: float = 1.0
    ) -> tuple[Tensor, Tensor]:
        """Losses [r] and gradients [r p'] on x [r n 2], y [r n]; loss and scale as in `output_slope`."""
        leaf = thetas.detach().requires_grad_()
        with torch.enable_grad():
            z = self.logits(leaf, x)
        losses, slope = output_slope(z.detach(), y, loss, scale)
        (gradient,) = torch.autograd.grad(z, leaf, slope)
        return losses, gradient

    def _hidden(self, w: dict[str, Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
        """The residual at the last position after attention [r n d], and the input of the hidden units [r n m]."""
        r, n, p, g = x.shape[0], x.shape[1], self.p, self.heads
        size = self.width // g
        table = w["E"][:, None, :p] + w["P"][:, :2, None]  # [r 2 p d]: numbers at the first and second place
        last = w["E"][:, p] + w["P"][:, 2]  # [r d]
        tokens = torch.cat([table.flatten(1, 2), last[:, None]], 1)  # [r 2p+1 d]
        query = torch.bmm(last[:, None], w["Q"]).view(r, 1, g, size)
        scores = (torch.bmm(tokens, w["K"]).view(r, -1, g, size) * query).sum(-1) / math.sqrt(
            size
        )  # [r 2p+1 g]
        values = torch.bmm(tokens, w["V"])
        rows = torch.cat([x, torch.full_like(x[..., :1], p)], -1) + x.new_tensor(
            [0, p, p]
        )  # [r n 3]: rows of `tokens`
        index = rows.flatten(1).unsqueeze(-1)
        attention = scores.gather(1, index.expand(-1, -1, g)).view(r, n, 3, g, 1).softmax(2)
        seen = values.gather(1, index.expand(-1, -1, self.width)).view(r, n, 3, g, size)
        mixed = (attention * seen).sum(2).flatten(2)  # [r n d]
        u = torch.baddbmm(last[:, None], mixed, w["O"])
        return u, torch.baddbmm(w["b1"].unsqueeze(1), u, w["W1"])
