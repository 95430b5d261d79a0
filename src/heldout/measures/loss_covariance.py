"""Susceptibility between examples: the covariance of their losses over the posterior around a trained model.

    C_ij = n beta Cov(l_i(w), l_j(w)),  w ~ exp(-n beta L_n(w)) in the box or under the localization (gamma/2)|w - w*|^2
-C_ij / n is, to first order, how much the mean loss of example i changes when example j counts for a little more: what the
Bayesian influence matrix holds (Giordano et al. 2018; Kreer et al. 2025). For a model that is linear in its parameters with
Gaussian noise, near a minimum, C tends to the influence functions g_i^T H^-1 g_j as n beta grows.

Langevin steps of size e in units of the spread widen the posterior by about e^2/4, at most 4%: not corrected, but reported.
Each chain gives a covariance of its own (about the mean of all chains); stderr is over chains. The matrix is [n n], or [n k] with
`of=` some of the examples; where it does not fit the memory that was allowed, it is refused with the size that it needs.

>>> from torch import nn
>>> X = torch.randn(40, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
>>> model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Flatten(0)).double()
>>> y = X[:, 0] + 0.3 * torch.cos(torch.arange(40.0, dtype=torch.float64))
>>> model[0].weight.data = (X.T @ y / (X.T @ X)).clone()
>>> subject = Subject.from_torch(model, train=(X, y), loss=lambda out, y: 0.5 * (out - y).square())
>>> found = loss_covariance(subject, n_beta=1e4, gamma=0.0)
>>> g = ((model(X) - y)[:, None] * X).detach()                                      # gradients of the examples' losses
>>> influence = (g @ g.T / X.square().mean()).numpy()
>>> bool(np.abs(found.covariance - influence).max() < 0.1 * np.abs(influence).max())
True
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heldout.core.batch import take
from heldout.core.errors import InputError, Withheld
from heldout.core.options import check_real, check_whole
from heldout.core.population import over_replicas
from heldout.core.second_order import parameters as parameters_of
from heldout.core.selection import Parameters, select
from heldout.core.subject import Subject
from heldout.measures.posterior.many import langevin_many
from heldout.measures.posterior.mean_loss import decay_of, mean_loss
from heldout.measures.posterior.parts import radii
from heldout.measures.posterior.problem import NOISY_RADIUS
from heldout.measures.posterior.settings import check_localization
from heldout.stats.rhat_ess import ess, r_hat

Floats = NDArray[np.float64]
MEMORY_BYTES = 1 << 30
LARGEST_R_HAT = 1.1


@dataclass(frozen=True)
class LossCovariance:
    """covariance [n k] = n beta Cov(l_i, l_j) with stderr [n k] over chains; rows: the j [k]; mean_loss [n] under the posterior.

    r_hat, ess of the total loss; choices: every setting.
    """

    covariance: Floats
    stderr: Floats
    rows: NDArray[np.int64]
    mean_loss: Floats
    r_hat: float
    ess: float
    choices: dict[str, float | int | str]


def loss_covariance(
    subject: Subject,
    seed: int = 0,
    *,
    of: Tensor | None = None,
    n_beta: float | None = None,
    gamma: float | None = None,
    radius: float | None = None,
    parameters: Parameters = None,
    weight_decay: float | None = None,
    replica: int = 0,
    chains: int = 8,
    burn: int = 400,
    draws: int = 1000,
    memory_bytes: int = MEMORY_BYTES,
) -> LossCovariance:
    """The matrix on the training data at the subject's parameters; of [k]: the examples j, default all n.

    Raises `InputError` for options out of range, `Withheld` where the memory does not suffice or the chains diverge,
    disagree or find a lower loss.
    """
    thetas = parameters_of(subject)
    assert subject.loss is not None
    batch, n = subject.train, int(subject.train.y.shape[0])
    if n < 2:
        raise InputError(f"the loss is over {n} example", "give at least 2")
    rows = torch.arange(n) if of is None else of.flatten().to(torch.int64)
    if len(rows) == 0 or int(rows.min()) < 0 or int(rows.max()) >= n:
        raise InputError(f"of selects {len(rows)} of {n} examples", "give numbers of training examples")
    check_whole(seed=seed, replica=replica, chains=chains, burn=burn, draws=draws)
    check_real(or_none=True, n_beta=n_beta)
    t = n / math.log(n) if n_beta is None else n_beta
    if not 0 < t < math.inf:
        raise InputError(f"n beta is {t}", "give a positive number; n/log n is the usual one")
    check_localization(gamma, radius)
    if chains < 4 or burn < 50 or draws < 100:
        raise InputError(
            f"chains={chains}, burn={burn}, draws={draws}", "give at least 4 chains, 50 steps and 100 draws"
        )
    needed = 8 * n * len(rows) * (chains + 3)
    if needed > memory_bytes:
        fits = memory_bytes // (8 * n * (chains + 3))
        raise Withheld(
            f"the covariance of {n} by {len(rows)} examples over {chains} chains needs {needed / 2**30:.2f} GiB, and {memory_bytes / 2**30:.2f} are allowed",
            f"pass of= with at most {fits} examples, or memory_bytes=",
        )
    chosen = select(parameters, thetas.shape[1], subject.layout)
    decay, prior = decay_of(subject, weight_decay)
    start = thetas[replica]
    energy, _ = mean_loss(subject.loss, batch, start, chosen.index, decay)
    w = start[chosen.index].to(torch.float64)
    size = (
        radii(w, chosen.sizes, NOISY_RADIUS, chosen.groups) if radius is None else torch.full_like(w, radius)
    )
    sums = _Sums(_losses(subject, start, chosen.index), rows, chains, n)

    def seen(z: Tensor) -> None:
        sums.add(w + size * z)

    run = langevin_many(energy, w[None], size[None], t, seed, gamma, chains, burn, draws, seen)
    total = run.loss[:, 0].T  # [c draws]
    if not np.isfinite(total).all():
        raise Withheld("the chains diverge: the loss is not finite", "use a smaller n beta or a larger gamma")
    if float(total.mean()) <= 0:
        raise Withheld(
            f"w* is no minimum: the loss is lower by {-float(total.min()):.3g} nearby", "train further"
        )
    hat, size_of = r_hat(total), ess(total)
    if hat > LARGEST_R_HAT:
        raise Withheld(f"the chains disagree: R-hat {hat:.3f}, above {LARGEST_R_HAT:g}", "give more draws")
    covariance, stderr = sums.covariance(draws)
    choices: dict[str, float | int | str] = {
        "n beta": t, "chains": chains, "burn": burn, "draws": draws, "seed": seed, "prior": prior,
        "localization": f"gamma = {gamma:g}" if gamma is not None else f"box of {float(size.min()):.3g} to {float(size.max()):.3g}",
        "step size": float(run.size[0]),
        "share that the step size adds, about": float(run.size[0]) ** 2 / 4,
    }  # fmt: skip
    return LossCovariance(t * covariance, t * stderr, rows.numpy(), sums.mean(draws), hat, size_of, choices)


def _losses(subject: Subject, start: Tensor, moving: Tensor) -> Callable[[Tensor], Tensor]:
    """Losses [c n] of the training examples for the moving coordinates [c m], float64."""
    loss = subject.loss
    assert loss is not None

    def one(theta: Tensor, batch: object) -> Tensor:
        full = start.to(theta.dtype).index_copy(0, moving, theta) if len(moving) < start.numel() else theta
        return loss(full.to(start.dtype), subject.train).to(torch.float64)

    def all_of(thetas: Tensor) -> Tensor:
        with torch.no_grad():
            return over_replicas(one, thetas, take(subject.train, torch.arange(1)), chunk=len(thetas))

    return all_of


class _Sums:
    """Sums over draws of the losses less those of the first draw [c n], and of their products [c n k]."""

    def __init__(self, losses: Callable[[Tensor], Tensor], rows: Tensor, chains: int, n: int) -> None:
        self._losses, self._rows = losses, rows
        self._first = torch.zeros(n, dtype=torch.float64)
        self._one = torch.zeros(chains, n, dtype=torch.float64)
        self._two = torch.zeros(chains, n, len(rows), dtype=torch.float64)
        self._begun = False

    def add(self, thetas: Tensor) -> None:
        """One draw of every chain."""
        losses = self._losses(thetas)
        if not self._begun:
            self._first, self._begun = losses.mean(0), True
        losses = losses - self._first
        self._one += losses
        for product, row in zip(self._two, losses, strict=True):
            product.addr_(row, row[self._rows])

    def mean(self, draws: int) -> Floats:
        """Mean loss [n] over draws and chains."""
        return (self._first + self._one.mean(0) / draws).numpy()

    def covariance(self, draws: int) -> tuple[Floats, Floats]:
        """Covariance about the mean of all chains [n k], and its standard error over chains."""
        c = len(self._one)
        means = self._one / draws
        centre = means.mean(0)
        # E[(l_i - m_i)(l_j - m_j)] of one chain about the mean m of all of them
        each = self._two.div_(draws)
        each -= centre[None, :, None] * means[:, None, self._rows]
        each -= means[:, :, None] * centre[None, None, self._rows]
        each += centre[None, :, None] * centre[None, None, self._rows]
        value = each.mean(0)
        return value.numpy(), (each.std(0) / math.sqrt(c)).numpy()
