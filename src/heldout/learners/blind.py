"""Blind search: every guess is a fresh draw, whatever the earlier ones scored.

    uniform:  theta ~ U(-scale, scale)^p       gaussian:  theta ~ N(0, scale^2)^p       bits: fair coins

Guess k belongs to (seed, k) alone: a search finds the same guess at the same evaluation whatever `batch` is.
`scale` may be a row [p], such as 1 / sqrt(fan in) for each weight. The start gives the length and the dtype only.

>>> from heldout.learners.black_box import Budget, search
>>> loss = lambda thetas: (thetas[:, 0] > -0.5).double()               # a quarter of U(-1, 1) succeeds
>>> counts = [search(blind(), loss, torch.zeros(2), Budget(evaluations=999), seed, goal=0.0).found_at for seed in range(200)]
>>> abs(sum(counts) / 200 - 4) < 3 * 12 ** 0.5 / 200 ** 0.5           # geometric: mean 4, variance 12
True
"""

from __future__ import annotations

import torch
from torch import Tensor

from heldout.core.errors import InputError
from heldout.learners.black_box import Searcher, SearchState
from heldout.learners.fast_draws import Law, fill

BLOCK = 256  # guesses that share one generator


def blind(law: Law = "uniform", scale: float | Tensor = 1.0, batch: int = 1024) -> Searcher:
    """A searcher of `batch` guesses a round; `scale` is one number or [p], and has no meaning for bits."""
    if law not in ("uniform", "gaussian"):
        raise InputError(f"the law {law!r} is not known", "use 'uniform' or 'gaussian'")
    if batch < 1:
        raise InputError(f"{batch} guesses a round", "give at least 1")
    if not bool((torch.as_tensor(scale) > 0).all()):
        raise InputError(
            f"scale = {scale} is not positive", "give a positive number, or one for each parameter"
        )

    def init(start: Tensor, seed: int) -> SearchState:
        if isinstance(scale, Tensor) and scale.shape not in ((), start.shape):
            raise InputError(
                f"scale has the shape {tuple(scale.shape)} for {len(start)} parameters",
                "give one number or [p]",
            )
        return SearchState(start, seed)

    def ask(state: SearchState) -> Tensor:
        first = state.rounds * batch
        return guesses(state.start, state.seed, first, first + batch, law, scale)

    def tell(state: SearchState, thetas: Tensor, losses: Tensor) -> SearchState:
        return state._replace(rounds=state.rounds + 1)

    return Searcher("blind search", ("reals", "bits"), init, ask, tell)


def guesses(
    like: Tensor, seed: int, first: int, stop: int, law: Law = "uniform", scale: float | Tensor = 1.0
) -> Tensor:
    """Guesses first .. stop-1 as rows [n p] of the length and dtype of `like` [p]; row k depends on (seed, k) alone."""
    begin = first - first % BLOCK
    drawn = torch.empty(-(-(stop - begin) // BLOCK) * BLOCK, len(like), dtype=like.dtype)
    for at in range(0, len(drawn), BLOCK):
        fill(drawn[at : at + BLOCK], law, seed, "blind search", (begin + at) // BLOCK)
    rows = drawn[first - begin : stop - begin].to(like.device)
    return (
        rows if like.dtype == torch.bool or (isinstance(scale, float) and scale == 1.0) else rows.mul_(scale)
    )
