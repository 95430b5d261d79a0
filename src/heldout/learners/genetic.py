"""A genetic algorithm: tournaments choose two parents, their parts are mixed, the child is mutated, the best survive.

    parent = best of 3 drawn from the survivors        child_j = either parent's part j, with even chances
    survivors = the `kept` best of survivors and children (mu + lambda: what is good is never lost)

The first generation is the start and fresh draws around it (on bits: fair coins).

>>> from heldout.learners.black_box import Budget, search
>>> ones = lambda thetas: (~thetas).sum(1)                                                # zeros left of 30 bits
>>> search(genetic(), ones, torch.zeros(30, dtype=torch.bool), Budget(evaluations=5000), seed=0, goal=0).loss
0.0
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from heldout.core.errors import InputError
from heldout.core.streams import torch_seed
from heldout.learners.black_box import Searcher, SearchState
from heldout.learners.bulk_draws import coins
from heldout.learners.mutation import crossed, mutants, spread

TOURNAMENT = 3


def genetic(children: int = 64, kept: int = 32, step: float = 0.1, crossover: float = 0.5) -> Searcher:
    """A searcher of `children` rows a round from `kept` survivors.

    step is the standard deviation of a mutation of reals; crossover the share of children with two parents.
    """
    if children < 1 or kept < 1:
        raise InputError(f"{children} children and {kept} survivors", "give at least 1 of each")
    if not 0 < step < math.inf or not 0 <= crossover <= 1:
        raise InputError(
            f"step = {step}, crossover = {crossover}", "give a positive step and a share between 0 and 1"
        )

    def init(start: Tensor, seed: int) -> SearchState:
        return SearchState(start, seed)

    def ask(state: SearchState) -> Tensor:
        generator = torch.Generator(state.start.device)
        generator.manual_seed(torch_seed(state.seed, "genetic", state.rounds))
        if state.rounds == 0:
            return spread(state.start, children, step, generator)
        rows, losses = state.memory
        first, second = (_chosen(losses, children, generator) for _ in range(2))
        mixed = torch.rand(children, 1, generator=generator, device=rows.device) < crossover
        take = coins(children, rows.shape[1], generator).mul_(mixed.to(torch.uint8))
        begun = crossed(rows.index_select(0, first), rows.index_select(0, second), take)
        return mutants(begun, step, generator)

    def tell(state: SearchState, thetas: Tensor, losses: Tensor) -> SearchState:
        n = len(thetas)
        old = state.memory[0] if state.rounds else thetas
        if state.rounds:
            losses = torch.cat([losses, state.memory[1]])
        best = losses.argsort(stable=True)[:kept]  # children stand first, so that ties go to them
        rows = torch.stack([thetas[k] if k < n else old[k - n] for k in best.tolist()])
        return SearchState(state.start, state.seed, state.rounds + 1, (rows, losses[best]))

    return Searcher("genetic algorithm", ("reals", "bits"), init, ask, tell)


def _chosen(losses: Tensor, n: int, generator: torch.Generator) -> Tensor:
    """Places [n] of tournament winners; losses are sorted, so the least place wins."""
    drawn = torch.randint(len(losses), (n, TOURNAMENT), generator=generator, device=losses.device)
    return drawn.min(1).values
