"""Curvature against exact answers: planted spectra, models in closed form, and dense Hessians of small networks in float64.

The dense Hessians come from plain reverse mode, one row at a time: a route that shares nothing with the operators.

>>> found = {case.name: case for case in cases()}["linear regression, trace of the Hessian"]
>>> estimate = found.run(0)
>>> abs(float(estimate.value) - found.truth) < 1e-9
True
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from heldout.calibration.case import Case
from heldout.core.estimate import Estimate
from heldout.core.operator import Operator
from heldout.core.second_order import Matrix
from heldout.core.streams import stream
from heldout.core.subject import Subject
from heldout.measures.effective_dimension import effective_dimension
from heldout.measures.sharpness import sharpness
from heldout.measures.spectral_density import spectral_density
from heldout.measures.top_eigenvalues import top_eigenvalues
from heldout.measures.trace import trace


def cases() -> list[Case]:
    """Every case: planted spectra, closed forms, networks (of seeded weights, not trained)."""
    return [*_planted(), *_closed_forms(), *_networks()]


SPECTRA: dict[str, Callable[[], Tensor]] = {
    "power law i^-2": lambda: 1.0 / torch.arange(1, 1001, dtype=torch.float64) ** 2,
    "power law i^-1, both signs": lambda: (
        (-1.0) ** torch.arange(800) / torch.arange(1, 801, dtype=torch.float64)
    ),
    "ten outliers over a bulk": lambda: torch.cat(
        [torch.linspace(20, 5, 10, dtype=torch.float64), _normal(990, "bulk") ** 2 * 0.05]
    ),
    "arcsine, both signs alike": lambda: _both_signs(
        torch.cos(math.pi * (torch.arange(300, dtype=torch.float64) + 0.5) / 600)
    ),
    "flat": lambda: torch.linspace(0.5, 1.5, 700, dtype=torch.float64),
}


def _planted() -> list[Case]:
    return [case for name, draw in SPECTRA.items() for case in _spectrum(name, draw())]


def _spectrum(name: str, eigenvalues: Tensor) -> list[Case]:
    """All instruments on one planted spectrum."""
    a = _rotated(eigenvalues, name)
    edge = float(eigenvalues.abs().max()) / 20
    share = float((eigenvalues >= edge).double().mean())
    return [
        Case("trace", f"{name}, 60 products", math.fsum(eigenvalues.tolist()),
             lambda seed: trace(a, products=60, seed=seed)),
        Case("top_eigenvalues", f"{name}, the largest", float(eigenvalues.max()),
             lambda seed: _first(top_eigenvalues(a, k=1, seed=seed))),
        Case("effective_dimension", f"{name}, alpha = 1", _share(eigenvalues, 1.0),
             lambda seed: effective_dimension(a, alpha=1.0, seed=seed)),
        Case("effective_dimension", f"{name}, alpha = 0.01", _share(eigenvalues, 0.01),
             lambda seed: effective_dimension(a, alpha=0.01, seed=seed)),
        Case("spectral_density", f"{name}, share above a twentieth of the largest", share,
             lambda seed: spectral_density(a, seed=seed).mass(edge, math.inf)),
    ]  # fmt: skip


def _share(eigenvalues: Tensor, alpha: float) -> float:
    positive = eigenvalues.clamp_min(0.0)
    return math.fsum((positive / (positive + alpha)).tolist())


def _both_signs(half: Tensor) -> Tensor:
    return torch.cat([half, -half])


def _closed_forms() -> list[Case]:
    """Linear regression: the Hessian of the mean squared error is 2 X^T X / n whatever the weights."""
    x = _normal(400 * 120, "design").reshape(400, 120)
    truth = 2 * x.T @ x / 400
    w = _normal(120, "weights")

    @functools.cache
    def subject() -> Subject:
        model = nn.Sequential(nn.Linear(120, 1, bias=False), nn.Flatten(0)).double()
        with torch.no_grad():
            model[0].weight.copy_(w)  # type: ignore[operator]
        return Subject.from_torch(model, (x, x @ w + 0.1 * _normal(400, "residuals")), loss="mse")

    positive = torch.linalg.eigvalsh(truth)
    adaptive = torch.linalg.eigvalsh(w.abs()[:, None] * truth * w.abs())
    rise = 0.5 * 0.05**2 * float((w**2 * truth.diagonal()).sum())
    return [
        Case("trace", "linear regression, trace of the Hessian", float(truth.trace()), lambda seed: trace(subject(), products=120, seed=seed)),
        Case("trace", "linear regression, 60 products", float(truth.trace()), lambda seed: trace(subject(), products=60, seed=seed)),
        Case("trace", "linear regression, summed Gauss-Newton", 400 * float(truth.trace()),
             lambda seed: trace(subject(), Matrix("ggn", scaling="sum"), seed=seed)),
        Case("top_eigenvalues", "linear regression, the largest", float(positive[-1]), lambda seed: _first(top_eigenvalues(subject(), k=1, seed=seed))),
        Case("top_eigenvalues", "linear regression, the smallest", float(positive[0]),
             lambda seed: _first(top_eigenvalues(subject(), k=1, which="smallest", seed=seed))),
        Case("sharpness", "linear regression, curvature", float(adaptive[-1]), lambda seed: sharpness(subject(), seed=seed)),
        Case("sharpness", "linear regression, rise at rho = 0.05", rise, lambda seed: sharpness(subject(), rho=0.05, seed=seed)),
    ]  # fmt: skip


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "tanh 12-20-4": lambda: nn.Sequential(nn.Linear(12, 20), nn.Tanh(), nn.Linear(20, 4)),
    "LayerNorm 12-20-4": lambda: nn.Sequential(
        nn.Linear(12, 20), nn.LayerNorm(20), nn.GELU(), nn.Linear(20, 4)
    ),
    "BatchNorm and dropout 12-20-4": lambda: nn.Sequential(
        nn.Linear(12, 20), nn.BatchNorm1d(20), nn.Tanh(), nn.Dropout(0.3), nn.Linear(20, 4)
    ),
}


def _networks() -> list[Case]:
    return [case for name, make in NETWORKS.items() for case in _network(name, make)]


def _network(name: str, make: Callable[[], nn.Module]) -> list[Case]:
    """All instruments on one network whose dense Hessian is known."""
    subject = _subject(name, make)
    exact = torch.linalg.eigvalsh(_dense(subject))
    return [
        Case("trace", f"{name}, dense Hessian", math.fsum(exact.tolist()), lambda seed: trace(subject, seed=seed)),
        Case("top_eigenvalues", f"{name}, dense Hessian", float(exact[-1]),
             lambda seed: _first(top_eigenvalues(subject, k=1, seed=seed))),
        Case("effective_dimension", f"{name}, dense Hessian, alpha = 0.01", _share(exact, 0.01),
             lambda seed: effective_dimension(subject, alpha=0.01, seed=seed)),
    ]  # fmt: skip


def _subject(name: str, make: Callable[[], nn.Module]) -> Subject:
    """A network of seeded weights on seeded data; no training, so that building it costs nothing."""
    model = make().double()
    with torch.no_grad():
        for k, p in enumerate(model.parameters()):
            p.copy_(_normal(p.numel(), name, k).reshape(p.shape) * 0.4)
    x = _normal(240 * 12, "inputs").reshape(240, 12)
    return Subject.from_torch(model, (x, x[:, :4].argmax(1)))


def _dense(subject: Subject) -> Tensor:
    assert subject.thetas is not None
    assert subject.loss is not None
    theta = subject.thetas[0].clone().requires_grad_()
    (g,) = torch.autograd.grad(subject.loss(theta, subject.train).mean(), theta, create_graph=True)
    rows = [torch.autograd.grad(one, theta, retain_graph=True)[0] for one in g]
    matrix = torch.stack(rows)
    return (matrix + matrix.T) / 2


def _normal(count: int, *names: str | int) -> Tensor:
    return torch.from_numpy(stream(0, "curvature cases", *names).standard_normal(count))


def _rotated(eigenvalues: Tensor, name: str) -> Operator:
    """The planted matrix as H D H with H a product of two Householder reflections: exact eigenvalues, dense eigenvectors."""
    u, v = (_normal(len(eigenvalues), name, side) for side in ("u", "v"))
    u, v = u / u.norm(), v / v.norm()

    def reflect(rows: Tensor, w: Tensor) -> Tensor:
        return rows - 2 * (rows @ w)[:, None] * w

    return Operator(
        lambda rows: reflect(reflect(reflect(reflect(rows, u), v) * eigenvalues, v), u),
        len(eigenvalues), "planted matrix", torch.float64,
    )  # fmt: skip


def _first(found: Estimate) -> Estimate:
    """The first of several values, as an estimate of its own."""
    stderr = None if found.stderr is None else found.stderr[0]
    return Estimate(
        found.value[0], found.low[0], found.high[0], found.level, stderr, found.method, found.n, found.status
    )
