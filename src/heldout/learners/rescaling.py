"""Rescaling moves: some weights times e^s, others times e^-s; an exact step along the valleys of products of weights.

Where a loss sees products (every layered model does), its low region has arms along which one factor grows and another
shrinks; gradient steps creep there. The move draws exponents c_j in {-1, 0, 1}, by whole tensors or for a pair of single
coordinates, and s symmetric about 0, maps w_j to w_j exp(c_j s), and is accepted with probability
min(1, exp(U(w) - U(w') + s sum_j c_j)): the last term is the map's Jacobian.

>>> target = Tempered(lambda z: (z[:, 0] * z[:, 1]).square(), box_prior, torch.full((400,), 1e6, dtype=torch.float64))
>>> state = hmc.init(target, torch.tensor([[0.5, 1e-4]], dtype=torch.float64).repeat(400, 1))
>>> moves, noise = Rescaling(torch.zeros(2).double(), torch.eye(2).double(), (1, 1)), ReplicaNoise(0, "doc", 400, 7)
>>> for k in range(20):
...     state, accepted = moves.step(target, state, noise.uniform(k))
>>> bool((state.point.z[:, 0] < state.point.z[:, 1]).double().mean() > 0.1)      # some went from one arm to the other
True
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from heldout.learners import hmc
from heldout.learners.replica_noise import ReplicaNoise  # noqa: F401 - the doctest's
from heldout.learners.tempered import Point, Tempered, box_prior  # noqa: F401

_SMALLEST, _LARGEST = 0.05, 6.0  # range of |s|, log-uniform
_OWN = 5  # uniforms a move takes beyond one for each tensor


@dataclass(frozen=True)
class Rescaling:
    """Weights are w = offset + rotation z in some unit; `tensors` are the sizes of the parts of w."""

    offset: Tensor
    rotation: Tensor
    tensors: Sequence[int]

    name = "rescaling"  # of its noise
    gradients = 1  # that a step takes

    @property
    def numbers(self) -> int:
        """Uniforms that a step takes for each replica."""
        return _OWN + len(self.tensors)

    def step(self, target: Tempered, state: hmc.State, uniform: Tensor) -> tuple[hmc.State, Tensor]:
        """One move of every replica; uniform [r numbers]. The state, and who accepted [r]."""
        here = state.point
        power = self._exponents(uniform)
        s = exponents(uniform[:, 0], uniform[:, 1])
        w = self.offset + here.z @ self.rotation.T
        there = target.at((w * torch.exp(power * s[:, None]) - self.offset) @ self.rotation)
        gain = target.energy(here) - target.energy(there) + s * power.sum(1)
        taken = uniform[:, 2].log() < torch.where(
            torch.isfinite(gain), gain, torch.full_like(gain, -torch.inf)
        )
        point = Point(*(torch.where(taken.view(-1, *[1] * (a.ndim - 1)), a, b) for a, b in zip(there, here)))
        return hmc.State(point, state.steps), taken

    def _exponents(self, uniform: Tensor) -> Tensor:
        """c [r p]: for even draws by tensors, for odd ones +1 and -1 at two coordinates."""
        p = self.offset.numel()
        sizes = torch.tensor(list(self.tensors))
        whole = (3 * uniform[:, _OWN:]).floor().clamp(max=2) - 1
        by_tensor = whole.repeat_interleave(sizes, dim=1)
        pair = (uniform[:, 3:5] * p).long().clamp(max=p - 1)
        single = torch.zeros_like(by_tensor)
        single.scatter_add_(1, pair[:, :1], torch.ones_like(single[:, :1]))
        single.scatter_add_(1, pair[:, 1:], -torch.ones_like(single[:, :1]))
        kind = (uniform[:, 2] * 1e6).long() % 2 == 0
        return torch.where(kind[:, None], by_tensor, single)


def exponents(size: Tensor, sign: Tensor) -> Tensor:
    """s [r], |s| log-uniform in its range, of uniform numbers [r]."""
    reach = _SMALLEST * (_LARGEST / _SMALLEST) ** size
    return torch.where(sign < 0.5, reach, -reach)
