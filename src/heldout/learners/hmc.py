"""Hamiltonian Monte Carlo over a population, exact: every replica leapfrogs with its own step size and scale.

With U_i the energy of replica i, s_i [p] its scale and e_i its step size, momenta v ~ N(0, 1) in units of the scale:
    v <- v - (e/2) s grad U;  z <- z + e s v;  v <- v - (e/2) s grad U   (`leapfrogs` times), and the end is accepted with
probability min(1, exp(H_start - H_end)), H = U + |v|^2/2 (Neal 2011, MCMC using Hamiltonian dynamics, eq. 5.18-5.20).

>>> from heldout.learners.tempered import no_prior
>>> target = Tempered(lambda z: z.square().sum(1) / 2, no_prior, torch.ones(2000, dtype=torch.float64))
>>> state, noise = init(target, torch.zeros(2000, 3, dtype=torch.float64)), Draws(0, "doc", 2000, 3)
>>> for _ in range(12):
...     state, info = step(target, state, noise, size=torch.full((2000,), 0.8), scale=torch.ones(2000, 3), leapfrogs=3)
>>> abs(float(state.point.loss.mean()) - 1.5) < 0.1           # E U = p/2
True
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from heldout.learners.replica_noise import ReplicaNoise
from heldout.learners.tempered import Point, Tempered


@dataclass(frozen=True)
class State:
    """Where the population is, and how many steps it has made."""

    point: Point
    steps: int = 0


class Info(NamedTuple):
    """Acceptance probability [r] of the step, and the gradients it took, of each replica."""

    acceptance: Tensor
    gradients: int


class Draws:
    """The noise of the sampler: momenta [r p], and two uniforms [r 2] for acceptance and the jitter of the step size."""

    def __init__(self, seed: int | Sequence[int], name: str, replicas: int, parameters: int) -> None:
        self.momenta = ReplicaNoise(seed, f"{name} momenta", replicas, parameters)
        self.chances = ReplicaNoise(seed, f"{name} chances", replicas, 2)


def init(target: Tempered, z: Tensor) -> State:
    """The population at z [r p]."""
    return State(target.at(z))


def step(
    target: Tempered,
    state: State,
    draws: Draws,
    size: Tensor,
    scale: Tensor,
    leapfrogs: int,
    jitter: float = 0.5,
) -> tuple[State, Info]:
    """One trajectory of `leapfrogs` steps of size [r] in units of scale [r p].

    Each replica's size is multiplied by 10^(-jitter u), u uniform, so that no orbit closes on itself.
    """
    here = state.point
    chance = draws.chances.uniform(state.steps).to(here.z)
    each = (size * 10.0 ** (-jitter * chance[:, 0]))[:, None] * scale
    v = draws.momenta.normal(state.steps).to(here.z)
    start = target.energy(here) + 0.5 * v.square().sum(1)
    there = here
    v = v - 0.5 * each * target.slope(there)
    for k in range(leapfrogs):
        there = target.at(there.z + each * v)
        v = v - (1.0 if k + 1 < leapfrogs else 0.5) * each * target.slope(there)
    rise = target.energy(there) + 0.5 * v.square().sum(1) - start
    rise = torch.where(torch.isfinite(rise), rise, torch.full_like(rise, torch.inf))
    acceptance = torch.exp(-rise.clamp(min=0.0))
    taken = chance[:, 1] < acceptance
    point = Point(*(_where(taken, new, old) for new, old in zip(there, here)))
    return State(point, state.steps + 1), Info(acceptance, leapfrogs)


def _where(taken: Tensor, new: Tensor, old: Tensor) -> Tensor:
    return torch.where(taken.view(-1, *([1] * (new.ndim - 1))), new, old)
