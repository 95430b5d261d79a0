"""CMA-ES (Hansen 2016, 1604.00772), from the package `cma`, with our accounting, named randomness and no global state.

A full covariance matrix costs p^2 numbers and p^3 operations now and then, so more than `MOST` parameters are refused
unless `diagonal` keeps its diagonal alone. `pip install "heldout[cma]"` brings the package.

>>> from heldout.learners.black_box import Budget, search
>>> bent = lambda thetas: (100 * (thetas[:, 1] - thetas[:, 0] ** 2) ** 2 + (1 - thetas[:, 0]) ** 2)   # Rosenbrock
>>> search(cma_es(), bent, torch.zeros(2, dtype=torch.float64), Budget(evaluations=2000), seed=0, goal=1e-8).loss <= 1e-8
True
"""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from heldout.core.errors import InputError
from heldout.core.streams import stream
from heldout.learners.black_box import Searcher, SearchState

MOST = 300


def cma_es(step: float = 0.5, population: int | None = None, diagonal: bool = False) -> Searcher:
    """A searcher of `population` rows a round (None: 4 + 3 log p); `step` is the first standard deviation."""
    if not 0 < step < math.inf:
        raise InputError(f"step = {step} is not positive and finite", "give a positive number")
    if population is not None and population < 2:
        raise InputError(f"a population of {population}", "give at least 2")
    cma = _package()

    def init(start: Tensor, seed: int) -> SearchState:
        if len(start) > MOST and not diagonal:
            raise InputError(
                f"{len(start)} parameters, more than the {MOST} of a full covariance matrix",
                "pass diagonal=True, or use openai_es",
            )
        if len(start) < 2:
            raise InputError("CMA-ES needs at least 2 parameters", "use one_plus_lambda")
        options: dict[str, Any] = {
            "verbose": -9,
            "seed": np.nan,
            "CMA_diagonal": diagonal,
            "randn": _Normal(seed),
        }
        if population is not None:
            options["popsize"] = population
        return SearchState(
            start, seed, 0, (cma.CMAEvolutionStrategy(start.double().cpu().numpy(), step, options),)
        )

    def ask(state: SearchState) -> Tensor:
        return _asked(state)[1]

    def tell(state: SearchState, thetas: Tensor, losses: Tensor) -> SearchState:
        strategy, _, rows = _asked(
            state
        )  # the package changes itself when asked: ask a copy again, and tell that
        finite = losses[losses.isfinite()]
        worst = float(finite.max()) + 1.0 if len(finite) else 0.0
        strategy.tell(rows, losses.nan_to_num(nan=worst, posinf=worst).tolist())
        return state._replace(rounds=state.rounds + 1, memory=(strategy,))

    return Searcher("CMA-ES", ("reals",), init, ask, tell)


class _Normal:
    """The package's source of normal numbers: a stream of its own for each round."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.draw = stream(seed, "cma", "init")

    def turn_to(self, round_number: int) -> None:
        self.draw = stream(self.seed, "cma", round_number)

    def __call__(self, *shape: int) -> np.ndarray:
        return self.draw.standard_normal(shape)


def _asked(state: SearchState) -> tuple[Any, Tensor, list[np.ndarray]]:
    strategy = copy.deepcopy(state.memory[0])
    strategy.opts["randn"].turn_to(state.rounds)
    rows = strategy.ask()
    return strategy, torch.from_numpy(np.array(rows)).to(state.start), rows


def _package() -> Any:
    try:
        import cma
    except ImportError:
        raise InputError("the package cma is not installed", 'pip install "heldout[cma]"') from None
    return cma
