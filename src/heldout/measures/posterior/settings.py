"""Settings of a ladder and of a run at one temperature, and what the chains of the latter hand back."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from torch import Tensor

from heldout.core.errors import InputError
from heldout.core.options import check_real, check_whole

Sampler = Literal["mala", "langevin", "underdamped", "hamiltonian"]
RUNGS, ENSEMBLES, BURN, DRAWS = 26, 16, 250, 300
NOISY_RUNGS = 16  # a ladder that ends at t = n is short
FEWEST_RUNGS = 8
LONGER = 3
ADJUSTED_UP_TO = 2000
LARGEST_N_BETA = 1e150  # whose square is still a number
BURN_IN, BRIEF = 600, 20  # steps at one temperature; trajectories at least where an error was asked for


@dataclass(frozen=True)
class Ladder:
    """Settings of the run; None is chosen from the problem. attempts: at most; chains that disagree are run again, `LONGER` times as long,
    those that have not spread over the posterior once more."""

    ensembles: int = ENSEMBLES
    burn: int = BURN
    draws: int = DRAWS
    rungs: int = RUNGS
    attempts: int = 3
    lowest: float | None = None
    highest: float | None = None
    level: float = 0.95

    def __post_init__(self) -> None:
        check_whole(
            ensembles=self.ensembles,
            burn=self.burn,
            draws=self.draws,
            rungs=self.rungs,
            attempts=self.attempts,
        )
        check_real(or_none=True, lowest=self.lowest, highest=self.highest)
        if self.ensembles < 8 or self.draws < 100 or self.burn < 100 or self.rungs < FEWEST_RUNGS:
            raise InputError(
                f"ensembles={self.ensembles}, burn={self.burn}, draws={self.draws}, rungs={self.rungs}",
                f"give at least 8 ensembles, 100 steps of burn-in, 100 draws and {FEWEST_RUNGS} rungs",
            )
        _check_level(self.level)
        if self.attempts < 1:
            raise InputError(f"attempts={self.attempts}", "give at least 1")
        ends = [v for v in (self.lowest, self.highest) if v is not None]
        if any(not 0 < v < math.inf for v in ends) or (len(ends) == 2 and ends[0] * 4 > ends[1]):
            raise InputError(
                f"the ladder of n beta runs from {self.lowest} to {self.highest}",
                "give 0 < lowest, 4 lowest <= highest",
            )


@dataclass(frozen=True)
class OneTemperature:
    """Settings; None is chosen from the problem: n beta = n/log n, no minibatches, and the sampler.

    sampler: "mala" (Metropolis-adjusted Langevin steps, exact) on all data up to `ADJUSTED_UP_TO` parameters, and "hamiltonian" (exact; a
    draw is a trajectory of up to 12 gradients) there where an error is asked for; "langevin" (unadjusted steps, SGLD) for minibatches
    and larger models, where adjusted steps would have to be much smaller; "underdamped".

    error: stop as soon as the standard error is at most this share of the value and nothing withholds it; `draws` is then the most, and
    the first part of them is left out: a fifth of Hamiltonian ones, half of the others.
    """

    n_beta: float | None = None
    sampler: Sampler | None = None
    batch_size: int | None = None
    chains: int = 8
    burn: int | None = None
    draws: int = 2000
    level: float = 0.95
    error: float | None = None

    def __post_init__(self) -> None:
        check_whole(chains=self.chains, draws=self.draws)
        check_whole(or_none=True, burn=self.burn, batch_size=self.batch_size)
        check_real(or_none=True, n_beta=self.n_beta, error=self.error)
        for name in ("n_beta", "error"):  # numpy's and torch's numbers of no axis count as numbers
            if (given := getattr(self, name)) is not None:
                object.__setattr__(self, name, float(given))
        _check_level(self.level)
        if self.n_beta is not None and not 0 < self.n_beta <= LARGEST_N_BETA:
            raise InputError(f"n beta is {self.n_beta}", "give a positive number; n/log n is the usual one")
        if self.sampler is not None and self.sampler not in get_args(Sampler):
            raise InputError(
                f"sampler {self.sampler!r} is not known", f"use one of {', '.join(get_args(Sampler))}"
            )
        least = BRIEF if self.error is not None and self.sampler == "hamiltonian" else 50
        if self.chains < 4 or (self.burn is not None and self.burn < least) or self.draws < 100:
            raise InputError(
                f"chains={self.chains}, burn={self.burn}, draws={self.draws}",
                f"give at least 4 chains, {least} steps of burn-in and 100 draws",
            )
        if self.error is not None and not 0 < self.error <= 0.1:
            raise InputError(f"error is {self.error}", "give a share of the value, at most 0.1")
        if self.batch_size is not None and (self.batch_size < 1 or self.sampler not in (None, "langevin")):
            raise InputError(
                f"batch_size is {self.batch_size} with sampler {self.sampler!r}",
                "minibatches need a positive size and the langevin sampler: the noise of their gradients is corrected there only",
            )

    def sampler_for(self, parameters: int) -> Sampler:
        """The sampler that was asked for, or the one for so many parameters."""
        if self.sampler is not None:
            return self.sampler
        if self.batch_size is not None or parameters > ADJUSTED_UP_TO:
            return "langevin"
        return "mala" if self.error is None else "hamiltonian"

    @property
    def burn_in(self) -> int:
        """Steps of burn-in, asked for or the usual ones."""
        return BURN_IN if self.burn is None else self.burn


def check_localization(gamma: float | None, radius: float | None) -> None:
    """Refuses a gamma or a radius that localizes nothing, and both: gamma takes the place of the box."""
    check_real(or_none=True, gamma=gamma, radius=radius)
    if gamma is not None and not 0 <= gamma < math.inf:
        raise InputError(f"gamma is {gamma}", "give 0 (no localization) or a positive number")
    if radius is not None and not 0 < radius < math.inf:
        raise InputError(f"radius is {radius}", "give a positive number, in units of the weights")
    if gamma is not None and radius is not None:
        raise InputError(
            f"gamma is {gamma} and radius is {radius}, but gamma takes the place of the box",
            "give one of them",
        )


def _check_level(level: float) -> None:
    check_real(level=level)
    if not 0 < level < 1:
        raise InputError(f"level is {level}", "give a probability between 0 and 1, such as .95")


@dataclass(frozen=True)
class Run:
    """loss, prior [draws c] at each draw, burn_loss [burn c] before (of minibatches where the chains have those), what the step size added [c], size, gradients, acceptance; how many steps were drawn; and where the chains ended, z [c p]."""

    loss: np.ndarray
    prior: np.ndarray
    bias: np.ndarray
    size: float
    gradients: int
    acceptance: float
    burn_loss: np.ndarray
    drawn: int
    last: Tensor
