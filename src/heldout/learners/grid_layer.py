"""The first layer of a net under a uniform prior on a grid: its weights stay integers until somebody wants them.

    w = step k + shift,  k uniform on the integers of 16 or 32 bits  =>  W x^T = K (step x)^T + shift sum_j x_j

k comes straight from the generator's words. It is made a float a cache's worth at a time, inside the product; only the weights of
guesses that fit are ever written down. The same numbers as `fast_draws.fill` gives for the same stream.

>>> from heldout.learners.fast_draws import fill
>>> x = torch.tensor([[3.0, 4.0], [6.0, 8.0]])
>>> layer = GridLayer(x, "uniform 16")
>>> drawn = layer.draw(1000, units=5, seed=0, block=0)
>>> w = layer.weights(drawn)                                                          # [n units d]
>>> torch.allclose(layer.outputs(drawn), w @ x.T, atol=1e-5), torch.equal(w, fill(torch.empty(w.shape), "uniform 16", 0, "layer", 0, 0))
(True, True)
"""

from __future__ import annotations

import torch
from torch import Tensor

from heldout.core.errors import InputError
from heldout.learners.fast_draws import Law, grid, integers

CHUNK = 1 << 17  # floats at a time: half a MiB, beside the integers in the core's cache


class GridLayer:
    """Uniform first layers over examples x [b d], float32. A bias is one more input that is always 1."""

    def __init__(self, x: Tensor, law: Law) -> None:
        if law == "gaussian" or x.dtype != torch.float32 or x.ndim != 2:
            raise InputError(
                f"{law} weights on examples {tuple(x.shape)} {x.dtype}",
                "give a uniform law and float32 examples [b d]",
            )
        self.law = law
        self.inputs = x.shape[1]
        self.step, self.shift = grid(law)
        self.to_outputs = (x.T * self.step).contiguous()  # [d b]
        self.shifts = x.sum(1) * self.shift  # [b]

    def draw(self, n: int, units: int, seed: int, block: int) -> Tensor:
        """n guesses of block number `block` as integers [n units d]; they depend on (seed, block) alone."""
        return integers(n * units * self.inputs, self.law, seed, "layer", 0, block).view(
            n, units, self.inputs
        )

    def outputs(self, drawn: Tensor) -> Tensor:
        """Pre-activations [n units b], W x^T, of every guess."""
        n, units, d = drawn.shape
        rows, b = n * units, len(self.shifts)
        flat, h = drawn.view(rows, d), torch.empty(rows, b)
        many = max(1, CHUNK // d)
        floats = torch.empty(min(many, rows), d)
        for at in range(0, rows, many):
            part = flat[at : at + many]
            floats[: len(part)].copy_(part)
            torch.addmm(self.shifts, floats[: len(part)], self.to_outputs, out=h[at : at + many])
        return h.view(n, units, b)

    def weights(self, drawn: Tensor) -> Tensor:
        """Weights [n units d] of the guesses given."""
        return drawn.to(torch.float32).mul_(self.step).add_(self.shift)
