"""The Monte-Carlo step: from the mean loss of m draws of a stochastic predictor to its expectation over all draws.

T10: with probability 1 - delta' over the draws, Rhat(Q) <= kl^-1(mean of m draws, ln(2/delta')/m) (Langford &
Caruana 2001; Dziugaite & Roy 2017). A PAC-Bayes bound on the mean of some draws, without this step, is no bound.

>>> round(monte_carlo_upper(0.02, 1000, 0.01), 9), round(monte_carlo_upper(0.02, 150_000, 0.01), 9)
(0.037935022, 0.021199394)
"""

from __future__ import annotations

import math
from typing import Any

from heldout.certificates.countable_class import checked_losses
from heldout.certificates.kl_inverse import kl_inverse_upper
from heldout.certificates.outward import check_delta, check_mean, up


def monte_carlo_upper(mean: float, draws: int, delta: float) -> float:
    """T10 for the mean loss of `draws` independent draws of the predictor, rounded up."""
    check_delta(delta, "the delta of the Monte-Carlo step")
    check_mean(mean, draws)
    return kl_inverse_upper(mean, up((math.log(2.0) - math.log(delta)) / draws))


def mean_of_draws(draw_losses: Any) -> tuple[float, int]:
    """Mean and number of `draw_losses` [k]: the loss of each draw over all rows of the bound, in [0, 1].

    >>> mean_of_draws([0.5] * 240)
    (0.5, 240)
    """
    x, _ = checked_losses(draw_losses)
    return math.fsum(x.tolist()) / len(x), len(x)
