"""Simulated annealing: worse is accepted with chance exp(-rise / T), and T falls (Kirkpatrick, Gelatt & Vecchi 1983).

    proposal = mutant of the chain's row             accept if u < exp(-(loss' - loss) / T_t)
    T_t = hot (cold / hot)^(min(t, rounds) / rounds)

Temperatures are in the unit of the loss. `chains` walk side by side and never meet; the first one begins at the start,
the others around it (on bits: at fair coins).

>>> from heldout.learners.black_box import Budget, search
>>> ones = lambda thetas: (~thetas).sum(1)                                                # zeros left of 20 bits
>>> search(annealing(hot=0.5, cold=0.1, rounds=500), ones, torch.zeros(20, dtype=torch.bool), Budget(4000), 0, goal=0).loss
0.0
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from heldout.core.errors import InputError
from heldout.core.streams import torch_seed
from heldout.learners.black_box import Searcher, SearchState
from heldout.learners.mutation import mutants, spread


def annealing(
    hot: float = 1.0, cold: float = 1e-3, rounds: int = 1000, chains: int = 8, step: float = 0.1
) -> Searcher:
    """A searcher of `chains` rows a round, cooled from `hot` to `cold` in `rounds` rounds and kept there."""
    if not 0 < cold <= hot < math.inf:
        raise InputError(f"hot = {hot}, cold = {cold}", "give temperatures with 0 < cold <= hot")
    if rounds < 1 or chains < 1:
        raise InputError(f"{rounds} rounds and {chains} chains", "give at least 1 of each")
    if not 0 < step < math.inf:
        raise InputError(f"step = {step} is not positive and finite", "give a positive number")

    def init(start: Tensor, seed: int) -> SearchState:
        return SearchState(start, seed)

    def draw(state: SearchState, what: str) -> torch.Generator:
        generator = torch.Generator(state.start.device)
        return generator.manual_seed(torch_seed(state.seed, "annealing", what, state.rounds))

    def ask(state: SearchState) -> Tensor:
        generator = draw(state, "proposals")
        if state.rounds == 0:
            return spread(state.start, chains, step, generator)
        return mutants(state.memory[0], step, generator)

    def tell(state: SearchState, thetas: Tensor, losses: Tensor) -> SearchState:
        if state.rounds:
            here, level = state.memory
            temperature = hot * (cold / hot) ** (min(state.rounds, rounds) / rounds)
            u = torch.rand(
                chains, generator=draw(state, "acceptance"), dtype=losses.dtype, device=losses.device
            )
            # u T below the fall in loss, in logs, so that from infinity everything and to it nothing is accepted
            accepted = (losses <= level) | (temperature * u.log() < level - losses)
            thetas = torch.where(accepted[:, None], thetas, here)
            losses = torch.where(accepted, losses, level)
        return SearchState(state.start, state.seed, state.rounds + 1, (thetas, losses))

    return Searcher("simulated annealing", ("reals", "bits"), init, ask, tell)
