"""Hamiltonian chains at one temperature: exact, their scale and the size of their steps learnt in burn-in, as long as an error asks.

A draw is a trajectory of 1 to `LEAPFROGS` gradients. All chains start at w*: from elsewhere one may begin in another basin. On reduced
rank regression 5-3-5 (n beta = 145) they have about twice as many effective draws a gradient as adjusted Langevin steps, and leave the
neighbourhood of w* in a few trajectories where those take hundreds of steps; so that a run that stops by its error can be short.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from heldout.core.cost import spend
from heldout.core.streams import stream
from heldout.learners import hmc
from heldout.learners.tempered import Tempered
from heldout.measures.posterior.coefficient import Progress
from heldout.measures.posterior.first_scale import first_scale
from heldout.measures.posterior.problem import Problem
from heldout.measures.posterior.settings import OneTemperature, Run

LEAPFROGS = 12
ACCEPTED, JITTER, FIRST_SIZE = 0.8, 0.3, 0.1
GAIN = 0.3  # of the step size; a larger one takes too large steps near singular points
STUCK = 0.1  # of the steps taken: half the size then
FIRST_LOOK, LATER = 20, 1.25  # draws before the first look at the error, and from one look to the next
LEFT_OUT = 0.2  # of the draws, where an error was asked for: its burn-in is short


def hamiltonian(
    problem: Problem,
    t: float,
    seed: int,
    chosen: OneTemperature,
    enough: Callable[[Run], bool] | None = None,
    progress: Progress | None = None,
) -> Run:
    """The chains. progress(steps done, steps at most); enough(run so far): whether to stop, asked now and then; a fifth of the draws is then left out as well."""
    c, p = chosen.chains, problem.parameters
    target = Tempered(problem.loss, problem.prior, torch.full((c,), t, dtype=torch.float64))
    draws, burn = chosen.draws, chosen.burn_in
    noise = hmc.Draws(seed, "llc hamiltonian", c, p)
    lengths = stream(0, "llc lengths").integers(1, LEAPFROGS + 1, burn + draws)
    z = torch.zeros(c, p, dtype=torch.float64)
    scale, log_size, since = first_scale(target, z, problem.curvature), math.log(FIRST_SIZE), 0
    stops = {int(burn * share) for share in (0.25, 0.5, 0.75)}
    state, gradients, look = hmc.init(target, z), 1, FIRST_LOOK
    seen: list[Tensor] = []  # since the scale was learnt last
    kept: list[Tensor] = []
    priors: list[Tensor] = []
    early: list[Tensor] = []
    taken = torch.zeros(c, dtype=torch.float64)

    def run() -> Run:
        skip = 0 if enough is None else int(len(kept) * LEFT_OUT)
        return Run(
            torch.stack(kept[skip:]).numpy(),
            torch.stack(priors[skip:]).numpy(),
            torch.zeros(c, dtype=torch.float64).numpy(),
            math.exp(log_size),
            gradients * c,
            float(taken.mean()) / len(kept),
            torch.stack(early).numpy(),
            len(kept),
            state.point.z,
        )

    for now in range(burn + draws):
        if progress is not None:
            progress(now, burn + draws)
        size = torch.full((c,), math.exp(log_size), dtype=torch.float64)
        state, info = hmc.step(target, state, noise, size, scale, int(lengths[now]), JITTER)
        gradients += info.gradients
        if now < burn:
            early.append(state.point.loss)
            accepted = float(info.acceptance.mean())
            if accepted < STUCK:  # far too large: nothing is learnt from chains that stay where they are
                log_size -= math.log(2.0)
                continue
            log_size += GAIN * (1 + since) ** -0.4 * (accepted - ACCEPTED)
            since += 1
            seen.append(state.point.z)
            if now + 1 in stops and len(seen) > 2:
                spread = torch.cat(seen).std(0)
                scale = torch.maximum(spread, 1e-3 * spread.max() + 1e-12)
                log_size = max(log_size, math.log(FIRST_SIZE))  # in units of the new scale
                seen, since = [], 0
            continue
        taken += info.acceptance
        kept.append(state.point.loss)
        priors.append(state.point.prior)
        if enough is not None and len(kept) >= look and len(kept) < draws:
            look = math.ceil(look * LATER)
            if enough(run()):
                break
    if progress is not None:
        progress(burn + draws, burn + draws)
    spend(float(gradients * c))
    return run()
