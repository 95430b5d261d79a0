"""Langevin steps over a population, unadjusted, with full-batch or minibatch gradients (Welling & Teh 2011).

With U the energy, s the scale [p] and e the step size: z <- z - (e^2/2) s^2 g + e s xi, where g is the gradient of U or an
unbiased estimate of it. In equilibrium, for every U and for every unbiased g whose noise is independent of xi,
    E[(z - z0) . grad U] = p + (e^2/4) E|s g|^2   (the second moment of z does not change in a step),
so for quadratic U the bias of E[U] is exactly (e^2/8) E|s g|^2, gradient noise included, and that of the loss's part t L is
(e^2/8) E[s g . s grad(t L)], which `bias` returns: E[t L] - E[bias] is right at any stable step size.

>>> import torch
>>> from heldout.learners.tempered import no_prior
>>> target = Tempered(lambda z: 2 * z.square().sum(1), no_prior, torch.ones(4000, dtype=torch.float64))
>>> state, noise = init(target, torch.zeros(4000, 2, dtype=torch.float64)), ReplicaNoise(0, "doc", 4000, 2)
>>> for _ in range(30):
...     state = step(target, state, noise, size=0.8, scale=torch.ones(2))
>>> raw, corrected = state.point.loss.mean(), (state.point.loss - bias(target, state.point, 0.8, torch.ones(2))).mean()
>>> abs(float(raw) - 1 / 0.36) < 0.2, abs(float(corrected) - 1.0) < 0.1     # e^2 4/4 = .64: the raw value is 2.8 times off
(True, True)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from heldout.learners.replica_noise import ReplicaNoise
from heldout.learners.tempered import Point, Tempered

At = Callable[[Tensor, int], Point]


@dataclass(frozen=True)
class State:
    """Where the population is, with the gradients there, and how many steps it has made."""

    point: Point
    steps: int = 0


def init(target: Tempered, z: Tensor, at: At | None = None) -> State:
    """The population at z [r p]."""
    return State(target.at(z) if at is None else at(z, 0))


def step(
    target: Tempered,
    state: State,
    noise: ReplicaNoise,
    size: float | Tensor,
    scale: Tensor,
    at: At | None = None,
) -> State:
    """One step of size e (a number or [r 1]) in units of scale [p] or [r p].

    at(z, step) -> Point: loss and slopes on a minibatch of that step; None: on all data (`target.at`).
    """
    xi = noise.normal(state.steps).to(state.point.z)
    z = state.point.z + size * scale * (xi - 0.5 * size * scale * target.slope(state.point))
    steps = state.steps + 1
    return State(target.at(z) if at is None else at(z, steps), steps)


def bias(target: Tempered, point: Point, size: float | Tensor, scale: Tensor) -> Tensor:
    """(e^2/8) s g . s grad(t L) [r] at a point: averaged, what the step size adds to t E[L]."""
    scaled = size * scale
    return (scaled * target.slope(point) * scaled * target.t[:, None] * point.loss_slope).sum(1) / 8
