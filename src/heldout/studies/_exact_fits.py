"""Exact fits of the quadratic net to given answers, and how much their loss rises around them.

The net is z(a, b) = ((W1[a] + W1[p + b])^2) W2 with theta = (W1 [2p h], W2 [h p]); L = mean over examples of |z - y|^2 / 2.
More parameters than example-answers, so that L = 0 can be reached: theta <- theta - J^T (J J^T)^-1 (z - y), the nearest such
point to first order. There the loss is at its minimum whoever trained the net, and all fits are compared at the same loss.
Where J has full rank the fits form a smooth surface, and the learning coefficient itself is rank / 2 (regular, m = 1); at a
finite t = n beta directions of little slope do not count, and Lambda(t) = t E[L] tells fits apart.

Chains move in the eigenvectors of J^T J / n, each in units of (t eigenvalue + gamma)^-1/2: the posterior's own axes.

>>> pairs = torch.tensor([[a, b] for a in range(3) for b in range(3)])
>>> wanted = torch.eye(3, dtype=torch.float64)[pairs.sum(1) % 3]
>>> start = torch.randn(9 * 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) / 2
>>> fit = exact_fit(start, Addition(3, 16, pairs), wanted)
>>> float((Addition(3, 16, pairs).outputs(fit[None])[0] - wanted).abs().max()) < 1e-9
True
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from heldout.core.errors import Withheld
from heldout.measures.posterior.many import langevin_many
from heldout.measures.posterior.summary import doubts, summary

EXACT = 1e-20  # of the loss: at t = 1e6 it is nothing


@dataclass(frozen=True)
class Addition:
    """The quadratic net without biases on given pairs [n 2] of residues mod p."""

    p: int
    hidden: int
    pairs: Tensor

    def inner(self, thetas: Tensor) -> tuple[Tensor, Tensor]:
        """W1[a] + W1[p + b] [r n h], and W2 [r h p]."""
        cut = 2 * self.p * self.hidden
        into = thetas[:, :cut].view(-1, 2 * self.p, self.hidden)
        out = thetas[:, cut:].view(-1, self.hidden, self.p)
        return into[:, self.pairs[:, 0]] + into[:, self.p + self.pairs[:, 1]], out

    def outputs(self, thetas: Tensor) -> Tensor:
        """z [r n p]."""
        u, out = self.inner(thetas)
        return torch.bmm(u.square(), out)

    def loss(self, thetas: Tensor, wanted: Tensor) -> Tensor:
        """Mean of |z - y|^2 / 2 [r] for answers y [n p]."""
        return 0.5 * (self.outputs(thetas) - wanted).square().sum((1, 2)) / len(self.pairs)

    def right(self, thetas: Tensor, y: Tensor) -> float:
        """Share of right answers over all thetas [r q]."""
        return float((self.outputs(thetas).argmax(-1) == y).to(torch.float64).mean())

    def jacobian(self, theta: Tensor) -> Tensor:
        """dz/dtheta [n p, q] at theta [q]."""
        n, p, h = len(self.pairs), self.p, self.hidden
        u, out = (part[0] for part in self.inner(theta[None]))
        slopes = theta.new_zeros(n, p, theta.numel())
        cut, every = 2 * p * h, torch.arange(n)
        into = slopes[..., :cut].view(n, p, 2 * p, h)
        each = 2.0 * u[:, None, :] * out.T  # [n p h]
        into[every, :, self.pairs[:, 0]] += each
        into[every, :, p + self.pairs[:, 1]] += each
        last = slopes[..., cut:].view(n, p, h, p)
        for c in range(p):
            last[:, c, :, c] = u.square()
        return slopes.view(n * p, -1)

    def hessian_trace(self, theta: Tensor, wanted: Tensor) -> float:
        """Trace of the Hessian of the loss: |J|^2 / n, and 4 sum_h W2[h, c] for each unit of residual in answer c."""
        n = len(self.pairs)
        residual = self.outputs(theta[None])[0] - wanted
        bend = 4.0 * (residual.sum(0) * self.inner(theta[None])[1][0].sum(0)).sum()
        return float((self.jacobian(theta).square().sum() + bend) / n)


def exact_fit(theta: Tensor, net: Addition, wanted: Tensor) -> Tensor:
    """The fit [q] with loss 0 near theta, in float64. Raises `Withheld` where 40 steps do not reach it."""
    w = theta.to(torch.float64).clone()
    for _ in range(40):
        residual = (net.outputs(w[None])[0] - wanted).flatten()
        if 0.5 * float(residual.square().sum()) / len(wanted) < EXACT:
            return w
        J = net.jacobian(w)
        gram = J @ J.T
        gram.diagonal().add_(1e-12 * float(gram.diagonal().mean()))
        step, info = torch.linalg.solve_ex(gram, residual)
        if int(info) or not bool(torch.isfinite(step).all()):
            break
        w = w - J.T @ step
    raise Withheld("no exact fit near the trained net: the loss does not fall to 0")


def axes_of(theta: Tensor, net: Addition) -> tuple[Tensor, Tensor]:
    """Eigenvalues [q] (at least 0, rising) and eigenvectors [q q] of J^T J / n."""
    J = net.jacobian(theta)
    values, axes = torch.linalg.eigh(J.T @ J / len(net.pairs))
    return values.clamp(min=0.0), axes


def lambdas(
    theta: Tensor, net: Addition, wanted: Tensor, unseen: Addition, unseen_y: Tensor, axes: tuple[Tensor, Tensor],
    ts: Sequence[float], gamma: float, seed: int, chains: int = 8, burn: int = 250, draws: int = 500,
) -> list[dict[str, Any]]:  # fmt: skip
    """Lambda(t) under (gamma/2)|w - theta|^2 for each t, by `axes_of` the same theta, and what the draws still answer.

    `reason` is "" where the chains can be believed. All temperatures, and all fits, see the same noise.
    """
    k, values = len(ts), axes[0]
    units = (torch.tensor(ts, dtype=torch.float64)[:, None] * values + gamma).rsqrt()  # [k q]
    seen: list[list[tuple[float, float]]] = [[] for _ in ts]
    count = 0

    def watch(z: Tensor) -> None:
        nonlocal count
        count += 1
        if count % 25 == 0:
            for found, unit, part in zip(seen, units, z.view(k, chains, -1)):
                here = theta + (unit * part) @ axes[1].T
                found.append((net.right(here, wanted.argmax(1)), unseen.right(here, unseen_y)))

    run = langevin_many(
        lambda u: net.loss(theta + u @ axes[1].T, wanted), theta.new_zeros(k, theta.numel()), units,
        torch.tensor(ts, dtype=torch.float64), seed, gamma, chains, burn, draws, watch,
    )  # fmt: skip
    found = []
    for i, t in enumerate(ts):
        value, stderr, checks = summary(run.loss[:, i], run.prior[:, i], run.bias[i], t, "langevin")
        reason = doubts(checks, value, stderr, theta.numel(), None, 1e-12, lambda: 0.0)
        trained, other = (sum(part) / len(seen[i]) for part in zip(*seen[i]))
        row = {
            "t": t,
            "gamma": gamma,
            "value": value,
            "stderr": stderr,
            "r_hat": checks["R-hat"],
            "ess": checks["ESS"],
        }
        row |= {"correction": checks["correction of the value"], "train_along": trained, "test_along": other}
        found.append({key: _short(v) for key, v in row.items()} | {"reason": reason})
    return found


def onehot(y: Tensor, p: int) -> Tensor:
    """Answers y [n] as [n p] in float64."""
    return F.one_hot(y, p).to(torch.float64)


def _short(value: float) -> float | None:
    return float(f"{value:.5g}") if math.isfinite(value) else None
