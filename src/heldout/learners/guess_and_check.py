"""Guess and check: weights are drawn until they fit, and fits are sorted by their normalized loss (Chiang et al. 2023).

    a guess fits         the label's logit is above all others on every example (a tie is no fit)
    normalized loss      mean cross-entropy of logits / prod_l |W_l|_F,  nats

Where every layer is homogeneous (ReLU, no biases) a net's predictions do not change when a layer is scaled, but its loss
does; the normalized loss has no such freedom, so solutions of different learners can be compared at the same value.

>>> from heldout.learners.mlp_guesses import mlp_guesses
>>> x, y = torch.tensor([[1.0, 2.0]]), torch.tensor([1])                       # one example: a fair coin
>>> seen = guess_and_check(mlp_guesses(x, (2, 32, 2)), y, Budget(evaluations=10_000), seed=0, wanted=10_000)
>>> seen.guesses, len(seen.thetas) == seen.fits, abs(seen.fits / 10_000 - 1 / 2) < 4 * 0.005, bool((seen.losses < 0.6932).all())
(10000, True, True, True)
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from heldout.core.errors import InputError
from heldout.learners.black_box import Budget


class Guesses(NamedTuple):
    """A block of n guesses: logits [n b c]; for those at places [m] products of layer norms [m] and thetas [m p]."""

    logits: Tensor
    norms: Callable[[Tensor], Tensor]
    thetas: Callable[[Tensor], Tensor]


class Guesser(NamedTuple):
    """Where guesses come from: `size` of them in a block, and `draw(seed, block)`, which depends on nothing else."""

    size: int
    draw: Callable[[int, int], Guesses]


@dataclass(frozen=True)
class Checked:
    """m fits that were kept, by guess; `fits` of all `guesses` fitted, kept or not (their share is the fits' volume).

    thetas [m p], normalized losses [m], number of the guess [m] from 1, bin [m].
    """

    thetas: Tensor
    losses: Tensor
    numbers: Tensor
    bins: Tensor
    fits: int
    guesses: int
    seconds: float


def guess_and_check(
    guesser: Guesser,
    y: Tensor,
    budget: Budget,
    seed: int,
    wanted: int = 1,
    edges: Sequence[float] = (0.0, math.inf),
    clock: Callable[[], float] = time.perf_counter,
) -> Checked:
    """Guess until each bin [edges[i], edges[i+1]) of normalized loss has `wanted` fits, or the budget is spent.

    y [b] classes. Guesses are counted one by one; the last block is counted whole unless the budget cuts it.
    """
    _check(y, wanted, edges)
    inner = torch.tensor(list(edges), dtype=torch.float64)
    have = torch.zeros(len(edges) - 1, dtype=torch.long)
    kept: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []
    began, last, made, fits, block = clock(), 0.0, 0, 0, 0
    while bool((have < wanted).any()):
        before = clock()
        room = guesser.size if budget.evaluations is None else min(guesser.size, budget.evaluations - made)
        if room == 0 or (budget.seconds is not None and made and before - began + last > budget.seconds):
            break
        drawn = guesser.draw(seed, block)
        places = _fits(drawn.logits[:room], y)
        if len(places):
            losses = normalized_loss(drawn.logits[places], y, drawn.norms(places))
            bins = torch.bucketize(losses, inner, right=True) - 1
            mine = [_first(bins, i, wanted - int(have[i])) for i in range(len(have))]
            chosen = torch.cat(mine).sort().values
            have += torch.tensor([len(one) for one in mine])
            kept.append(
                (drawn.thetas(places[chosen]), losses[chosen], made + 1 + places[chosen], bins[chosen])
            )
        fits, made, block = fits + len(places), made + room, block + 1
        last = clock() - before
        del drawn  # its memory, still in the core's cache, is the next block's
    thetas, found, numbers, where = (torch.cat(c) for c in zip(*kept)) if kept else torch.zeros(4, 0)
    return Checked(thetas, found, numbers, where, fits, made, clock() - began)


def normalized_loss(logits: Tensor, y: Tensor, norms: Tensor) -> Tensor:
    """Mean cross-entropy [n] float64 in nats of logits [n b c] divided by norms [n]."""
    scaled = logits.double() / norms.double()[:, None, None]
    n, b, _ = scaled.shape
    each = F.cross_entropy(scaled.flatten(0, 1), y.repeat(n), reduction="none")
    return each.view(n, b).mean(1)


def _fits(logits: Tensor, y: Tensor) -> Tensor:
    """Places whose label's logit is above all others on every example; NaN never is."""
    if int(y.max()) >= logits.shape[-1]:
        raise InputError(
            f"label {int(y.max())} for {logits.shape[-1]} outputs", "give the net one output for each class"
        )
    if (
        logits.shape[-1] == 2 and len(y) > 4
    ):  # most guesses fail: two cheap comparisons leave few for the whole look
        rough = ((logits[..., 1] > logits[..., 0]) == (y == 1)).all(1).nonzero()[:, 0]
        return rough[_ahead(logits[rough], y)] if len(rough) else rough
    return _ahead(logits, y).nonzero()[:, 0]


def _ahead(logits: Tensor, y: Tensor) -> Tensor:
    """Whether [n] the label's logit is above all others on every example."""
    others = [logits[..., k].where(y != k, -math.inf) for k in range(logits.shape[-1])]
    best = others[0]
    for other in others[1:]:
        best = torch.maximum(best, other)
    own = logits.gather(-1, y.expand(len(logits), -1)[..., None])[..., 0]
    return (own > best).all(1)


def _first(bins: Tensor, which: int, room: int) -> Tensor:
    return (bins == which).nonzero()[: max(room, 0), 0]


def _check(y: Tensor, wanted: int, edges: Sequence[float]) -> None:
    if y.ndim != 1 or not len(y) or y.is_floating_point() or int(y.min()) < 0:
        raise InputError(f"labels are {tuple(y.shape)} {y.dtype}", "give one class, 0, 1, ..., an example")
    if wanted < 1:
        raise InputError(f"{wanted} fits wanted", "ask for at least 1 a bin")
    if len(edges) < 2 or any(not low < high for low, high in itertools.pairwise(edges)):
        raise InputError(
            f"edges {tuple(edges)} do not rise", "give at least two rising numbers, such as (0.3, 0.4, 0.5)"
        )
