"""`Tempered`: the density exp(-t L(z)) phi(z) for every replica's own t, with gradients; what the samplers move on.

U_i(z) = t_i (L(z) - L(0)) + P(z), with L an energy and P = -log phi a prior that no temperature touches.

>>> target = Tempered(lambda z: z.square().sum(1) / 2, no_prior, torch.tensor([1.0, 4.0]))
>>> at = target.at(torch.ones(2, 3))
>>> target.energy(at).tolist(), target.slope(at)[1].tolist()
([1.5, 6.0], [4.0, 4.0, 4.0])
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

Energy = Callable[[Tensor], Tensor]
Prior = Callable[[Tensor], tuple[Tensor, Tensor]]


def box_prior(z: Tensor) -> tuple[Tensor, Tensor]:
    """sum z^8 [r] and its gradient [r p]: nearly uniform on the box [-1, 1]^p, and smooth."""
    square = z * z
    sixth = square * square * square
    return (sixth * square).sum(1), 8.0 * sixth * z


def no_prior(z: Tensor) -> tuple[Tensor, Tensor]:
    """0 everywhere."""
    return torch.zeros_like(z[:, 0]), torch.zeros_like(z)


class Point(NamedTuple):
    """Positions [r p] with loss L - L(0) [r], prior energy P [r] and the gradient of each [r p]."""

    z: Tensor
    loss: Tensor
    prior: Tensor
    loss_slope: Tensor
    prior_slope: Tensor


@dataclass(frozen=True)
class Tempered:
    """loss(z [r p]) -> [r], differentiable; prior(z) -> (P [r], its gradient [r p]); t [r] the inverse temperatures."""

    loss: Energy
    prior: Prior
    t: Tensor

    def at(self, z: Tensor) -> Point:
        """Everything that a sampler needs at z [r p]. Where the loss is not finite it is inf; where it or its slope is not, the slope is
        0: steps along any slope that depends on the place alone are reversible and keep volumes."""
        with torch.inference_mode(False), torch.enable_grad():
            free = z.detach().requires_grad_(True)
            loss = self.loss(free)
            (slope,) = torch.autograd.grad(loss.sum(), free)
        prior, prior_slope = self.prior(free.detach())
        loss = loss.detach()
        doubt = loss + slope.sum(1)
        if not bool(torch.isfinite(doubt.sum())):
            loss = _finite_or_inf(loss)
            slope = torch.where(torch.isfinite(doubt)[:, None], slope, torch.zeros_like(slope))
        return Point(free.detach(), loss, prior, slope, prior_slope)

    def worth(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """loss and prior energy [r] at z [r p], as in `at`, without the slope of the loss."""
        with torch.no_grad():
            loss, (prior, _) = self.loss(z), self.prior(z)
        return _finite_or_inf(loss), prior

    def energy(self, point: Point) -> Tensor:
        """U [r]."""
        return self.t * point.loss + point.prior

    def slope(self, point: Point) -> Tensor:
        """Gradient of U [r p]."""
        return self.t[:, None] * point.loss_slope + point.prior_slope

    def with_t(self, t: Tensor) -> Tempered:
        """The same target at other temperatures."""
        return replace(self, t=t)


def _finite_or_inf(loss: Tensor) -> Tensor:
    return torch.where(torch.isfinite(loss), loss, torch.full_like(loss, torch.inf))
