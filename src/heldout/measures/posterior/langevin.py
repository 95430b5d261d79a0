"""Langevin chains at one temperature: scale and step size are learnt in burn-in; unadjusted steps measure their own bias."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from heldout.core.cost import spend
from heldout.core.errors import InputError
from heldout.core.streams import stream
from heldout.learners import mala, sgld, underdamped
from heldout.learners.replica_noise import ReplicaNoise
from heldout.learners.tempered import Point, Tempered
from heldout.measures.posterior.coefficient import Progress
from heldout.measures.posterior.first_scale import first_scale
from heldout.measures.posterior.problem import Problem
from heldout.measures.posterior.settings import OneTemperature, Run

BIAS = 0.1  # of the value: what the step size may add, before it is taken off
ACCEPTED = (
    0.8  # of adjusted steps; .574 is best for Gaussians in many dimensions, and sticks near singular points
)
LARGEST_ADJUSTED = math.sqrt(2.0)  # there a step forgets where it began, in a Gaussian of the learnt scale
FRICTION = 1.0
UNDERDAMPED_SIZE = 0.2
FIRST_LOOK, LATER = 100, 1.25  # draws before the first look at the error, and from one look to the next
State = sgld.State | underdamped.State | mala.State


def langevin(
    problem: Problem,
    t: float,
    seed: int,
    chosen: OneTemperature,
    enough: Callable[[Run], bool] | None = None,
    progress: Progress | None = None,
) -> Run:
    """The chains. progress(steps done, steps at most); enough(run so far): whether to stop, asked now and then; the first half of the draws is then left out as well,
    for a short burn-in alone leaves values low by some percent that no R-hat shows."""
    c, p, burn = chosen.chains, problem.parameters, chosen.burn_in
    target = Tempered(problem.loss, problem.prior, torch.full((c,), t, dtype=torch.float64))
    noise = ReplicaNoise(seed, f"llc {chosen.sampler}", c, p)
    at = None if chosen.batch_size is None else _minibatches(problem, seed, chosen.batch_size, c)
    z = torch.zeros(c, p, dtype=torch.float64)
    first = first_scale(target, z, problem.curvature)
    adjusted, under = chosen.sampler == "mala", chosen.sampler == "underdamped"
    scale, size, cap = first, 0.1, LARGEST_ADJUSTED if adjusted else 1.0
    chance, taken = ReplicaNoise(seed, "llc mala", c, 2), torch.zeros(c, dtype=torch.float64)

    def begin(z: Tensor) -> State:
        if adjusted:
            return mala.init(target, z)
        return underdamped.init(target, z, at) if under else sgld.init(target, z, at)

    def move(state: State) -> State:
        if isinstance(state, mala.State):
            return mala.step(target, state, noise, chance, size, scale)
        if isinstance(state, underdamped.State):
            return underdamped.step(target, state, noise, size, scale, FRICTION, at)
        return sgld.step(target, state, noise, size, scale, at)

    state = begin(z)
    ratio, sums, count = 0.0, torch.zeros(2, p, dtype=torch.float64), 0
    every = 1 if at is None else 5  # the loss on all data is taken at every fifth state of minibatch chains
    kept, priors, early = [], [], []
    added: list[Tensor] = []  # what the step size adds, a draw
    offset = 0.0 if at is None else problem.start_loss  # a minibatch has its own loss, not that above w*
    stops = {int(burn * share) for share in (0.25, 0.5, 0.75)}
    look = FIRST_LOOK * every
    for now in range(burn + chosen.draws):
        if progress is not None:
            progress(now, burn + chosen.draws)
        state = move(state)
        point = state.point
        if now < burn:
            early.append(point.loss - offset)
            gone = ~torch.isfinite(point.loss)
            if bool(gone.any()):  # begin again at w*, with smaller steps from now on
                back, cap = torch.where(gone[:, None], 0.0, point.z), 0.7 * min(cap, size)
                size, sums, count = cap, torch.zeros_like(sums), 0
                scale = torch.minimum(scale, first)
                state = replace(begin(back), steps=now + 1)
                continue
            sums += torch.stack([point.z.mean(0), point.z.square().mean(0)])
            count += 1
            if now + 1 in stops and count > 20:
                spread = (sums[1] / count - (sums[0] / count).square()).clamp(min=0).sqrt()
                scale = torch.maximum(spread, 1e-3 * spread.max() + 1e-12)
                sums, count, ratio = torch.zeros_like(sums), 0, 0.0
                size = min(cap, UNDERDAMPED_SIZE) if under else min(size, cap, 0.5)
            if isinstance(state, mala.State):
                size = min(size * math.exp(0.1 * (float(state.accepted.mean()) - ACCEPTED)), cap)
            elif not under and now % every == 0:
                risen = point.loss if at is None else _on_all(problem, point.z)
                size, ratio = _next_size(target, point, risen, size, scale, ratio, every)
                size = min(size, cap)
            continue
        if isinstance(state, mala.State):
            taken += state.accepted
        elif not under:
            added.append(sgld.bias(target, point, size, scale))
        if (now - burn) % every == 0:
            kept.append(point.loss if at is None else _on_all(problem, point.z))
            priors.append(point.prior)
        drawn = now + 1 - burn
        if enough is not None and drawn >= look and drawn < chosen.draws:
            look = math.ceil(look * LATER)
            if enough(_run(kept, priors, added, size, (now + 1) * c, early, drawn, point.z, later=True)):
                break
    if progress is not None:
        progress(burn + chosen.draws, burn + chosen.draws)
    steps = (now + 1) * c
    spend(steps if chosen.batch_size is None else steps * chosen.batch_size / (problem.n or 1))
    run = _run(kept, priors, added, size, steps, early, drawn, point.z, later=enough is not None)
    return replace(run, acceptance=float(taken.mean()) / drawn) if adjusted else run


def _run(
    kept: list[Tensor],
    priors: list[Tensor],
    added: list[Tensor],
    size: float,
    steps: int,
    early: list[Tensor],
    drawn: int,
    last: Tensor,
    later: bool,
) -> Run:
    """What the chains hand back; later: without the first half of the draws."""
    if later:
        kept, priors, added = (each[len(each) // 2 :] for each in (kept, priors, added))
    loss = torch.stack(kept)
    return Run(
        loss.numpy(),
        torch.stack(priors).numpy(),
        (torch.stack(added).mean(0) if added else torch.zeros_like(loss[0])).numpy(),
        float(size),
        steps,
        math.nan,
        torch.stack(early).numpy() if early else np.empty((0, loss.shape[1])),
        drawn,
        last,
    )


def _on_all(problem: Problem, z: Tensor) -> Tensor:
    """The loss above w* on all data [c]."""
    with torch.no_grad():
        return problem.loss(z)


def _next_size(
    target: Tempered, point: Point, loss: Tensor, size: float, scale: Tensor, ratio: float, every: int
) -> tuple[float, float]:
    """The step size moves until the correction is about BIAS of t L."""
    added = float(sgld.bias(target, point, size, scale).mean())
    value = max(float((target.t * loss).mean()), 1e-9)
    seen = min(max(added / value, 1e-4), 10.0)
    ratio = seen if ratio == 0.0 else 0.9 * ratio + 0.1 * seen
    return min(1.0, max(1e-4, size * math.exp(0.05 * every * math.log(BIAS / ratio)))), ratio


def _minibatches(problem: Problem, seed: int, batch: int, chains: int) -> sgld.At:
    """at(z, step): loss and slopes on each chain's own rows of that step, drawn without replacement."""
    n, on_rows = int(problem.n or 0), problem.on_rows
    assert on_rows is not None
    if batch > n:
        raise InputError(f"batch_size is {batch} of {n} examples", "give at most n")

    def at(z: Tensor, step: int) -> Point:
        rows = [stream(seed, "llc rows", i, step).choice(n, batch, replace=False) for i in range(chains)]
        chosen = torch.from_numpy(np.stack(rows))
        return Tempered(lambda v: on_rows(problem.thetas(v), chosen), problem.prior, torch.ones(chains)).at(z)

    return at
