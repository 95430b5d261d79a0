"""`search`: the least loss that a searcher without gradients finds within a budget.

    init(start [p], seed) -> SearchState    ask(state) -> thetas [n p]    tell(state, thetas [n p], losses [n]) -> SearchState

A searcher is three pure functions over an immutable state; `search` alone evaluates, counts and keeps the best, so that
every searcher is charged alike: one evaluation for each row that the loss was asked for, the start included.
Rows of floats are moved as reals, rows of bool as bits. A loss that is NaN counts as the worst and never wins.

>>> import torch
>>> from heldout.learners.one_plus_lambda import one_plus_lambda
>>> sphere = lambda thetas: thetas.square().sum(1)
>>> found = search(one_plus_lambda(), sphere, torch.ones(3), Budget(evaluations=1001), seed=0)
>>> found.evaluations, found.loss < 1e-4, found.stopped, found.history[0]      # the start itself was evaluation 1
(1001, True, 'evaluations', (1, 3.0))
"""

from __future__ import annotations

import math
import numbers
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, SupportsIndex

import torch
from torch import Tensor

from heldout.core.errors import InputError

Loss = Callable[[Tensor], Tensor]  # thetas [n p] -> [n]; smaller is better
Moves = Literal["reals", "bits"]
Stopped = Literal["goal", "evaluations", "seconds", "exhausted"]


class SearchState(NamedTuple):
    """After `rounds` rounds from `start` [p]; `memory` is what the searcher keeps (a parent, a mean, a step size)."""

    start: Tensor
    seed: int
    rounds: int = 0
    memory: tuple[Any, ...] = ()


class Searcher(NamedTuple):
    """Three functions that leave what they are given unchanged; `ask` gives [0 p] when nothing is left to try."""

    name: str
    moves: tuple[Moves, ...]
    init: Callable[[Tensor, int], SearchState]
    ask: Callable[[SearchState], Tensor]
    tell: Callable[[SearchState, Tensor, Tensor], SearchState]


@dataclass(frozen=True)
class Budget:
    """What a search may spend: evaluations, seconds or both. Evaluations are never exceeded, by not even one.

    Time is looked at between rounds: no round begins that would not fit if it took as long as the one before.
    """

    evaluations: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        if self.evaluations is None and self.seconds is None:
            raise InputError("a budget without a limit would never end", "give evaluations, seconds or both")
        if self.evaluations is not None and not (_whole(self.evaluations) and self.evaluations >= 1):
            raise InputError(
                f"a budget of {self.evaluations} evaluations", "give a whole number of at least 1"
            )
        if self.seconds is not None and not 0 < self.seconds < math.inf:
            raise InputError(f"a budget of {self.seconds} seconds", "give a positive, finite number")


@dataclass(frozen=True)
class Found:
    """The best of a search: `theta` [p] with its `loss`, met at evaluation `found_at`.

    `loss` is NaN, `theta` the start and `found_at` 0 where no evaluation gave a number below infinity.
    `evaluations` and `seconds` are all that was spent; `history` has (evaluation, loss) of each improvement.
    """

    theta: Tensor
    loss: float
    found_at: int
    evaluations: int
    seconds: float
    history: tuple[tuple[int, float], ...]
    stopped: Stopped


