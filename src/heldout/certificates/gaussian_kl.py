"""Relative entropy of two Gaussians with diagonal covariance, in nats.

    KL(Q|P) = 1/2 sum_p [ s_q^2/s_p^2 + (mu_q - mu_p)^2/s_p^2 - 1 - ln(s_q^2/s_p^2) ]

Standard deviations, not variances: a published program squared them twice.

>>> round(gaussian_kl([1.0], [1.0], [0.0], [1.0]), 9)                        # half the squared distance
0.5
>>> gaussian_kl([0.0], [0.0], [0.0], [1.0])
Traceback (most recent call last):
    ...
heldout.core.errors.InputError: 1 of 1 standard deviations of the posterior are not positive, so KL(Q|P) is infinite; ...
"""

from __future__ import annotations

from typing import Any

import numpy as np

from heldout.certificates.outward import floats, up
from heldout.core.errors import InputError


def gaussian_kl(mean_q: Any, std_q: Any, mean_p: Any, std_p: Any) -> float:
    """KL(Q|P) of Q = N(mean_q, std_q^2) and P = N(mean_p, std_p^2), each [p], rounded up.

    Errors: shapes that differ (a number stands for all parameters), values not finite, a standard deviation
    that is not positive.
    """
    m_q, s_q, m_p, s_p = (floats(v, "means and standard deviations") for v in (mean_q, std_q, mean_p, std_p))
    try:
        m_q, s_q, m_p, s_p = np.broadcast_arrays(m_q, s_q, m_p, s_p)
    except ValueError as error:
        shapes = ", ".join(str(np.shape(v)) for v in (mean_q, std_q, mean_p, std_p))
        raise InputError(
            f"means and standard deviations have shapes {shapes}", "give one of each a parameter"
        ) from error
    for name, std in (("posterior", s_q), ("prior", s_p)):
        if not (std > 0).all():
            raise InputError(
                f"{int((~(std > 0)).sum())} of {std.size} standard deviations of the {name} are not positive, so "
                "KL(Q|P) is infinite",
                "give every parameter some noise, or use countable_class for a single model with a code",
            )
    if not all(np.isfinite(v).all() for v in (m_q, s_q, m_p, s_p)):
        raise InputError("a mean or standard deviation is not finite", "check the training of the posterior")
    # s_q - s_p is exact where the two are close, where trained posteriors stay.
    with np.errstate(over="ignore"):  # a KL that no float holds is infinite, and refused where it is used
        away = (s_q - s_p) / s_p
        excess = away * (away + 2.0)
        spread = np.where(np.abs(away) < 0.5, _less_log1p(excess), excess - 2.0 * (np.log(s_q) - np.log(s_p)))
        total = float(np.sum(spread + ((m_q - m_p) / s_p) ** 2))
    return up(max(0.0, 0.5 * total) * (1.0 + 1e-12 * max(1.0, m_q.size**0.5)))


def _less_log1p(x: np.ndarray) -> np.ndarray:
    """x - ln(1 + x) for -.99 < x < 2, without cancellation near 0, where it is x^2/2; beyond, that of the nearer end."""
    x = np.clip(x, -0.99, 2.0)
    series = np.polynomial.polynomial.polyval(x, [0.0, 0.0, *((-1.0) ** k / k for k in range(2, 12))])
    return np.where(np.abs(x) < 0.01, series, x - np.log1p(x))
