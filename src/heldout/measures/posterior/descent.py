"""How far below w* the loss falls nearby: asked only when chains have found it lower, to say by how much.

>>> import torch
>>> from heldout.measures.posterior.problem import problem_of_energy
>>> beside = problem_of_energy(lambda w: (w - 0.1).square().sum(1), torch.zeros(2))
>>> round(fall(beside), 4)                                       # 2 x .1^2
0.02
"""

from __future__ import annotations

import torch

from heldout.measures.posterior.problem import Problem

STEPS = 60
EDGE = 1.5  # of the box, whose walls are soft
WALL = 1e-3  # of the box prior, so that a loss without lower bound is followed to the edge of the box only


def fall(problem: Problem) -> float:
    """L(w*) - the lowest loss that L-BFGS finds inside the box, at least 0."""
    z = torch.zeros(1, problem.parameters, dtype=torch.float64, requires_grad=True)
    search = torch.optim.LBFGS([z], max_iter=STEPS, line_search_fn="strong_wolfe")
    lowest = 0.0

    def closure() -> torch.Tensor:
        nonlocal lowest
        search.zero_grad()
        loss = problem.loss(z)
        prior, slope = problem.prior(z.detach())
        (gradient,) = torch.autograd.grad(loss.sum(), z)
        z.grad = gradient + WALL * slope
        inside = bool(
            (z.detach() @ problem.rotation.T).abs().max() < EDGE
        )  # a line search tries points far outside
        if inside and bool(torch.isfinite(loss).all()):
            lowest = min(lowest, float(loss.detach()))
        return (loss.detach() + WALL * prior).sum()

    with torch.inference_mode(False), torch.enable_grad():
        search.step(closure)  # type: ignore[no-untyped-call]
    return -lowest
