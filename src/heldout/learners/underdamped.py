"""Underdamped Langevin steps over a population, preconditioned by a scale: the splitting BAOAB.

v <- v - (e/2) s grad U;  z <- z + (e/2) s v;  v <- c v + sqrt(1 - c^2) xi, c = exp(-friction e);  z <- z + (e/2) s v;
v <- v - (e/2) s grad U (Leimkuhler & Matthews 2013, Appl. Math. Res. Express 34). For quadratic U the positions have
exactly the right law at any stable step size e s sqrt(curvature) < 2: there is no bias of step size to correct.

>>> from heldout.learners.tempered import no_prior
>>> target = Tempered(lambda z: 2 * z.square().sum(1), no_prior, torch.ones(4000, dtype=torch.float64))
>>> state, noise = init(target, torch.zeros(4000, 2, dtype=torch.float64)), ReplicaNoise(0, "doc", 4000, 2)
>>> for _ in range(60):
...     state = step(target, state, noise, size=0.8, scale=torch.ones(2), friction=1.0)
>>> abs(float(state.point.loss.mean()) - 1.0) < 0.1
True
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from heldout.learners.replica_noise import ReplicaNoise
from heldout.learners.sgld import At
from heldout.learners.tempered import Point, Tempered


@dataclass(frozen=True)
class State:
    """Positions with their gradients, velocities [r p] in units of the scale, and the steps made."""

    point: Point
    velocity: Tensor
    steps: int = 0


def init(target: Tempered, z: Tensor, at: At | None = None) -> State:
    """The population at z [r p], at rest."""
    return State(target.at(z) if at is None else at(z, 0), torch.zeros_like(z))


def step(
    target: Tempered,
    state: State,
    noise: ReplicaNoise,
    size: float,
    scale: Tensor,
    friction: float = 1.0,
    at: At | None = None,
) -> State:
    """One step of size e in units of scale [p]. at as in `learners.sgld`: loss and slopes on a minibatch."""
    keep = math.exp(-friction * size)
    v = state.velocity - 0.5 * size * scale * target.slope(state.point)
    z = state.point.z + 0.5 * size * scale * v
    v = keep * v + math.sqrt(1 - keep * keep) * noise.normal(state.steps).to(z)
    z = z + 0.5 * size * scale * v
    steps = state.steps + 1
    point = target.at(z) if at is None else at(z, steps)
    return State(point, v - 0.5 * size * scale * target.slope(point), steps)
