"""LSTM over a population (Hochreiter & Schmidhuber 1997, with forget gates), step by step: each gate sees the state.

    i, f, o = sigmoid(v W + h U + b),   g = tanh(v Wg + h Ug + bg),   c_t = f c_(t-1) + i g,   h_t = o tanh(c_t)

in residual layers, v = norm(u), u += h O, as `min_gru`. The forget gates' biases start at 1 (Jozefowicz et al. 2015), all others at 0.

>>> net = LSTM(tokens=4, width=8, layers=2)
>>> thetas, x = net.start(0, [0, 1, 2]), torch.zeros(3, 5, 7, dtype=torch.long)
>>> net.logits(thetas, x).shape                                                # [r n l tokens]
torch.Size([3, 5, 7, 4])
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from heldout.core.population import Layout
from heldout.nets._recurrent_stack import check_sizes, joined, stack_layout, stack_logits, stack_start
from heldout.nets._sequence_loss import sequence_gradient


@dataclass(frozen=True)
class LSTM:
    """The architecture. Tokens x [r n l], answers y [r n l] with -1 where none is asked."""

    tokens: int
    width: int = 32
    layers: int = 1

    def __post_init__(self) -> None:
        check_sizes(self.tokens, self.width, self.layers)

    @property
    def layout(self) -> Layout:
        """Names and shapes of a row of thetas; A and R hold the W and U of i, f, o, g side by side."""
        d = self.width
        return stack_layout(self.tokens, d, self.layers, {"A": (d, 4 * d), "b": (4 * d,), "R": (d, 4 * d)})

    def start(self, seed: int, replicas: Sequence[int], scale: float = 1.0) -> Tensor:
        """thetas [r p], as `stack_start` says."""
        offset = np.repeat([0.0, 1.0, 0.0, 0.0], self.width)
        return stack_start(self.layout, seed, replicas, scale, {"b": offset})

    def logits(self, thetas: Tensor, x: Tensor) -> Tensor:
        """z [r n l tokens]; differentiable."""
        return stack_logits(self.layout, self.layers, self._cell, thetas, x)

    def gradient(self, thetas: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Losses [r] (mean cross-entropy in nats over places with y >= 0) and gradients [r p]."""
        return sequence_gradient(self.logits, thetas, x, y)

    def _cell(self, w: dict[str, Tensor], v: Tensor) -> Tensor:
        h = c = v.new_zeros(v.shape[0], v.shape[2], self.width)
        states = []
        for given in joined(v, w["A"], w["b"]).unbind(1):
            gates, new = torch.split(torch.baddbmm(given, h, w["R"]), [3 * self.width, self.width], -1)
            enter, forget, leave = torch.sigmoid(gates).chunk(3, -1)
            c = torch.addcmul(forget * c, enter, torch.tanh(new))
            h = leave * torch.tanh(c)
            states.append(h)
        return torch.stack(states, 1)
