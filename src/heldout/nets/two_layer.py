"""A two-layer net over a population: z = f(x W1 + b1) W2 + b2, with f(u) = u^2, max(u, 0) or GELU; biases where wanted.

thetas [r p] hold W1 [d h], W2 [h c], then b1 [h] and b2 [c]; inputs x [r n d], one data set a replica. The gradient is
written by hand over the stack: five batched products, no graph.

>>> net = TwoLayer(inputs=4, hidden=3, outputs=2, activation="relu")
>>> thetas = net.start(0, [0, 1])                               # replica k's start does not depend on the others
>>> thetas.shape, torch.equal(thetas[1:], net.start(0, [1]))
(torch.Size([2, 18]), True)
>>> x, y = torch.eye(4).expand(2, 4, 4), torch.tensor([[0, 1, 0, 1]] * 2)
>>> losses, gradient = net.gradient(thetas, x, y)
>>> losses.shape, gradient.shape
(torch.Size([2]), torch.Size([2, 18]))
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from heldout.core.errors import InputError
from heldout.core.population import Layout
from heldout.core.streams import stream
from heldout.nets.output_slope import Loss, output_slope

Activation = Literal["quadratic", "relu", "gelu"]


@dataclass(frozen=True)
class TwoLayer:
    """The architecture; `start`, `logits` and `gradient` take whole populations."""

    inputs: int
    hidden: int
    outputs: int
    activation: Activation = "relu"
    bias: bool = False

    def __post_init__(self) -> None:
        if min(self.inputs, self.hidden, self.outputs) < 1:
            raise InputError(
                f"a net of {self.inputs}, {self.hidden}, {self.outputs} units", "all three must be at least 1"
            )
        if self.activation not in ("quadratic", "relu", "gelu"):
            raise InputError(f"activation {self.activation!r} is not known", "use quadratic, relu or gelu")

    @property
    def layout(self) -> Layout:
        """Names and shapes of a row of thetas."""
        d, h, c = self.inputs, self.hidden, self.outputs
        shapes: dict[str, tuple[int, ...]] = {"W1": (d, h), "W2": (h, c)}
        if self.bias:
            shapes.update(b1=(h,), b2=(c,))
        sizes = tuple(torch.Size(s) for s in shapes.values())
        return Layout(tuple(shapes), sizes, (torch.float32,) * len(sizes))

    def start(self, seed: int, replicas: Sequence[int], scale: float = 1.0) -> Tensor:
        """thetas [r p]: weights N(0, scale^2/fan in) by `stream(seed, "start", replica)`, biases 0."""
        rows = []
        for replica in replicas:
            draw = stream(seed, "start", replica)
            one = draw.standard_normal((self.inputs, self.hidden)) * (scale / math.sqrt(self.inputs))
            two = draw.standard_normal((self.hidden, self.outputs)) * (scale / math.sqrt(self.hidden))
            zeros = np.zeros(self.layout.size - one.size - two.size)
            rows.append(np.concatenate([one.ravel(), two.ravel(), zeros]))
        return torch.from_numpy(np.stack(rows)).to(torch.float32)

    def logits(self, thetas: Tensor, x: Tensor) -> Tensor:
        """z [r n c] of x [r n d]; differentiable."""
        return self._outputs(self.layout.unflatten(thetas), _act(self._inner(thetas, x), self.activation))

    def neurons(self, thetas: Tensor, x: Tensor) -> Tensor:
        """f(x W1 + b1) [r n h]."""
        return _act(self._inner(thetas, x), self.activation)

    def gradient(
        self, thetas: Tensor, x: Tensor, y: Tensor, loss: Loss = "cross_entropy", scale: float = 1.0
    ) -> tuple[Tensor, Tensor]:
        """Losses [r] and their gradients [r p] on x [r n d], y [r n]; loss and scale as in `output_slope`."""
        parts = self.layout.unflatten(thetas)
        inner = self._inner(thetas, x)
        hidden = _act(inner, self.activation)
        losses, dz = output_slope(self._outputs(parts, hidden), y, loss, scale)
        d_inner = _act_slope(torch.bmm(dz, parts["W2"].mT), inner, self.activation)
        gradients = {"W1": torch.bmm(x.mT, d_inner), "W2": torch.bmm(hidden.mT, dz)}
        if self.bias:
            gradients.update(b1=d_inner.sum(1), b2=dz.sum(1))
        return losses, self.layout.flatten(gradients)

    def _inner(self, thetas: Tensor, x: Tensor) -> Tensor:
        parts = self.layout.unflatten(thetas)
        if self.bias:
            return torch.baddbmm(parts["b1"].unsqueeze(1), x, parts["W1"])
        return torch.bmm(x, parts["W1"])

    def _outputs(self, parts: dict[str, Tensor], hidden: Tensor) -> Tensor:
        if self.bias:
            return torch.baddbmm(parts["b2"].unsqueeze(1), hidden, parts["W2"])
        return torch.bmm(hidden, parts["W2"])


def _act(u: Tensor, activation: Activation) -> Tensor:
    if activation == "quadratic":
        return u.square()
    return torch.relu(u) if activation == "relu" else F.gelu(u)


def _act_slope(d: Tensor, u: Tensor, activation: Activation) -> Tensor:
    """d * f'(u), in place of d."""
    if activation == "quadratic":
        return d.mul_(u).mul_(2.0)
    if activation == "relu":
        return d.mul_(u > 0)
    normal = torch.exp(-0.5 * u.square()) / math.sqrt(2.0 * math.pi)
    return d.mul_(0.5 * (1.0 + torch.erf(u / math.sqrt(2.0))) + u * normal)
