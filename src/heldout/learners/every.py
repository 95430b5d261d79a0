"""Every string of bits, once each, in the order of counting: what it finds is the best there is.

>>> import torch
>>> from heldout.learners.black_box import Budget, search
>>> found = search(every(), lambda thetas: thetas.sum(1), torch.zeros(10, dtype=torch.bool), Budget(evaluations=10**6), seed=0)
>>> found.evaluations, found.stopped, found.loss
(1024, 'exhausted', 0.0)
"""

from __future__ import annotations

import torch
from torch import Tensor

from heldout.core.errors import InputError
from heldout.learners.black_box import Searcher, SearchState

MOST = 40


def every(batch: int = 4096) -> Searcher:
    """A searcher of `batch` strings a round; bit j of a string has the weight 2^j. The seed is not used."""
    if batch < 1:
        raise InputError(f"{batch} strings a round", "give at least 1")

    def init(start: Tensor, seed: int) -> SearchState:
        if len(start) > MOST:
            raise InputError(
                f"2^{len(start)} strings are too many to try", "search with one_plus_lambda or genetic"
            )
        return SearchState(start, seed)

    def ask(state: SearchState) -> Tensor:
        p, first = len(state.start), state.rounds * batch
        numbers = torch.arange(first, max(first, min(first + batch, 1 << p)), device=state.start.device)
        return (numbers[:, None] >> torch.arange(p, device=numbers.device)) % 2 == 1

    def tell(state: SearchState, thetas: Tensor, losses: Tensor) -> SearchState:
        return state._replace(rounds=state.rounds + 1)

    return Searcher("every one", ("bits",), init, ask, tell)
