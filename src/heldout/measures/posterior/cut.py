"""Rungs whose numbers are not to be used: where losses drown in rounding, or chains from w* and from the box differ."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from heldout.core.streams import stream
from heldout.learners.ladder import LadderTrace
from heldout.measures.posterior.problem import Problem

BLUR, VOID = 0.01, 0.05  # of t L, what rounding may change; of the draws, how many may have no loss at all
FEWEST = 12  # rungs that are left, or none is left out


def blurred(problem: Problem, trace: LadderTrace) -> NDArray[np.bool_]:
    """[k]: where a last digit of the weights changes the chains' own losses by more than `BLUR` of t L, or more than `VOID` of their
    losses are 0. Weights near 0 have digits to spare; what cancels between weights, or beside a constant, has not."""
    e, k, p = trace.last.shape
    w = problem.thetas(trace.last.reshape(e * k, p))
    signs = torch.from_numpy(stream(0, "llc blur").choice([-1.0, 1.0], (e * k, p)))
    with torch.no_grad():
        off = (problem.energy(w * (1 + 2.3e-16 * signs)) - problem.energy(w)).to(torch.float64)
    blur = trace.t * off.abs().nan_to_num(0.0, 0.0).view(e, k).mean(0).numpy()
    void = (trace.loss == 0).mean((0, 1)) > VOID
    return np.asarray((blur > BLUR * np.abs(trace.first.mean(0))) | void)


def cut(trace: LadderTrace, wrong: NDArray[np.bool_]) -> LadderTrace:
    """The rungs below the first wrong one: higher up, digits and mixing fail first. All of them where fewer than `FEWEST` would be left:
    then the doubts say so."""
    keep = int(np.argmax(wrong)) if wrong.any() else len(trace.t)
    if keep < FEWEST or keep == len(trace.t):
        return trace
    return replace(
        trace,
        loss=trace.loss[:, :, :keep],
        burn_loss=trace.burn_loss[:, :, :keep],
        t=trace.t[:keep],
        acceptance=trace.acceptance[:keep],
        traded=trace.traded[: keep - 1],
        sizes=trace.sizes[:keep],
        first=trace.first[:, :keep],
        second=trace.second[:, :keep],
        last=trace.last[:, :keep],
    )
