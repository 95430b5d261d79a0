"""Split conformal prediction: sets that hold the answer as often as promised. Coverage, not risk.

T17: of n calibration rows that neither training nor any choice has seen, with scores s_i (large: strange), the
threshold is the k-th smallest, k = ceil((n + 1)(1 - alpha)). The set of all answers with a score up to it holds
the answer to a new exchangeable row with probability in [1 - alpha, 1 - alpha + 1/(n + 1)), the upper end where
scores have no ties. That is over the draw of the calibration rows as well; given them, the coverage varies as
Beta(k, n + 1 - k), and `training_conditional` is what it reaches with probability 1 - delta. Vovk et al. 2005;
Vovk 2013, Mach. Learn. 92, 349.

>>> calibration = conformal_threshold(np.arange(360) / 360, alpha=0.1)
>>> calibration.k, round(calibration.highest, 5), round(calibration.training_conditional(0.05), 6)
(325, 0.90277, 0.873168)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from heldout.certificates.binomial_tail import clopper_pearson_lower
from heldout.certificates.outward import check_delta, check_independent, floats, shown
from heldout.core.errors import InputError


@dataclass(frozen=True)
class Calibration:
    """A threshold on scores, from the k-th smallest of n; infinite where n is too small for alpha."""

    threshold: float
    alpha: float
    k: int
    n: int

    @property
    def lowest(self) -> float:
        """The coverage that is guaranteed on average over calibration sets."""
        return 1.0 - self.alpha

    @property
    def highest(self) -> float:
        """The coverage that is not exceeded where scores have no ties."""
        return min(1.0, 1.0 - self.alpha + 1.0 / (self.n + 1))

    @property
    def expected(self) -> float:
        """k/(n + 1), the coverage averaged over calibration sets, where scores have no ties."""
        return min(1.0, self.k / (self.n + 1))

    def training_conditional(self, delta: float = 0.05) -> float:
        """The coverage reached, given these calibration rows, with probability 1 - delta: a quantile of Beta, rounded down."""
        check_delta(delta)
        if self.k > self.n:
            return 1.0
        return max(0.0, clopper_pearson_lower(self.k, self.n, delta))


def conformal_threshold(scores: Any, alpha: float, groups: Any | None = None) -> Calibration:
    """The threshold for calibration `scores` [n] and a share `alpha` of misses.

    Errors: no scores, NaN, alpha outside (0, 1), rows declared dependent by groups.
    """
    s = floats(scores, "scores")
    if s.ndim != 1 or len(s) == 0 or np.isnan(s).any():
        raise InputError(f"scores have shape {s.shape} or hold NaN", "give one score a calibration row")
    if not 0.0 < alpha < 1.0:
        raise InputError(f"alpha = {shown(alpha)}", "give the share of misses that is allowed, such as 0.1")
    check_independent(len(s), groups)
    n = len(s)
    # The slack keeps (n + 1)(1 - alpha) at its whole number where it is one: 1 - .1 is a little above .9.
    k = math.ceil((n + 1) * (1.0 - alpha) * (1.0 - 1e-12))
    threshold = math.inf if k > n else float(np.sort(s)[k - 1])
    return Calibration(threshold, alpha, k, n)
