"""minGRU over a population: a GRU whose gate does not see its own state, so that all places are computed at once (Feng et al. 2024).

    z_t = sigmoid(v_t Wz + bz),   h_t = (1 - z_t) h_(t-1) + z_t g(v_t Wh + bh),   h_(-1) = 0

in residual layers, v = norm(u), u += h O. g is the published positive one (v + 1/2 above 0, sigmoid(v) below) with
`candidate="positive"`, the identity with "plain". Published is a scan of logarithms, which needs g > 0; here the
recurrence is doubled itself, the same numbers without that need. Each unit is multiplied by 1 - z_t, between 0 and 1: linear
recurrences with positive eigenvalues alone cannot keep the parity of an arbitrarily long sequence at finite
precision, in any number of layers (Grazzi et al. 2024, arXiv 2411.12537).

>>> net = MinGRU(tokens=4, width=8, layers=2)
>>> thetas, x = net.start(0, [0, 1, 2]), torch.zeros(3, 5, 7, dtype=torch.long)
>>> net.logits(thetas, x).shape                                                # [r n l tokens]
torch.Size([3, 5, 7, 4])
>>> losses, gradient = net.gradient(thetas, x, x)
>>> losses.shape, gradient.shape == thetas.shape
(torch.Size([3]), True)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from heldout.core.errors import InputError
from heldout.core.population import Layout
from heldout.nets._linear_scan import linear_scan
from heldout.nets._recurrent_stack import (
    check_sizes,
    joined,
    positive,
    stack_layout,
    stack_logits,
    stack_start,
)
from heldout.nets._sequence_loss import sequence_gradient


@dataclass(frozen=True)
class MinGRU:
    """The architecture. Tokens x [r n l], answers y [r n l] with -1 where none is asked."""

    tokens: int
    width: int = 32
    layers: int = 3
    candidate: Literal["positive", "plain"] = "positive"

    def __post_init__(self) -> None:
        check_sizes(self.tokens, self.width, self.layers)
        if self.candidate not in ("positive", "plain"):
            raise InputError(f"candidate {self.candidate!r} is not known", 'use "positive" or "plain"')

    @property
    def layout(self) -> Layout:
        """Names and shapes of a row of thetas; A holds Wz and Wh side by side."""
        d = self.width
        return stack_layout(self.tokens, d, self.layers, {"A": (d, 2 * d), "b": (2 * d,)})

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
        gate, candidate = joined(v, w["A"], w["b"]).chunk(2, -1)
        candidate = positive(candidate) if self.candidate == "positive" else candidate
        return linear_scan(torch.sigmoid(-gate), torch.sigmoid(gate) * candidate)
