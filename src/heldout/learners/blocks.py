"""Where one tensor of an undeclared w ends and the next begins, found by trying: blocks that can be scaled against each other.

A loss that sees the product of two neighbouring blocks does not change where one grows by e^s and the other shrinks: at every
w the sums of w_j dL/dw_j over the two are equal (or, as for w1^2 w2^4, one is a fixed multiple of the other). Where w* is 0 this holds for smooth units too (tanh), the closer the nearer w lies: such a
symmetry is looked for beside 0.

>>> blocks(lambda w: (w[:, 4:].view(-1, 1, 2) @ w[:, :4].view(-1, 2, 2)).square().sum((1, 2)), torch.zeros(6).double())
(4, 2)
>>> blocks(lambda w: w.square().sum(1), torch.zeros(6).double())                              # a sum: nothing to scale
(6,)
>>> blocks(lambda w: (w[:, 2:] * torch.tanh(w[:, :2])).sum(1).square(), torch.zeros(4).double())
(2, 2)
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor

from heldout.core.streams import stream
from heldout.learners.tempered import Energy

POINTS, ENOUGH = 12, 5  # at which a symmetry is tried; those that must tell (a steep loss tells at few)
UP_TO = 300  # parameters
NEAR = 1e-5  # of the box: what is left there of a smooth unit's curve is below SAME
SAME, ROUNDING = 1e-4, 1e-11  # of the two sums, and of the largest sum of all


def blocks(energy: Energy, start: Tensor, radius: float | None = None) -> tuple[int, ...]:
    """Sizes of w's parts, in order, for a loss energy(w [r p]) -> [r] around w* = start [p]; one part where nothing is found.

    radius: how far it is tried, by default half the largest weight.
    """
    p = start.numel()
    if not 1 < p <= UP_TO:
        return (p,)
    w = start.detach().to(torch.float64)
    half = 0.5 * (float(w.abs().max()) or 1.0) if radius is None else float(radius)
    away = half * torch.from_numpy(stream(0, "llc blocks").uniform(-1, 1, (POINTS, p)))
    for reach in (1.0,) if bool(w.any()) else (1.0, NEAR):
        ends = _ends(_pulls(energy, w + reach * away))
        if ends is not None:
            return tuple(b - a for a, b in pairwise(sorted({0, p, *ends})))
    return (p,)


def _pulls(energy: Energy, w: Tensor) -> Tensor:
    """w_j dL/dw_j [q p] at those of the points w [r p] where it is finite."""
    with torch.inference_mode(False), torch.enable_grad():
        free = w.clone().requires_grad_(True)
        (slope,) = torch.autograd.grad(energy(free).sum(), free)
    pull = (w * slope).detach()
    return pull[torch.isfinite(pull).all(1)]


def _ends(pull: Tensor) -> set[int] | None:
    """Where inside w blocks [a, b) and [b, c) of proportional sums at all points [q p] begin and end; None where there are none."""
    live = pull.any(0)  # what no point sees (a dead unit) goes with what stands before it
    if len(pull) < ENOUGH or not bool(live.any()):
        return None
    places = live.nonzero().flatten().tolist()
    pull, p = pull[:, live], len(places)
    sums = torch.cat([torch.zeros(len(pull), 1, dtype=torch.float64), pull.cumsum(1)], dim=1)
    allowed = ROUNDING * pull.abs().sum(1)[:, None, None]
    ends: set[int] = set()
    for b in range(1, p):
        before = (sums[:, b : b + 1] - sums[:, :b])[:, :, None]
        after = (sums[:, b + 1 :] - sums[:, b : b + 1])[:, None, :]
        ratio = (before * after).sum(0) / after.square().sum(0).clamp(min=1e-300)
        equal = (before - ratio * after).abs() <= SAME * before.abs() + (1 + ratio) * allowed
        told = torch.minimum(before.abs(), after.abs()) > 1e3 * allowed
        found = equal.all(0) & (told.sum(0) >= ENOUGH) & (ratio > 0)  # [b, p - b]
        if bool(found.any()):
            starts, stops = found.any(1).nonzero().flatten(), found.any(0).nonzero().flatten()
            ends |= {b, *starts.tolist(), *(b + 1 + stops).tolist()}
    return {places[end] for end in ends if 0 < end < p} if ends else None
