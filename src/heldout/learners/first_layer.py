"""The first layer of a net under a Gaussian prior, drawn through its outputs: exact, and cheap where examples are few.

    w ~ N(0, std^2 I_d)  =>  h = X w ~ N(0, std^2 X X^T);   given h:  w = X^+ h + (I - X^+ X) std z,  z ~ N(0, I_d)
    with X = U S V^T of rank k:  h = std U S a,  a ~ N(0, I_k);   w = std (V a + (I - V V^T) z)

k numbers a unit instead of d say whether a guess fits; only survivors are lifted to weights. Exact for any X, also where
it is rank-deficient or has more examples than inputs. The norm of the layer is drawn beside (|w|^2 / std^2 = |a|^2 +
chi^2 of d - k degrees), so that losses can be normalized before anything is lifted; the lift then has that very norm.

>>> x = torch.tensor([[3.0, 4.0], [6.0, 8.0]], dtype=torch.float64)                   # rank 1
>>> layer = FirstLayer(x)
>>> drawn = layer.draw(20_000, units=1, seed=0, block=0)
>>> layer.rank, abs(float(layer.outputs(drawn)[:, 0, 0].square().mean()) - 25) < 1     # |x|^2
(1, True)
>>> w = layer.lift(drawn, 0, range(20_000))                                           # [n units d]
>>> torch.allclose(w @ x.T, layer.outputs(drawn))
True
>>> [abs(float(value) - 1) < 0.05 for value in w.var(0)[0]]
[True, True]
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from heldout.core.errors import InputError
from heldout.core.streams import stream
from heldout.learners.fast_draws import fill


class Drawn(NamedTuple):
    """n guesses of a layer: coordinates a [n units k] in the span of the examples, and |rest|^2 [n] of all else."""

    a: Tensor
    rest: Tensor

    def take(self, rows: Tensor) -> Drawn:
        """The guesses at `rows`."""
        return Drawn(self.a[rows], self.rest[rows])


class FirstLayer:
    """Gaussian first layers over examples x [b d]. A bias is one more input: `append_one` first, if wanted."""

    def __init__(self, x: Tensor, std: float = 1.0) -> None:
        if x.ndim != 2 or not x.is_floating_point() or not bool(x.isfinite().all()):
            raise InputError(
                f"examples are {tuple(x.shape)} {x.dtype}", "give finite floats [b d], one row an example"
            )
        if not 0 < std < math.inf:
            raise InputError(f"std = {std} is not positive and finite", "give a positive number")
        u, s, vt = torch.linalg.svd(x.double(), full_matrices=False)
        top = float(s[0]) if len(s) else 0.0
        self.rank = int((s > top * max(x.shape) * torch.finfo(x.dtype).eps).sum())
        self.std = std
        self.inputs = x.shape[1]
        self.to_outputs = (std * u * s)[:, : self.rank].to(x.dtype)  # [b k]
        self.span = vt[: self.rank].to(x.dtype)  # [k d]

    def draw(self, n: int, units: int, seed: int, block: int) -> Drawn:
        """n guesses of block number `block`; they depend on (seed, block) alone."""
        a = torch.empty(n, units, self.rank, dtype=self.span.dtype)
        fill(a, "gaussian", seed, "first layer", block)
        freedom = units * (self.inputs - self.rank)
        rest = stream(seed, "first layer, rest", block).chisquare(freedom, n) if freedom else [0.0] * n
        return Drawn(a, torch.as_tensor(rest, dtype=a.dtype))

    def outputs(self, drawn: Drawn) -> Tensor:
        """Pre-activations [n units b], W x^T, of every guess: one matrix product."""
        n, units, k = drawn.a.shape
        return (drawn.a.view(n * units, k) @ self.to_outputs.T).view(n, units, -1)

    def squared_norms(self, drawn: Drawn) -> Tensor:
        """|W|_F^2 [n] of the weights that `lift` gives."""
        return self.std**2 * (drawn.a.square().sum((1, 2)) + drawn.rest)

    def lift(self, drawn: Drawn, seed: int, guesses: Sequence[int]) -> Tensor:
        """Weights [n units d] that give those pre-activations; what is added to row k belongs to (seed, guesses[k]).

        The addition is orthogonal to all examples: uniform on the sphere of radius |rest|.
        """
        n, units, _ = drawn.a.shape
        z = torch.zeros(n, units, self.inputs, dtype=self.span.dtype)
        if self.rank < self.inputs:
            for row, guess in zip(z, guesses, strict=True):
                fill(row, "gaussian", seed, "first layer, lift", guess)
            z -= (z @ self.span.T) @ self.span
            z *= (drawn.rest.sqrt() / z.flatten(1).norm(dim=1))[:, None, None]
        return self.std * (drawn.a @ self.span + z)


def append_one(x: Tensor) -> Tensor:
    """Examples [b d+1] with a last input that is always 1: its weight is a bias of the same prior."""
    return torch.cat([x, x.new_ones(len(x), 1)], dim=1)
