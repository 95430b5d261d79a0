"""How far below w* the loss falls nearby, and where: asked only when chains have found it lower.

>>> import torch
>>> from heldout.measures.posterior.problem import problem_of_energy
>>> beside = problem_of_energy(lambda w: (w - 0.1).square().sum(1), torch.zeros(2))
>>> below = lowest_near(beside)
>>> round(below.drop, 4), [round(w, 4) for w in below.point.tolist()]                   # 2 x .1^2
(0.02, [0.1, 0.1])
"""

from __future__ import annotations

import contextlib
from typing import NamedTuple

import torch
from torch import Tensor

from heldout.core.streams import stream
from heldout.measures.posterior.problem import Problem

STEPS = 60
EDGE = 1.5  # of the box, whose walls are soft
WALL = 1e-3  # of the box prior, so that a loss without lower bound is followed to the edge of the box only, at first
POLISHED = 3  # times, without the wall
KICKS = 4  # other starts: at a saddle the slope of w* leads nowhere
KICK = 0.05  # how far from w*, in units of the box


class Below(NamedTuple):
    """L(w*) less the lowest loss that was found inside the box, at least 0; and where that is, w [p]."""

    drop: float
    point: Tensor


def lowest_near(problem: Problem, others: Tensor | None = None) -> Below:
    """Where L-BFGS gets inside the box from w*, from a few points beside it, and from the lowest of `others` (z [b p])."""
    p = problem.parameters
    kicks = KICK * torch.from_numpy(stream(0, "llc descent").standard_normal((KICKS, p)))
    starts = [torch.zeros(p, dtype=torch.float64), *kicks]
    if others is not None:
        with torch.no_grad():
            losses = problem.loss(others).nan_to_num(torch.inf)
        starts.append(others[int(losses.argmin())])
        seen = float(losses.amin()) + problem.start_loss, starts[-1]
    best = min((_descended(problem, z, WALL) for z in starts), key=lambda found: found[0])
    if others is not None:
        best = min(best, seen, key=lambda found: found[0])
    # The wall moves the lowest point a little; and the search ends where slopes are small, so that it is asked anew in other units.
    for _ in range(POLISHED):
        unit = max(abs(best[0]), 1e-300)
        best = min(best, _descended(problem, best[1], 0.0, unit), key=lambda found: found[0])
    return Below(max(0.0, problem.start_loss - best[0]), problem.thetas(best[1][None])[0])


def _descended(problem: Problem, start: Tensor, wall: float, unit: float = 1.0) -> tuple[float, Tensor]:
    """The lowest loss on the way down from z = start [p], and its z: those of w* where none is lower; unit: that of the loss."""
    z = start[None].clone().requires_grad_(True)
    search = torch.optim.LBFGS(
        [z], max_iter=STEPS, tolerance_grad=0.0, tolerance_change=0.0, line_search_fn="strong_wolfe"
    )
    lowest, where = problem.start_loss, torch.zeros_like(start)

    def closure() -> torch.Tensor:
        nonlocal lowest, where
        search.zero_grad()
        loss = problem.energy(problem.thetas(z)).to(
            torch.float64
        )  # not less that of w*, which would cost digits
        prior, slope = problem.prior(z.detach())
        (gradient,) = torch.autograd.grad(loss.sum(), z)
        z.grad = gradient / unit + wall * slope
        inside = bool(
            (z.detach() @ problem.rotation.T).abs().max() < EDGE
        )  # a line search tries points far outside
        if inside and float(loss.detach()) < lowest:
            lowest, where = float(loss.detach()), z.detach()[0].clone()
        return (loss.detach() / unit + wall * prior).sum()

    # Beside places where the loss is not finite torch's line search may raise IndexError; what was found until then counts.
    with torch.inference_mode(False), torch.enable_grad(), contextlib.suppress(IndexError):
        search.step(closure)  # type: ignore[no-untyped-call]
    return lowest, where
