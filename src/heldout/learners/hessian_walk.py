"""`HessianWalk`: Gaussian steps as wide in each direction as the surface is flat there, accepted by the rule of Metropolis and Hastings.

From z the proposal is N(z, h^2 S(z)), S(z) = V diag(1/(|l| + 1)) V' with l, V the eigenvalues and eigenvectors of t times the
Hessian of the loss at z (Qi & Minka 2002, Hessian-based Markov chain Monte Carlo algorithms; the absolute values are those of
Betancourt 2013, arXiv:1212.4693), and it is accepted with probability min(1, exp(U(z) - U(z')) N(z; z', h^2 S(z'))/N(z'; z, h^2 S(z))).
It walks along narrow arms of a set of zeros in whatever direction they lie, where rescaled weights only find those that lie along the axes.

>>> loss = lambda z: ((z[:, 0] + z[:, 1]) * (z[:, 0] - z[:, 1])).square()                  # arms along the diagonals
>>> target = Tempered(loss, box_prior, torch.full((200,), 1e4, dtype=torch.float64))
>>> state = hmc.init(target, torch.tensor([[0.5, 0.5]], dtype=torch.float64).repeat(200, 1))
>>> walk, noise = HessianWalk(2), ReplicaNoise(0, "doc", 200, HessianWalk(2).numbers)
>>> for k in range(40):
...     state, accepted = walk.step(target, hmc.State(state.point, k), noise.uniform(k))
>>> bool((state.point.z[:, 0] * state.point.z[:, 1] < 0).double().mean() > 0.1)             # some went to the other arm
True
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from heldout.core.products import differentiable
from heldout.learners import hmc
from heldout.learners.eigenvectors import eigenvectors
from heldout.learners.replica_noise import ReplicaNoise  # noqa: F401 - the doctest's
from heldout.learners.tempered import Tempered, box_prior  # noqa: F401

TIMES = 2  # proposals a step
_SHORTEST, _LONGEST = 0.1, 2.0  # range of h, log-uniform


@dataclass(frozen=True)
class HessianWalk:
    """For losses of `parameters` coordinates; every proposal takes the loss's whole Hessian."""

    parameters: int
    name = "Hessian walk"  # of its noise

    @property
    def gradients(self) -> int:
        """That a step takes: a row of the Hessian counts as one."""
        return 1 + (1 + TIMES) * (1 + self.parameters)

    @property
    def numbers(self) -> int:
        """Uniforms that a step takes for each replica: h, acceptance and the direction, for each proposal."""
        return TIMES * (2 + self.parameters)

    def step(self, target: Tempered, state: hmc.State, uniform: Tensor) -> tuple[hmc.State, Tensor]:
        """`TIMES` proposals to every replica; uniform [r numbers]. The state, and how many each accepted [r]."""
        z, loss, prior = state.point.z, state.point.loss, state.point.prior
        width, axes = _shape(target, z)
        accepted = torch.zeros_like(loss)
        for chance in uniform.view(len(uniform), TIMES, -1).unbind(1):
            h = _SHORTEST * (_LONGEST / _SHORTEST) ** chance[:, :1]
            xi = torch.special.ndtri(chance[:, 2:].clamp(1e-12, 1 - 1e-12))
            step = (axes @ (h * width * xi)[..., None])[..., 0]
            there = z + step
            lost, pull = target.worth(there)
            new_width, new_axes = _shape(target, there)
            back = (new_axes.mT @ step[..., None])[..., 0] / (h * new_width)
            forth = 0.5 * xi.square().sum(1) + width.log().sum(
                1
            )  # -log densities of the step and of the way back
            gain = target.t * (loss - lost) + prior - pull + forth
            gain = gain - 0.5 * back.square().sum(1) - new_width.log().sum(1)
            taken = chance[:, 1].log() < torch.where(
                torch.isfinite(gain), gain, torch.full_like(gain, -torch.inf)
            )
            z, width = torch.where(taken[:, None], there, z), torch.where(taken[:, None], new_width, width)
            axes = torch.where(taken[:, None, None], new_axes, axes)
            loss, prior = torch.where(taken, lost, loss), torch.where(taken, pull, prior)
            accepted += taken
        return hmc.State(target.at(z), state.steps), accepted


def _shape(target: Tempered, z: Tensor) -> tuple[Tensor, Tensor]:
    """Widths [r p] along axes [r p p] at z [r p]; 1 along all where the Hessian is not finite or there is none."""
    with differentiable():
        free = z.detach().requires_grad_(True)
        (slope,) = torch.autograd.grad(target.loss(free).sum(), free, create_graph=True)
        rows = [torch.zeros_like(z)] * z.shape[1]
        if slope.requires_grad:
            columns = slope.unbind(1)
            found = [
                torch.autograd.grad(s.sum(), free, retain_graph=True, allow_unused=True) for s in columns
            ]
            rows = [blank if row is None else row for blank, (row,) in zip(rows, found)]
    hessian = target.t[:, None, None] * torch.stack(rows, dim=1)
    hessian = (hessian + hessian.mT) / 2
    sound = torch.isfinite(hessian).flatten(1).all(1)
    values, axes = eigenvectors(torch.where(sound[:, None, None], hessian, torch.zeros_like(hessian)))
    return (values.abs() + 1.0).rsqrt(), axes
