"""Stochastic Lanczos quadrature after exact deflation: tr f(A) for any f, with what is known exactly taken out first.

    tr f(A) = sum_i f(lambda_i) over deflated eigenpairs + (p - d) E[ sum_j w_j f(t_j) ]
where (t_j, w_j) is the Gauss quadrature of a random direction of the complement under P A P, P the projection that
removes the d deflated eigenvectors (Ubaru, Chen & Saad 2017; Lin, Saad & Yang 2016). Probes are independent, so their spread
is the error. Axis letters: k probes, j nodes.

>>> import math
>>> from heldout.core.operator import Operator
>>> A = Operator.of_matrix(torch.diag(torch.tensor([9.0] + 11 * [1.0], dtype=torch.float64)))
>>> rule = quadrature(A, probes=2, steps=2, deflate=2, seed=0)
>>> [round(v, 6) for v in rule.deflated.tolist()], round(float(rule.traces(torch.sqrt).mean()), 6)         # 3 + 11
([1.0, 9.0], 14.0)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from heldout.core.krylov import Krylov
from heldout.core.krylov import probes as normal_rows
from heldout.core.operator import Operator

_CONVERGED = 1e-4  # of the largest eigenvalue: a Ritz pair this exact may be split off


@dataclass(frozen=True)
class Quadrature:
    """Deflated eigenvalues [d] with their residuals [d], and for each probe nodes [k j] with weights [k j] that sum to 1."""

    deflated: Tensor
    residuals: Tensor
    nodes: Tensor
    weights: Tensor
    size: int
    products: int
    tridiagonal: Tensor  # [k j j]: the Lanczos matrices behind the nodes

    def shortened(self, steps: int) -> Quadrature:
        """The rule that `steps` Lanczos steps would have given: what the last ones changed shows how far it is."""
        tri = self.tridiagonal[:, :steps, :steps]
        nodes, weights = _gauss(tri)
        return Quadrature(self.deflated, self.residuals, nodes, weights, self.size, self.products, tri)

    def traces(self, f: Callable[[Tensor], Tensor]) -> Tensor:
        """tr f(A) by each probe, [k ...] for f of x [...] -> [... ...]; one row where nothing is left to chance."""
        exact = f(self.deflated).sum(0)
        rest = self.size - len(self.deflated)
        if rest == 0:
            return exact.unsqueeze(0)
        values = f(self.nodes)
        weights = self.weights.reshape(*self.weights.shape, *[1] * (values.ndim - 2))
        return exact + rest * (weights * values).sum(1)

    def rules(self) -> list[Quadrature]:
        """The rules of the last four step counts, this one first; fewer where there are fewer steps."""
        steps = self.nodes.shape[1]
        return [self, *(self.shortened(steps - back) for back in range(1, min(4, steps)))]

    def averaged(self, f: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
        """tr f(A) [k ...] by each probe, averaged over `rules`, and half the range of their means [...].

        Where f has a kink or a pole near the spectrum the rules swing about the answer, with a period of two to four steps
        as the eigenvalues lie; where f is smooth they agree.
        """
        found = torch.stack([rule.traces(f) for rule in self.rules()])
        means = found.mean(1)
        return found.mean(0), (means.amax(0) - means.amin(0)) / 2


def quadrature(operator: Operator, probes: int, steps: int, deflate: int, seed: int) -> Quadrature:
    """`deflate` Lanczos steps to split off every converged eigenpair, then `probes` x `steps` products on the complement.

    Where these would cost p products or more, the matrix itself is built with p products and nothing is left to chance.
    """
    p = operator.size
    if deflate + probes * steps >= p:
        values = torch.linalg.eigvalsh(operator.dense().double())
        none = torch.zeros(1, 0, dtype=torch.float64)
        return Quadrature(values, torch.zeros_like(values), none, none, p, p, none.unsqueeze(-1))
    space = Krylov.start(operator, normal_rows(p, 1, seed, "deflation"), seed).grown(deflate)
    if space.size:
        values, residuals = space.ritz()
        good = (residuals <= _CONVERGED * float(values.abs().max())).nonzero().flatten()
        found, errors, vectors = values[good], residuals[good], space.ritz_vectors(good)
    else:
        found = errors = torch.zeros(0, dtype=torch.float64)
        vectors = torch.zeros(0, p, dtype=operator.dtype)
    tri = _lanczos(operator, normal_rows(p, probes, seed, "quadrature"), vectors, steps)
    nodes, weights = _gauss(tri)
    return Quadrature(found, errors, nodes, weights, p, space.size + probes * steps, tri)


def _lanczos(operator: Operator, start: Tensor, away: Tensor, steps: int) -> Tensor:
    """Lanczos matrices [k j j] of k directions at once, with `away` projected out; each reorthogonalizes fully."""

    def outside(rows: Tensor) -> Tensor:
        rows = rows - (rows @ away.T) @ away
        return rows - (rows @ away.T) @ away

    k = start.shape[0]
    steps = min(steps, operator.size - away.shape[0])
    v = outside(start.to(operator.dtype))
    v = v / v.norm(dim=1, keepdim=True)
    basis = torch.zeros(k, steps, operator.size, dtype=operator.dtype)
    tri = torch.zeros(k, steps, steps, dtype=torch.float64)
    for j in range(steps):
        basis[:, j] = v
        w = outside(operator(v))
        tri[:, j, j] = (w * v).sum(1).double()
        for _ in range(2):
            w = w - torch.einsum(
                "kj,kjp->kp", torch.einsum("kjp,kp->kj", basis[:, : j + 1], w), basis[:, : j + 1]
            )
        if j + 1 == steps:
            break
        beta = w.norm(dim=1)
        scale = tri.abs().amax(dim=(1, 2)).clamp_min(torch.finfo(torch.float64).tiny)
        alive = (
            beta.double() > 50 * torch.finfo(operator.dtype).eps * scale
        )  # else the space has closed: an exact rule
        v = torch.where(alive[:, None], w / beta.clamp_min(torch.finfo(operator.dtype).tiny)[:, None], 0.0)
        tri[:, j, j + 1] = tri[:, j + 1, j] = torch.where(alive, beta.double(), 0.0)
    return tri


def _gauss(tridiagonal: Tensor) -> tuple[Tensor, Tensor]:
    """Nodes and weights [k j]: eigenvalues, and squared first components of the eigenvectors (Golub & Welsch 1969)."""
    if not tridiagonal.numel():
        return tridiagonal[..., 0], tridiagonal[..., 0]
    values, y = torch.linalg.eigh(tridiagonal)
    return values, y[:, 0, :] ** 2
