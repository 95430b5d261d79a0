"""`ValleyMoves`: several proposals in a row along the valleys of a loss that sees products, each accepted by the rule of Metropolis.

Each is a map of w onto itself whose inverse is as likely to be drawn: rescaled units (unit_rescaling.py), which leave the loss as it is,
and entries (entry_rescaling.py), which hardly change it where that factor is free. It is accepted with probability
min(1, exp(U(w) - U(w') + log volume)), so the target stays what it is whatever the loss; the step goes far at any temperature.

>>> loss = lambda w: (w[:, 4:].view(-1, 2, 2) @ w[:, :4].view(-1, 2, 2)).square().sum((1, 2))
>>> moves = valley_moves(loss, torch.zeros(8).double(), torch.ones(8).double(), (4, 4), torch.eye(8).double())
>>> target = Tempered(loss, box_prior, torch.full((100,), 1e12).double())
>>> state = hmc.init(target, 1e-3 * torch.randn(100, 8, generator=torch.Generator().manual_seed(0)).double())
>>> noise = ReplicaNoise(0, "doc", 100, moves.numbers)
>>> for k in range(50):
...     state, accepted = moves.step(target, hmc.State(state.point, k), noise.uniform(k))
>>> bool((state.point.z.abs().amax(1) > 0.3).double().mean() > 0.7)          # from the crossing into the arms
True
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

import torch
from torch import Tensor

from heldout.learners import hmc
from heldout.learners.entry_rescaling import Entry, entries
from heldout.learners.replica_noise import ReplicaNoise  # noqa: F401 - the doctest's
from heldout.learners.tempered import Energy, Tempered, box_prior  # noqa: F401
from heldout.learners.unit_rescaling import Joint, joints

TIMES = 8  # proposals a step; with its eigenvectors each takes about as long as a gradient


@dataclass(frozen=True)
class ValleyMoves:
    """Weights are w = offset + rotation z in a unit that is the same within a tensor. Which kind is next goes round, the same for
    all replicas."""

    offset: Tensor
    rotation: Tensor
    kinds: Sequence[Joint | Entry]
    name = "valleys"  # of its noise
    gradients = 1 + TIMES  # that a step takes, or what takes as long

    @property
    def numbers(self) -> int:
        """Uniforms that a step takes for each replica: acceptance and the proposal's own, for each."""
        return TIMES * (1 + max(kind.numbers for kind in self.kinds))

    def step(self, target: Tempered, state: hmc.State, uniform: Tensor) -> tuple[hmc.State, Tensor]:
        """`TIMES` proposals to every replica; uniform [r numbers]. The state, and how many each accepted [r]."""
        z, loss, prior = state.point.z, state.point.loss, state.point.prior
        w = self.offset + z @ self.rotation.T
        accepted = torch.zeros_like(loss)
        for turn, chance in enumerate(uniform.view(len(uniform), TIMES, -1).unbind(1)):
            kind = self.kinds[(state.steps * TIMES + turn) % len(self.kinds)]
            there, volume = kind.propose(w, chance[:, 1:])
            new = (there - self.offset) @ self.rotation
            lost, pull = target.worth(new)
            gain = target.t * (loss - lost) + prior - pull + volume
            taken = chance[:, 0].log() < torch.where(
                torch.isfinite(gain), gain, torch.full_like(gain, -math.inf)
            )
            w, z = torch.where(taken[:, None], there, w), torch.where(taken[:, None], new, z)
            loss, prior = torch.where(taken, lost, loss), torch.where(taken, pull, prior)
            accepted += taken
        return hmc.State(target.at(z), state.steps), accepted


def valley_moves(
    energy: Energy, start: Tensor, radius: Tensor, sizes: Sequence[int], rotation: Tensor
) -> ValleyMoves | None:
    """The moves for a loss energy(w [r p]) -> [r] around w* = start [p], in units of radius [p], with tensors of these sizes; None
    where no joint is found."""
    found = joints(energy, start, radius, sizes)
    if not found:
        return None
    offset = start / radius
    mixed = chain.from_iterable(zip_longest(entries(found, offset), found))
    return ValleyMoves(offset, rotation, tuple(kind for kind in mixed if kind is not None))
