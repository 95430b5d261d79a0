"""Mode connectivity: the loss along a line, or along a trained quadratic Bezier curve, between two parameter vectors.

    line    theta(t) = (1 - t) a + t b
    Bezier  theta(t) = (1 - t)^2 a + 2 t (1 - t) w + t^2 b, w trained on E_t L(theta(t)) from the midpoint (Garipov et al. 2018)
    barrier max_t [ L(theta(t)) - (1 - t) L(a) - t L(b) ]
The barrier is that of the points looked at, hence a lower bound of the curve's. Its standard error is over examples, at the
point of the maximum. No permutation of units is undone: a barrier on the line may vanish after matching. BatchNorm statistics
are those of the subject's model and are wrong between the ends: the loss of such a network is then overstated.

>>> import torch
>>> from torch import nn
>>> x = torch.ones(4, 1, dtype=torch.float64)
>>> class Square(nn.Module):
...     def __init__(self): super().__init__(); self.w = nn.Parameter(torch.ones(1, dtype=torch.float64))
...     def forward(self, x): return (self.w**2 * x).flatten()
>>> subject = Subject.from_torch(Square(), (x, torch.tensor([1.0, 1.0, 1.0, 1.5]).double()), loss="mse", tolerance=0.1)
>>> path = mode_connectivity(subject, torch.tensor([-1.0]).double(), torch.tensor([1.0]).double())
>>> round(float(path.barrier.value), 6)                      # at t = 1/2 the weight is 0: mean(y^2) - mean((1 - y)^2) = 1.25
1.25
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from scipy.stats import norm
from torch import Tensor

from heldout.core.batch import Batch, len_of
from heldout.core.cost import spend
from heldout.core.errors import InputError, Withheld
from heldout.core.estimate import Estimate
from heldout.core.second_order import parameters
from heldout.core.streams import stream
from heldout.core.subject import Subject

Curve = Literal["line", "bezier"]


@dataclass(frozen=True)
class Path:
    """The loss along a curve: t [k] in [0, 1], mean loss [k], the barrier, and the curve's bend w [p] (None for a line)."""

    t: Tensor
    loss: Tensor
    barrier: Estimate
    bend: Tensor | None
    curve: Curve

    def at(self, a: Tensor, b: Tensor, t: float) -> Tensor:
        """theta(t) [p] between the same ends."""
        return _point(a, b, self.bend, t)


def mode_connectivity(
    subject: Subject,
    first: Tensor,
    second: Tensor,
    curve: Curve = "line",
    data: Batch | None = None,
    points: int = 33,
    steps: int = 400,
    lr: float = 0.01,
    seed: int = 0,
    level: float = 0.95,
) -> Path:
    """The path between theta vectors `first` and `second` [p], its loss measured on `data` (default: the training data).

    A Bezier's bend is trained by Adam on the training data, `steps` steps of full-batch gradients at random t. Raises
    `InputError` for ends that do not fit the subject, `Withheld` where the loss is not finite on the way.
    """
    _check(subject, first, second, curve, points, steps, lr, level)
    data = subject.train if data is None else data
    a, b = first.detach(), second.detach()
    bend = _trained_bend(subject, a, b, steps, lr, seed) if curve == "bezier" else None
    t = torch.linspace(0, 1, points, dtype=torch.float64)
    assert subject.loss is not None
    with torch.no_grad():
        losses = torch.stack([subject.loss(_point(a, b, bend, float(s)), data).double().cpu() for s in t])
    spend(points)
    if not bool(torch.isfinite(losses).all()):
        raise Withheld("the loss is not finite on the way between the two models")
    weights = torch.ones(len_of(data)) if data.weights is None else data.weights
    share = weights.double() / weights.double().sum()
    excess = losses - (1 - t)[:, None] * losses[0] - t[:, None] * losses[-1]  # [k n]: above the chord
    mean = excess @ share
    worst = int(mean.argmax())
    value = float(mean[worst])
    stderr = math.sqrt(float((share**2 * (excess[worst] - value) ** 2).sum()))
    half = float(norm.ppf(0.5 + level / 2)) * stderr
    name = "line" if curve == "line" else f"quadratic Bezier, {steps} steps"
    method = f"largest rise above the chord at {points} points, {name}; error over examples"
    barrier = Estimate(value, value - half, value + half, level, stderr, method, len_of(data))
    return Path(t, losses @ share, barrier, bend, curve)


def _check(
    subject: Subject, a: Tensor, b: Tensor, curve: str, points: int, steps: int, lr: float, level: float
) -> None:
    p = parameters(subject).shape[-1]
    for name, theta in (("first", a), ("second", b)):
        if theta.shape != (p,) or not bool(torch.isfinite(theta).all()):
            raise InputError(
                f"{name} has shape {tuple(theta.shape)}, or is not finite", f"give two finite vectors [{p}]"
            )
    if a.dtype != b.dtype:
        raise InputError(f"the ends are {a.dtype} and {b.dtype}", "give both in one dtype")
    if curve not in ("line", "bezier"):
        raise InputError(f"curve is {curve!r}", 'use "line" or "bezier"')
    if points < 3 or steps < 1 or not lr > 0 or not 0 < level < 1:
        raise InputError(
            f"points {points}, steps {steps}, lr {lr}, level {level}", "give at least 3 points and 1 step"
        )


def _point(a: Tensor, b: Tensor, bend: Tensor | None, t: float) -> Tensor:
    if bend is None:
        return (1 - t) * a + t * b
    return (1 - t) ** 2 * a + 2 * t * (1 - t) * bend + t**2 * b


def _trained_bend(subject: Subject, a: Tensor, b: Tensor, steps: int, lr: float, seed: int) -> Tensor:
    """w [p] by Adam on the mean training loss at one uniform t a step."""
    assert subject.loss is not None
    data = subject.train
    weights = torch.ones(len_of(data)) if data.weights is None else data.weights
    bend = ((a + b) / 2).clone().requires_grad_()
    optimizer = torch.optim.Adam([bend], lr=lr)
    times = stream(seed, "bezier").random(steps)
    with torch.enable_grad():
        for t in times:
            losses = subject.loss(_point(a, b, bend, float(t)), data)
            w = weights.to(losses)
            (bend.grad,) = torch.autograd.grad((losses * w).sum() / w.sum(), bend)
            optimizer.step()
    spend(steps)
    return bend.detach()
