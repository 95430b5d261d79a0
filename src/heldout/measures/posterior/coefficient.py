"""`LearningCoefficient`: an estimate with everything that was chosen and seen on the way to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from heldout.core.estimate import Estimate

Floats = NDArray[np.float64]
Progress = Callable[
    [int, int], None
]  # steps done, of how many: longer runs that turn out to be needed add theirs
ONE_TEMPERATURE = Estimate.withheld("the multiplicity is told by a ladder of temperatures only")


@dataclass(frozen=True)
class LearningCoefficient:
    """`estimate` of `target`, on the ladder t [k] = n beta (one rung at a single temperature).

    curve [k] = Lambda(t) = t (E_t[L] - L(w*)) with curve_stderr; square [k] = V(t) = t^2 Var_t(L); r_hat, ess [k];
    acceptance [k] (NaN for unadjusted samplers); loss_traces [draws e k] and burn_traces [burn e k] above L(w*), float32;
    fit: weights of the ways to approach lambda; multiplicity: their average m, between the fewest and the most poles tied that
    hold `level` of the weight (not known at one temperature, nor with the noise of data);
    lower [p]: where w* is no minimum, the lowest point that was found, in the coordinates that moved; else None;
    bias: what the step size added to the raw value, already taken off; choices: every setting, by name;
    checks: the number behind each reason to withhold; gradients: evaluations of the gradient over all chains.
    """

    estimate: Estimate
    target: str
    t: Floats
    curve: Floats
    curve_stderr: Floats
    square: Floats
    r_hat: Floats
    ess: Floats
    acceptance: Floats
    loss_traces: NDArray[np.float32]
    loss_at_start: float
    lowest_loss: float
    choices: dict[str, float | int | str]
    checks: dict[str, float]
    fit: dict[str, float] = field(default_factory=dict)
    fitted: Floats | None = None
    multiplicity: Estimate = ONE_TEMPERATURE
    lower: Tensor | None = None
    bias: float = 0.0
    burn_traces: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 0, 0), dtype=np.float32))
    gradients: int = 0
    seconds: float = 0.0

    def __repr__(self) -> str:
        return f"{self.target}: {self.estimate}"

    @property
    def reason(self) -> str:
        """Why the estimate is withheld, or "ok"."""
        return self.estimate.status
