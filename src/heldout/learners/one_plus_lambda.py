"""(1+lambda): a parent, lambda mutants of it, and the best of all is the next parent (Rechenberg 1973).

    reals:  mutant = parent + step N(0, 1)^p
            step <- step exp((s - s*) / (d (1 - s*))),  s share of mutants that beat the parent,
            s* = 1 / (5 + sqrt(lambda) / 2),  d = 1 + p / (2 lambda)      (Igel, Hansen & Roth 2007, without the matrix)
    bits:   each bit is flipped with chance 1 / p, at least one of them

A mutant as good as its parent takes its place, so that plateaus are crossed. The start is evaluation 1.

>>> from heldout.learners.black_box import Budget, search
>>> ones = lambda thetas: (~thetas).sum(1)                                                # zeros left of 12 bits
>>> search(one_plus_lambda(4), ones, torch.zeros(12, dtype=torch.bool), Budget(evaluations=1000), 0, goal=0).theta.all()
tensor(True)
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from heldout.core.errors import InputError
from heldout.core.streams import torch_seed
from heldout.learners.black_box import Searcher, SearchState
from heldout.learners.mutation import mutants


def one_plus_lambda(children: int = 8, step: float = 0.1) -> Searcher:
    """A searcher of `children` mutants a round; `step` is the first standard deviation of a mutation of reals."""
    if not isinstance(children, int) or children < 1:
        raise InputError(f"{children} children", "give a whole number, at least 1")
    if not 0 < step < math.inf:
        raise InputError(f"step = {step} is not positive and finite", "give a positive number")
    wanted = 1.0 / (5.0 + math.sqrt(children) / 2.0)

    def init(start: Tensor, seed: int) -> SearchState:
        return SearchState(start, seed, 0, (start, math.inf, step))

    def ask(state: SearchState) -> Tensor:
        parent, _, now = state.memory
        if state.rounds == 0:
            return parent[None]
        generator = torch.Generator(parent.device)
        generator.manual_seed(torch_seed(state.seed, "one plus lambda", state.rounds))
        return mutants(parent.expand(children, -1), now, generator)

    def tell(state: SearchState, thetas: Tensor, losses: Tensor) -> SearchState:
        parent, loss, now = state.memory
        k = int(losses.argmin())
        if state.rounds:
            share = float((losses < loss).double().mean())
            now *= math.exp((share - wanted) / ((1 + len(parent) / (2 * children)) * (1 - wanted)))
        if state.rounds == 0 or float(losses[k]) <= loss:
            parent, loss = thetas[k].clone(), float(losses[k])
        return SearchState(state.start, state.seed, state.rounds + 1, (parent, loss, now))

    return Searcher("(1+lambda)", ("reals", "bits"), init, ask, tell)
