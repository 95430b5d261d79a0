"""OpenAI-ES: climb the mean over a Gaussian cloud, by antithetic pairs and ranks (Salimans et al. 2017, 1703.03864).

    theta_k = mean +- std eps_k                  u_k in [-1/2, 1/2]: rank of the loss, the best 1/2, ties their mean
    g = sum_k u_k (theta_k - mean) / (n std)     mean <- mean + lr Adam(g) - lr decay mean

Ranks make it indifferent to the loss's scale; a cloud that is all alike does not move. The mean itself is never
evaluated: what is found is the best of the cloud.

>>> from heldout.learners.black_box import Budget, search
>>> sphere = lambda thetas: thetas.square().sum(1)
>>> found = search(openai_es(pairs=16, std=0.01, lr=0.02), sphere, torch.ones(20), Budget(evaluations=8000), seed=0)
>>> found.loss < 0.01
True
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from heldout.core.errors import InputError
from heldout.core.streams import torch_seed
from heldout.learners.black_box import Searcher, SearchState
from heldout.learners.learner import not_negative

BETAS = (0.9, 0.999)
EPS = 1e-8


def openai_es(pairs: int = 32, std: float = 0.05, lr: float = 0.02, decay: float = 0.0) -> Searcher:
    """A searcher of 2 `pairs` rows a round: `std` is the cloud's standard deviation, `lr` that of Adam."""
    not_negative(lr=lr, decay=decay)
    if pairs < 1:
        raise InputError(f"{pairs} pairs", "give at least 1")
    if not 0 < std < math.inf:
        raise InputError(f"std = {std} is not positive and finite", "give a positive number")

    def init(start: Tensor, seed: int) -> SearchState:
        return SearchState(start, seed, 0, (start, torch.zeros_like(start), torch.zeros_like(start)))

    def ask(state: SearchState) -> Tensor:
        mean = state.memory[0]
        generator = torch.Generator(mean.device)
        generator.manual_seed(torch_seed(state.seed, "openai es", state.rounds))
        thetas = torch.empty(2 * pairs, len(mean), dtype=mean.dtype, device=mean.device)
        noise = thetas[:pairs].normal_(generator=generator).mul_(std)
        torch.sub(mean, noise, out=thetas[pairs:])
        noise.add_(mean)
        return thetas

    def tell(state: SearchState, thetas: Tensor, losses: Tensor) -> SearchState:
        mean, first, second = state.memory
        t, (b1, b2) = state.rounds + 1, BETAS
        u = centred_ranks(losses).to(mean.dtype)
        g = (u[:pairs] - u[pairs:]) @ (thetas[:pairs] - mean) / (2 * pairs * std)
        first, second = b1 * first + (1 - b1) * g, b2 * second + (1 - b2) * g.square()
        move = first / (1 - b1**t) / ((second / (1 - b2**t)).sqrt() + EPS)
        return SearchState(state.start, state.seed, t, (mean * (1 - lr * decay) + lr * move, first, second))

    return Searcher("OpenAI-ES", ("reals",), init, ask, tell)


def centred_ranks(losses: Tensor) -> Tensor:
    """Ranks [n] scaled to [-1/2, 1/2], the least loss 1/2; tied losses share their mean rank.

    >>> centred_ranks(torch.tensor([3.0, 1.0, 1.0, 2.0, 9.0])).tolist()
    [-0.25, 0.375, 0.375, 0.0, -0.5]
    """
    _, which, counts = torch.unique(losses, return_inverse=True, return_counts=True)
    rank = counts.cumsum(0) - (counts + 1) / 2
    return 0.5 - rank[which] / max(1, len(losses) - 1)
