"""`Problem`: a loss around a point w*, in coordinates in which the search box is [-1, 1]^p.

u = (w - w*)/R with R one radius a tensor, a fraction of its largest weight, so that moving a factor from one
layer to the next changes nothing; z = Q^T u with Q the eigenvectors of the Hessian in u, so that stiff directions are axes.

>>> flat = problem_of_energy(lambda w: (w[:, 0] + w[:, 1]).square() / 2, torch.tensor([2.0, -2.0]))
>>> flat.radius.tolist(), flat.start_loss, round(float(flat.loss(torch.tensor([[1.0, 1.0]]).double() @ flat.rotation)), 6)
([1.0, 1.0], 0.0, 2.0)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from heldout.core.batch import len_of
from heldout.core.errors import InputError
from heldout.core.options import check_whole
from heldout.core.products import differentiable
from heldout.core.second_order import parameters as parameters_of
from heldout.core.selection import Parameters, select
from heldout.core.subject import Subject
from heldout.learners.blocks import blocks
from heldout.learners.hessian_walk import HessianWalk
from heldout.learners.identities import STIFF, Identities
from heldout.learners.rescaling import Rescaling
from heldout.learners.valley_moves import ValleyMoves, valley_moves
from heldout.measures.posterior.asked_once import (
    Prior,
    check_prior,
    check_steady,
    checked_start,
    loss_at,
)
from heldout.measures.posterior.mean_loss import Energy, OnRows, chosen_rows, decay_of, mean_loss
from heldout.measures.posterior.parts import parts_of, radii
from heldout.measures.posterior.settings import check_localization

RADIUS, NOISY_RADIUS = 0.5, 1.0  # of a tensor's largest weight; with noise the posterior at t = n is wide
ROTATE_UP_TO = 700
WALK_UP_TO = 12  # a proposal takes the whole Hessian


@dataclass(frozen=True)
class Problem:
    """energy(thetas [r p]) -> L_n [r] in nats (mean over n examples; n None: an exact K without noise) around start [p].

    radius [p]; rotation [p p] and curvature [p]: the Hessian in u at w*, 0 where it is not taken; log_prior(thetas) -> [r]: a prior that is not flat in the box; gamma: instead of the box a
    Gaussian (gamma/2)|w - w*|^2; on_rows(thetas [r p], rows [r b]) -> [r]: the mean loss of each replica's own rows.
    """

    energy: Energy
    start: Tensor
    n: int | None
    radius: Tensor
    rotation: Tensor
    curvature: Tensor
    start_loss: float
    resolution: float
    tensors: tuple[int, ...]
    log_prior: Prior | None = None
    gamma: float | None = None
    on_rows: OnRows | None = None

    @property
    def parameters(self) -> int:
        """p."""
        return int(self.start.numel())

    @cached_property
    def moves(self) -> tuple[Rescaling | ValleyMoves | HessianWalk, ...]:
        """Exact steps along valleys: rescaled tensors and pairs of weights; and, without noise, what the loss's own
        symmetries or else its Hessians allow, for t goes far beyond any n there, to where no chain travels by gradients."""
        tensors = Rescaling(self.start / self.radius, self.rotation, self.tensors)
        if self.n is not None:
            return (tensors,)
        valleys = valley_moves(self.energy, self.start, self.radius, self.tensors, self.rotation)
        if valleys is not None:
            return tensors, valleys
        regular = float(self.curvature.min()) > STIFF * float(self.curvature.max())  # no valley, and no arms
        walked = self.parameters <= WALK_UP_TO and not regular and _bends(self.energy, self.start) is not None
        return (tensors, HessianWalk(self.parameters)) if walked else (tensors,)

    @property
    def identities(self) -> Identities:
        """Numbers of known mean 0 for this problem's chains."""
        noise = self.n is not None
        return Identities(self.start / self.radius, self.rotation, self.curvature, self.tensors, noise)

    @property
    def localization(self) -> str:
        """What keeps the chains near w*, in words."""
        if self.gamma is not None:
            return f"gamma = {self.gamma:g}"
        return f"box of {float(self.radius.min()):.3g} to {float(self.radius.max()):.3g}"

    def thetas(self, z: Tensor) -> Tensor:
        """w [r p] of z [r p]."""
        return self.start + self.radius * (z @ self.rotation.T)

    def loss(self, z: Tensor) -> Tensor:
        """L(w) - L(w*) [r], float64."""
        return self.energy(self.thetas(z)).to(torch.float64) - self.start_loss

    def prior(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Energy [r] and slope [r p] of the prior: sum u^8, and what `log_prior` adds."""
        u = z @ self.rotation.T
        if self.gamma is not None:
            pull = self.gamma * self.radius.square() * u
            value, slope = 0.5 * (pull * u).sum(1), pull @ self.rotation
        else:
            square = u * u
            sixth = square * square * square
            value, slope = (sixth * square).sum(1), (8.0 * sixth * u) @ self.rotation
        if self.log_prior is None:
            return value, slope
        with torch.enable_grad():
            free = z.detach().requires_grad_(True)
            extra = -self.log_prior(self.thetas(free))
            (more,) = torch.autograd.grad(extra.sum(), free)
        return value + extra.detach(), slope + more


def problem_of_energy(
    energy: Energy,
    start: Tensor,
    n: int | None = None,
    tensors: Sequence[int] | None = None,
    radius: float | None = None,
    log_prior: Prior | None = None,
    gamma: float | None = None,
    on_rows: OnRows | None = None,
    groups: Sequence[int] | None = None,
    precision: torch.dtype | None = None,
) -> Problem:
    """A problem of a plain energy. tensors: the sizes of w's parts, each with its own radius (None: found by trying, `blocks`).

    groups: parts of one number share a radius. radius: the same for every coordinate. precision: that the loss is computed in, where it
    is coarser than what the energy returns. Raises `InputError` where nothing can be computed at w*, `Withheld` where the
    slope at w* is not finite.
    """
    w = checked_start(energy, start, n)
    for name, function in (("log_prior", log_prior), ("on_rows", on_rows)):
        if function is not None and not callable(function):
            raise InputError(f"{name} is a {type(function).__name__}", "pass a function of thetas [r p]")
    check_localization(gamma, radius)
    gamma = None if gamma is None else float(gamma)
    parts = None if tensors is None else parts_of(w, tensors)
    loss = loss_at(energy, w)
    if parts is None:
        parts = blocks(energy, w, radius)
        # Single weights share a radius, with noise all do: what is near 0 by chance is not thereby fixed.
        groups = [0 if size == 1 or n is not None else 1 + place for place, size in enumerate(parts)]
    size = (
        radii(w, parts, RADIUS if n is None else NOISY_RADIUS, groups)
        if radius is None
        else torch.full_like(w, float(radius))
    )
    check_steady("the energy", energy, w, size)
    if log_prior is not None:
        check_prior(log_prior, w, size)
    resolution = torch.finfo(precision or loss.dtype).eps * max(abs(float(loss)), 1e-12)
    rotation, curvature = _axes(energy, w, size)
    return Problem(
        energy,
        w,
        n,
        size,
        rotation,
        curvature,
        float(loss),
        resolution,
        parts,
        log_prior,
        gamma,
        on_rows,
    )


def problem_of_subject(
    subject: Subject,
    replica: int = 0,
    rows: Tensor | None = None,
    parameters: Parameters = None,
    weight_decay: float | None = None,
    tensors: Sequence[int] | None = None,
    radius: float | None = None,
    gamma: float | None = None,
) -> tuple[Problem, str]:
    """The mean training loss of a subject around its own parameters, and how its prior was chosen.

    rows [m]: the examples of train that count; parameters: names, a mask [p] or indices of the coordinates that move.
    weight_decay: adds (weight_decay/2)|w|^2 to the mean loss; None takes the recipe's. tensors: None takes the subject's
    layout, with one radius a module (a bias near 0 by chance is not thereby fixed).
    """
    thetas = parameters_of(subject)
    assert subject.loss is not None
    check_whole(replica=replica)
    check_localization(gamma, radius)
    if not 0 <= replica < len(thetas):
        raise InputError(f"replica is {replica} of {len(thetas)}", "count them from 0")
    start = thetas[replica]
    batch = chosen_rows(subject.train, rows)
    n = len_of(batch)
    chosen = select(parameters, start.numel(), subject.layout)
    decay, how = decay_of(subject, weight_decay)
    energy, on_rows = mean_loss(subject.loss, batch, start, chosen.index, decay)
    groups = chosen.groups if tensors is None else None
    sizes = chosen.sizes if tensors is None else tensors
    moving = start[chosen.index]
    made = problem_of_energy(energy, moving, n, sizes, radius, None, gamma, on_rows, groups, moving.dtype)
    return made, how


def _axes(energy: Energy, w: Tensor, radius: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvectors [p p] and eigenvalues [p] of the Hessian in u at w*; identity and 0 for too many coordinates."""
    p = w.numel()
    nothing = torch.eye(p, dtype=torch.float64), torch.zeros(p, dtype=torch.float64)
    if p > ROTATE_UP_TO:
        return nothing
    hessian = _bends(energy, w, radius)
    if hessian is None:
        return nothing
    largest = float(hessian.abs().max())
    if not (largest > 0) or not bool(torch.isfinite(hessian).all()):
        return nothing
    if float((hessian - hessian.diag().diag()).abs().max()) < 1e-9 * largest:
        return nothing[0], hessian.diag().clone()
    values, vectors = torch.linalg.eigh(hessian)
    return vectors, values


def _bends(energy: Energy, w: Tensor, radius: Tensor | float = 1.0) -> Tensor | None:
    """The Hessian [p p] in u = (w - w*)/radius at w* = w [p], 0 where the slope is constant; None where torch knows no second derivative."""
    p = w.numel()
    with differentiable():
        u = torch.zeros(1, p, dtype=torch.float64, requires_grad=True)
        try:
            (slope,) = torch.autograd.grad(energy(w + radius * u).sum(), u, create_graph=True)
            if not slope.requires_grad:  # piecewise linear
                return torch.zeros(p, p, dtype=torch.float64)
            rows = [torch.autograd.grad(s, u, retain_graph=True, allow_unused=True)[0] for s in slope[0]]
        except RuntimeError:  # NotImplementedError too: an operation whose backward pass has no derivative (torch.cdist with p = 3)
            return None
    hessian = torch.stack([torch.zeros(p, dtype=torch.float64) if row is None else row[0] for row in rows])
    return (hessian + hessian.T) / 2
