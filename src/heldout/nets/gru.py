"""GRU over a population (Cho et al. 2014), in torch's form, step by step: each gate sees the state.

    s_t = sigmoid(v Ws + h Us + bs),   z_t = sigmoid(v Wz + h Uz + bz),   c_t = tanh(v Wc + s_t (h Uc + bu) + bc)
    h_t = (1 - z_t) c_t + z_t h_(t-1),   h_(-1) = 0

in residual layers, v = norm(u), u += h O, as `min_gru`. All replicas take a step together, which is what makes a small population
as fast as a compiled single net.

>>> net = GRU(tokens=4, width=8, layers=2)
>>> thetas, x = net.start(0, [0, 1, 2]), torch.zeros(3, 5, 7, dtype=torch.long)
>>> net.logits(thetas, x).shape                                                # [r n l tokens]
torch.Size([3, 5, 7, 4])
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from heldout.core.population import Layout
from heldout.nets._recurrent_stack import check_sizes, joined, stack_layout, stack_logits, stack_start
from heldout.nets._sequence_loss import sequence_gradient


@dataclass(frozen=True)
class GRU:
    """The architecture. Tokens x [r n l], answers y [r n l] with -1 where none is asked."""

    tokens: int
    width: int = 32
    layers: int = 1

    def __post_init__(self) -> None:
        check_sizes(self.tokens, self.width, self.layers)

    @property
    def layout(self) -> Layout:
        """Names and shapes of a row of thetas; A and R hold the three W and U side by side, b and e their biases."""
        d = self.width
        cell = {"A": (d, 3 * d), "b": (3 * d,), "R": (d, 3 * d), "e": (d,)}
        return stack_layout(self.tokens, d, self.layers, cell)

    def start(self, seed: int, replicas: Sequence[int], scale: float = 1.0) -> Tensor:
        """thetas [r p], as `stack_start` says; biases 0."""
        return stack_start(self.layout, seed, replicas, scale, {})

    def logits(self, thetas: Tensor, x: Tensor) -> Tensor:
        """z [r n l tokens]; differentiable."""
        return stack_logits(self.layout, self.layers, self._cell, thetas, x)

    def gradient(self, thetas: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Losses [r] (mean cross-entropy in nats over places with y >= 0) and gradients [r p]."""
        return sequence_gradient(self.logits, thetas, x, y)

    def _cell(self, w: dict[str, Tensor], v: Tensor) -> Tensor:
        d, offset = self.width, w["e"].unsqueeze(1)
        gates, inputs = torch.split(joined(v, w["A"], w["b"]), [2 * d, d], -1)
        h = v.new_zeros(v.shape[0], v.shape[2], d)
        states = []
        for seen, given in zip(gates.unbind(1), inputs.unbind(1), strict=True):
            heard, back = torch.split(torch.bmm(h, w["R"]), [2 * d, d], -1)
            reset, keep = torch.sigmoid(seen + heard).chunk(2, -1)
            candidate = torch.tanh(torch.addcmul(given, reset, back + offset))
            h = torch.lerp(candidate, h, keep)
            states.append(h)
        return torch.stack(states, 1)
