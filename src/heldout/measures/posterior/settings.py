"""Settings of a run at one temperature, and what its chains hand back."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from heldout.core.errors import InputError

Sampler = Literal["langevin", "underdamped", "hamiltonian"]


@dataclass(frozen=True)
class OneTemperature:
    """Settings; None is chosen from the problem: n beta = n/log n, and no minibatches."""

    n_beta: float | None = None
    sampler: Sampler = "langevin"
    batch_size: int | None = None
    chains: int = 8
    burn: int = 600
    draws: int = 2000
    level: float = 0.95

    def __post_init__(self) -> None:
        if self.n_beta is not None and not 0 < self.n_beta < math.inf:
            raise InputError(f"n beta is {self.n_beta}", "give a positive number; n/log n is the usual one")
        if self.sampler not in ("langevin", "underdamped", "hamiltonian"):
            raise InputError(
                f"sampler {self.sampler!r} is not known", "use langevin, underdamped or hamiltonian"
            )
        if self.chains < 4 or self.burn < 50 or self.draws < 100:
            raise InputError(
                f"chains={self.chains}, burn={self.burn}, draws={self.draws}",
                "give at least 4 chains, 50 steps of burn-in and 100 draws",
            )
        if self.batch_size is not None and (self.batch_size < 1 or self.sampler != "langevin"):
            raise InputError(
                f"batch_size is {self.batch_size} with sampler {self.sampler!r}",
                "minibatches need a positive size and the langevin sampler: the noise of their gradients is corrected there only",
            )


@dataclass(frozen=True)
class Run:
    """loss, prior [draws c] at each draw, burn_loss [burn c] before (of minibatches where the chains have those), what the step size added [c], sizes, lowest loss, gradients, acceptance."""

    loss: np.ndarray
    prior: np.ndarray
    bias: np.ndarray
    size: float
    gradients: int
    acceptance: float
    burn_loss: np.ndarray
