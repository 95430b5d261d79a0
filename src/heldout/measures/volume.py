"""Local basin volume: the parameters around w*, seen from it, whose loss is at most `cutoff` above L(w*).

With r(v) the distance at which the loss first rises by the cutoff along the direction v, and |B_p| the unit ball's volume,
    log Vol = log |B_p| + log E_v[r(v)^p] + log |det S|,   v uniform on the sphere of coordinates u, w = w* + S u
S holds the eigenvectors of the Hessian, each as long as the basin reaches along it: any S gives
the same number, a good one less variance. Only what is seen in a straight line counts, and few directions of the largest r carry
E[r^p]: the value is a LOWER BOUND of the basin's volume, and withheld where a few directions carry it.

>>> sphere = volume_of_energy(lambda w: w.square().sum(1) / 2, torch.zeros(3), cutoff=0.5)
>>> round(float(sphere.value), 4), round(math.log(4 / 3 * math.pi), 4)          # L = 1/2 at |w| = 1
(1.4324, 1.4324)
"""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy.special import gammaln, logsumexp
from scipy.stats import t as student
from torch import Tensor

from heldout.core.errors import InputError
from heldout.core.estimate import Estimate
from heldout.core.options import check_real, check_whole
from heldout.core.streams import stream
from heldout.core.subject import Subject
from heldout.measures.posterior.asked_once import check_start
from heldout.measures.posterior.mean_loss import Energy
from heldout.measures.posterior.problem import (
    ROTATE_UP_TO,
    Problem,
    problem_of_energy,
    problem_of_subject,
)

GROWTH, OUTWARD, HALVINGS = 1.25, 120, 40
FEWEST = 30  # effective directions


def volume(
    subject: Subject,
    seed: int = 0,
    cutoff: float = 1e-2,
    directions: int = 512,
    weight_decay: float | None = None,
    replica: int = 0,
    level: float = 0.95,
) -> Estimate:
    """log volume (nats) of the basin of the mean training loss around the subject's parameters; see the module."""
    _check(seed, cutoff, directions, level)
    problem, _ = problem_of_subject(subject, replica, weight_decay=weight_decay)
    return _volume(problem, seed, cutoff, directions, level)


def volume_of_energy(
    energy: Energy,
    start: Tensor,
    seed: int = 0,
    cutoff: float = 1e-2,
    directions: int = 512,
    level: float = 0.95,
) -> Estimate:
    """The same for a plain energy(thetas [r p]) -> [r] around start [p]."""
    _check(seed, cutoff, directions, level)
    check_start(energy, start)
    whole = (start.numel(),)
    return _volume(problem_of_energy(energy, start, tensors=whole), seed, cutoff, directions, level)


def _check(seed: int, cutoff: float, directions: int, level: float) -> None:
    check_whole(seed=seed, directions=directions)
    check_real(cutoff=cutoff, level=level)
    if not 0 < cutoff < math.inf or directions < 2 * FEWEST:
        raise InputError(
            f"cutoff is {cutoff}, directions {directions}",
            f"give a positive cutoff and at least {2 * FEWEST} directions",
        )
    if not 0 < level < 1:
        raise InputError(f"level is {level}", "give a level between 0 and 1, such as 0.95")


def _volume(problem: Problem, seed: int, cutoff: float, directions: int, level: float) -> Estimate:
    p = problem.parameters
    scale = torch.ones(p, dtype=torch.float64)
    if p <= ROTATE_UP_TO:  # how far each axis reaches: the mean of both ends
        axes = torch.eye(p, dtype=torch.float64)
        ends, _, _ = _first_crossing(problem, torch.cat([axes, -axes]), cutoff)
        scale = 0.5 * (ends[:p] + ends[p:])
    rows = [stream(seed, "volume direction", i).standard_normal(p) for i in range(directions)]
    sphere = torch.from_numpy(np.stack(rows))
    v = sphere / sphere.norm(dim=1, keepdim=True) * scale
    radius, open_ended, lower = _first_crossing(problem, v, cutoff)
    method = f"radial bisection, {directions} directions, lower bound of the basin's volume, in nats"
    n = problem.n or 0
    if lower > 10 * problem.resolution + 0.1 * cutoff:
        return Estimate.withheld(
            f"w* is no minimum: the loss falls by {lower:.3g} along a line from it", method, n
        )
    if open_ended:
        return Estimate.withheld(
            f"{open_ended} of {directions} directions never rise by the cutoff {cutoff:g}: the basin has no edge there; "
            "give a weight_decay",
            method,
            n,
        )
    log_r = p * np.log(radius.numpy())
    shares = np.exp(log_r - logsumexp(log_r))
    effective = 1.0 / float((shares**2).sum())
    if effective < FEWEST:
        return Estimate.withheld(
            f"{effective:.1f} of {directions} directions carry the volume: the estimate would be far too low; "
            "give more directions; or, if the basin is a valley without ends, a weight_decay",
            method,
            n,
        )
    ball = 0.5 * p * math.log(math.pi) - float(gammaln(0.5 * p + 1))
    value = ball + float(logsumexp(log_r)) - math.log(directions)
    value += float((problem.radius * scale).log().sum())
    relative = float(np.exp(log_r - log_r.max()).std(ddof=1) / np.exp(log_r - log_r.max()).mean())
    stderr = relative / math.sqrt(directions)
    half = float(student.ppf(0.5 + level / 2, min(effective, directions) - 1)) * stderr
    return Estimate(value, value - half, value + half, level, stderr, method, n)


def _first_crossing(problem: Problem, v: Tensor, cutoff: float) -> tuple[Tensor, int, float]:
    """r [k] with L(w* + r v) - L(w*) = cutoff for the first time; directions without; the deepest fall met on the way."""
    k = len(v)
    inside, outside = torch.zeros(k, dtype=torch.float64), torch.full((k,), math.nan, dtype=torch.float64)
    reach, fall = 1e-6 * torch.ones(k, dtype=torch.float64), 0.0

    def risen(r: Tensor) -> Tensor:
        with torch.no_grad():
            loss = problem.loss(r[:, None] * v)
        return torch.where(torch.isfinite(loss), loss, torch.full_like(loss, torch.inf))

    for _ in range(OUTWARD):
        loss = risen(reach)
        waiting = outside.isnan()
        fall = max(fall, -float(loss[waiting].min()))
        crossed = waiting & (loss >= cutoff)
        outside = torch.where(crossed, reach, outside)
        inside = torch.where(waiting & ~crossed, reach, inside)
        if not bool(outside.isnan().any()):
            break
        reach = reach * GROWTH
    unbounded = int(outside.isnan().sum())
    if unbounded:
        return inside, unbounded, fall
    for _ in range(HALVINGS):
        middle = 0.5 * (inside + outside)
        over = risen(middle) >= cutoff
        outside, inside = torch.where(over, middle, outside), torch.where(over, inside, middle)
    return 0.5 * (inside + outside), 0, fall
