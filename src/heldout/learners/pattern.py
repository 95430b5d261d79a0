"""Pattern search: poll along the axes, move to what is better, halve the step when nothing is (Kolda, Lewis & Torczon 2003).

    reals:  poll theta +- step e_j for every j; a round without gain halves the step, which ends below `least`
    bits:   poll every single flip; where no flip gains, begin again from fair coins

The axes are polled `axes` at a time in a random order, and the best of each poll is taken at once.

>>> from heldout.learners.black_box import Budget, search
>>> valley = lambda thetas: (thetas - 0.3).abs().sum(1)
>>> found = search(pattern(), valley, torch.ones(4, dtype=torch.float64), Budget(evaluations=10_000), seed=0)
>>> found.loss < 1e-5, found.stopped
(True, 'exhausted')
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from heldout.core.errors import InputError
from heldout.core.streams import torch_seed
from heldout.learners.black_box import Searcher, SearchState


class _Here(NamedTuple):
    theta: Tensor
    loss: float
    step: float
    at: int  # axes polled so far in this sweep
    sweep: int
    gained: bool


def pattern(step: float = 0.5, least: float = 1e-6, axes: int = 32) -> Searcher:
    """A searcher of `axes` flips or 2 `axes` steps a round; it is exhausted when the step of reals falls below `least`."""
    if not 0 < least <= step < math.inf:
        raise InputError(f"step = {step}, least = {least}", "give 0 < least <= step")
    if axes < 1:
        raise InputError(f"{axes} axes a round", "give at least 1")

    def init(start: Tensor, seed: int) -> SearchState:
        return SearchState(start, seed, 0, (_Here(start, math.inf, step, -1, 0, False),))

    def ask(state: SearchState) -> Tensor:
        here: _Here = state.memory[0]
        if here.at < 0:
            return here.theta[None]
        if here.step < least:
            return here.theta[None][:0]
        chosen = _draw(state, "order", here.sweep, len(here.theta))[here.at : here.at + axes]
        k = torch.arange(len(chosen))
        rows = here.theta.repeat(len(chosen), 1)
        if rows.dtype == torch.bool:
            rows[k, chosen] ^= True
            return rows
        up, down = rows, rows.clone()
        up[k, chosen] += here.step
        down[k, chosen] -= here.step
        return torch.cat([up, down])

    def tell(state: SearchState, thetas: Tensor, losses: Tensor) -> SearchState:
        here: _Here = state.memory[0]
        k = int(losses.argmin())
        if here.at < 0:
            after = here._replace(loss=float(losses[k]), at=0)
        elif float(losses[k]) < here.loss:
            moved = here._replace(theta=thetas[k].clone(), loss=float(losses[k]), gained=True)
            after = moved._replace(at=here.at + axes)
        else:
            after = here._replace(at=here.at + axes)
        if after.at >= len(after.theta):
            after = _next_sweep(state, after)
        return SearchState(state.start, state.seed, state.rounds + 1, (after,))

    return Searcher("pattern search", ("reals", "bits"), init, ask, tell)


def _next_sweep(state: SearchState, here: _Here) -> _Here:
    after = here._replace(at=0, sweep=here.sweep + 1, gained=False)
    if here.gained:
        return after
    if here.theta.dtype != torch.bool:
        return after._replace(step=here.step / 2)
    coins = _draw(state, "again", after.sweep, len(here.theta)) == 1
    return after._replace(theta=coins.to(here.theta.device), loss=math.inf, at=-1)


def _draw(state: SearchState, what: str, sweep: int, p: int) -> Tensor:
    generator = torch.Generator().manual_seed(torch_seed(state.seed, "pattern search", what, sweep))
    if what == "order":
        return torch.randperm(p, generator=generator)
    return torch.randint(2, (p,), generator=generator)
