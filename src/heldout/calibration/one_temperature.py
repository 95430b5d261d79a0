"""lambda(n beta) under the localization (gamma/2)|w|^2, where it is known exactly: quadratics and products of two blocks.

    L = sum c_i w_i^2/2         lambda(t) = sum_i t c_i/(t c_i + gamma)/2
    L = |a|^2 |b|^2/2           b is Gaussian given a, so that with r = |a| in q and b in p dimensions
                                lambda(t) = (p/2) E_r[t r^2/(t r^2 + gamma)],  r ~ r^(q-1) e^(-gamma r^2/2) (t r^2 + gamma)^(-p/2)
The second is reduced rank regression with one hidden unit, and w1^2 w2^2 for p = q = 1 (there lambda is 1/2).
Langevin steps, adjusted or not, on all data and on minibatches, underdamped steps and Hamiltonian chains, also those that stop at an
error of 5%, are asked the same.

>>> round(of_product(1, 1, 1e12), 2), round(of_quadratic(torch.ones(6).double(), 5.0), 6)       # slowly towards 1/2; 5/6 of 6/2
(0.47, 2.5)
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from scipy.integrate import quad
from torch import Tensor, nn

from heldout.calibration.case import Case
from heldout.core.streams import stream
from heldout.core.subject import Subject
from heldout.measures.llc import llc, llc_of_energy
from heldout.measures.posterior.settings import OneTemperature, Sampler

GAMMA = 1.0
ERROR = 0.05  # to which the chains of some cases run, and stop
NAME = "llc at one temperature"
QUICK = (
    "regular, d = 4, mala",
    "reduced rank 2-1-3, rank 0, n beta = 100, mala",
    "regular, d = 20, condition 1e2, to 5%",
)


def cases() -> list[Case]:
    """Every sampler on a quadratic, the default ones on products of blocks, minibatches on a linear regression."""
    small, wide = torch.ones(4, dtype=torch.float64), torch.logspace(0, -2, 20, dtype=torch.float64)
    samplers: tuple[Sampler, ...] = ("mala", "langevin", "underdamped", "hamiltonian")
    found = [_energy(f"regular, d = 4, {each}", _bowl(small), 4, of_quadratic(small, 200.0), 200.0, each) for each in samplers]  # fmt: skip
    found.append(
        _energy("regular, d = 20, condition 1e2, mala", _bowl(wide), 20, of_quadratic(wide, 1000.0), 1000.0)
    )
    for p, q, t in ((1, 1, 20.0), (2, 3, 100.0), (5, 4, 100.0)):
        found.append(_energy(_reduced_rank(p, q, t, "mala"), _product(p), p + q, of_product(p, q, t), t))
    name = _reduced_rank(2, 3, 100.0, "langevin")
    found.append(_energy(name, _product(2), 5, of_product(2, 3, 100.0), 100.0, "langevin"))
    name = "regular, d = 20, condition 1e2, to 5%"
    found.append(_energy(name, _bowl(wide), 20, of_quadratic(wide, 1000.0), 1000.0, error=ERROR))
    for p, q, t in ((2, 3, 100.0), (5, 4, 100.0)):
        found.append(_energy(_reduced_rank(p, q, t, "to 5%"), _product(p), p + q, of_product(p, q, t), t, error=ERROR))  # fmt: skip
    return [*found, _minibatches()]


def _reduced_rank(p: int, q: int, t: float, how: str) -> str:
    return f"reduced rank {p}-1-{q}, rank 0, n beta = {t:g}, {how}"


def of_quadratic(curvatures: Tensor, t: float) -> float:
    """lambda(t) of sum c_i w_i^2/2."""
    return 0.5 * math.fsum((t * curvatures / (t * curvatures + GAMMA)).tolist())


def of_product(p: int, q: int, t: float) -> float:
    """lambda(t) of |a|^2 |b|^2/2, a in p and b in q dimensions; by quadrature over log |b|."""

    def weight(s: float) -> float:
        r = math.exp(s)
        return math.exp(q * s - 0.5 * GAMMA * r * r) * (t * r * r + GAMMA) ** (-p / 2)

    def level(s: float) -> float:
        r = math.exp(s)
        return weight(s) * t * r * r / (t * r * r + GAMMA)

    ends = (-60.0 / q, 3.0)
    return 0.5 * p * _integral(level, *ends) / _integral(weight, *ends)


def _integral(f: Callable[[float], float], low: float, high: float) -> float:
    return float(quad(f, low, high, limit=500, epsabs=0.0, epsrel=1e-11)[0])


def _bowl(curvatures: Tensor) -> Callable[[Tensor], Tensor]:
    return lambda w: 0.5 * (curvatures * w.square()).sum(1)


def _product(p: int) -> Callable[[Tensor], Tensor]:
    return lambda w: 0.5 * w[:, :p].square().sum(1) * w[:, p:].square().sum(1)


def _energy(
    name: str,
    energy: Callable[[Tensor], Tensor],
    parameters: int,
    truth: float,
    t: float,
    sampler: Sampler | None = None,
    error: float | None = None,
) -> Case:
    start = torch.zeros(parameters, dtype=torch.float64)
    settings = OneTemperature(t, sampler, error=error)
    return Case(
        NAME, name, truth,
        lambda seed: llc_of_energy(energy, start, None, seed, gamma=GAMMA, settings=settings).estimate,
        name not in QUICK,
    )  # fmt: skip


def _minibatches() -> Case:
    """Linear regression of 6 weights on 256 examples at its minimum, gradients of 64 of them a step."""
    draw = stream(0, "one temperature regression")
    x = torch.from_numpy(draw.standard_normal((256, 6)))
    y = x.sum(1) + torch.from_numpy(draw.standard_normal(256))
    model = nn.Sequential(nn.Linear(6, 1, bias=False), nn.Flatten(0)).double()
    with torch.no_grad():
        model[0].weight.copy_(torch.linalg.lstsq(x, y[:, None]).solution.T)  # type: ignore[operator]
    subject = Subject.from_torch(model, (x, y), loss=lambda out, truth: 0.5 * (out - truth).square())
    truth = of_quadratic(torch.linalg.eigvalsh(x.T @ x / 256), 200.0)
    return Case(
        NAME, "linear regression, minibatches of 64", truth,
        lambda seed: llc(subject, seed, n_beta=200.0, gamma=GAMMA, batch_size=64),
        full=True,
    )  # fmt: skip