def search(
    searcher: Searcher,
    loss: Loss,
    start: Tensor,
    budget: Budget,
    seed: int,
    goal: float | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Found:
    """Search from `start` [p] until the budget is spent, or a loss is at most `goal`.

    `found_at` does not depend on how many rows a searcher asks for at once; `evaluations` counts the whole last round.
    Raises `InputError` for arguments of another kind, a start that the searcher cannot move and a loss that is not one number a row.
    """
    for name, given, kind, remedy in (
        ("searcher", searcher, Searcher, "call its maker, as in one_plus_lambda()"),
        ("start", start, Tensor, "give a tensor [p]: torch.as_tensor(...)"),
        ("budget", budget, Budget, "give Budget(evaluations=...) or Budget(seconds=...)"),
    ):
        if not isinstance(given, kind):
            raise InputError(f"{name} is a {type(given).__name__}, not a {kind.__name__}", remedy)
    if isinstance(seed, bool) or not isinstance(seed, numbers.Integral) or int(seed) < 0:
        raise InputError(f"seed is {seed!r}", "give a whole number from 0")
    movable(searcher, start)
    state, began, last = searcher.init(start, seed), clock(), 0.0
    best, theta, history, spent = math.inf, start, list[tuple[int, float]](), 0
    while True:
        before = clock()
        stopped = _over(budget, spent, before - began, last)
        if stopped is not None:
            break
        thetas = searcher.ask(state)
        if not len(thetas):
            stopped = "exhausted"
            break
        asked = len(thetas)
        if budget.evaluations is not None:
            thetas = thetas[: budget.evaluations - spent]
        losses = evaluate(loss, thetas)
        for k in _improvements(losses, best):
            best, theta = float(losses[k]), thetas[k].clone()
            history.append((spent + k + 1, best))
            if goal is not None and best <= goal:
                break
        spent += len(thetas)
        last = clock() - before
        if goal is not None and best <= goal:
            stopped = "goal"
            break
        if len(thetas) == asked:  # the last round may be cut short: nobody asks again
            state = searcher.tell(state, thetas, losses)
    found_at = history[-1][0] if history else 0
    value = best if history else math.nan
    return Found(theta, value, found_at, spent, clock() - began, tuple(history), stopped)


def evaluate(loss: Loss, thetas: Tensor) -> Tensor:
    """Losses [n] float64 of thetas [n p], without gradients; NaN becomes infinity."""
    version = thetas._version
    with torch.no_grad():
        losses = loss(thetas)
    if thetas._version != version:
        raise InputError(
            "the loss changed the thetas that it was given, in place",
            "compute with a copy: thetas + 1 instead of thetas.add_(1)",
        )
    if not isinstance(losses, Tensor) or losses.shape != thetas.shape[:1]:
        shape = tuple(losses.shape) if isinstance(losses, Tensor) else type(losses).__name__
        raise InputError(
            f"the loss gave {shape} for thetas {tuple(thetas.shape)}",
            "give one number for each row of thetas",
        )
    return losses.detach().to(torch.float64).nan_to_num(nan=math.inf, posinf=math.inf, neginf=-math.inf)


def movable(searcher: Searcher, start: Tensor) -> None:
    """Raises `InputError` where `searcher` cannot move `start`."""
    if start.ndim != 1:
        raise InputError(
            f"the start has the shape {tuple(start.shape)}",
            "give one row [p]; for several starts search from each",
        )
    if not len(start):
        raise InputError(
            "the start has no parameters", "there is nothing to search; give a row [p] with p > 0"
        )
    kind: Moves = "reals" if start.is_floating_point() else "bits"
    if kind == "bits" and start.dtype != torch.bool:
        raise InputError(
            f"the start is {start.dtype}",
            "give floats to move reals, or bool to move bits and turn them into weights inside the loss",
        )
    if kind not in searcher.moves:
        raise InputError(
            f"{searcher.name} moves {' and '.join(searcher.moves)}, the start is made of {kind}",
            "search over bits with blind, one_plus_lambda, genetic, annealing, pattern or every"
            if kind == "bits"
            else "give a start of dtype bool",
        )
    if kind == "reals" and not bool(start.isfinite().all()):
        raise InputError("the start has numbers that are not finite", "start from finite parameters")


def _whole(value: object) -> bool:
    return isinstance(value, SupportsIndex) and not isinstance(value, bool)


def _over(budget: Budget, spent: int, elapsed: float, last: float) -> Stopped | None:
    if budget.evaluations is not None and spent >= budget.evaluations:
        return "evaluations"
    if budget.seconds is not None and spent and elapsed + last > budget.seconds:
        return "seconds"
    return None


def _improvements(losses: Tensor, best: float) -> list[int]:
    """Places where the least loss so far falls."""
    before = torch.cat([losses.new_tensor([best]), losses.cummin(0).values.clamp(max=best)[:-1]])
    return [int(k) for k in (losses < before).nonzero()[:, 0]]
