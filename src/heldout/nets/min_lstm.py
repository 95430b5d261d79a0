"""minLSTM over a population: an LSTM whose gates do not see its own state, so that all places are computed at once (Feng et al. 2024).

    f_t = sigmoid(v_t Wf + bf),   i_t = sigmoid(v_t Wi + bi),   f' = f/(f + i),   i' = i/(f + i)
    h_t = f'_t h_(t-1) + i'_t g(v_t Wh + bh),   h_(-1) = 0

in residual layers, v = norm(u), u += h O. g as in `min_gru`. f' is computed as sigmoid(log f - log i), which stays right where f and i
both vanish. f' lies between 0 and 1, so that what `min_gru` says of parity holds here too.

>>> net = MinLSTM(tokens=4, width=8, layers=2)
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
from torch.nn import functional as F

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
class MinLSTM:
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
        """Names and shapes of a row of thetas; A holds Wf, Wi and Wh side by side."""
        d = self.width
        return stack_layout(self.tokens, d, self.layers, {"A": (d, 3 * d), "b": (3 * d,)})

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
        forget, enter, candidate = joined(v, w["A"], w["b"]).chunk(3, -1)
        candidate = positive(candidate) if self.candidate == "positive" else candidate
        odds = F.softplus(-enter) - F.softplus(-forget)  # log f - log i
        return linear_scan(torch.sigmoid(odds), torch.sigmoid(-odds) * candidate)
