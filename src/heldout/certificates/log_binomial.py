"""The exact binomial tail at a failure probability too small for a float: Clopper-Pearson given ln(delta).

    sup {p : ln P(Bin(n, p) <= k) >= ln delta}

A code of 2,000 bits asks for delta 2^-2000, which is 0 in float64; so is the tail itself, and a root search
on scipy's `binom.logcdf` ends where that underflows, at e^-744 (.0503 below, too small). Here the tail is summed in logarithms,
from its largest term down by the ratios of neighbouring terms, and what is cut off is bounded by a geometric
series and added. A root is bracketed and its outer end returned. Langford 2005, JMLR 6, 273.

>>> round(log_binomial_upper(7, 360, math.log(0.05)), 9)                     # Clopper-Pearson
0.036211088
>>> round(log_binomial_upper(1200, 60_000, math.log(0.05) - 2021.9323 * math.log(2)), 7)
0.0661386
"""

from __future__ import annotations

import math

import numpy as np

from heldout.core.errors import InputError

# Relative to the log-gammas and logarithms that are added up, each of which is right to a few units in 1e16.
ROUNDING = 1e-14
CUT = 45.0  # e^-45 is below the rounding of 1


def log_binomial_upper(k: int, n: int, log_delta: float) -> float:
    """The largest error rate under which k errors or fewer in n rows still have probability exp(log_delta).

    Errors: k outside 0..n, log_delta not negative or not finite.
    """
    if not 0 <= k <= n or n < 1:
        raise InputError(f"{k} errors in {n} rows", "give 0 <= k <= n and n of at least 1")
    if not -math.inf < log_delta < 0.0:
        raise InputError(f"ln delta = {log_delta}", "give a finite number below 0")
    if k == n:
        return 1.0
    low, high = k / n, 1.0
    while True:
        middle = 0.5 * (low + high)
        if not low < middle < high:
            return high
        tail, size = _log_tail(k, n, middle)
        if tail + ROUNDING * size < log_delta:
            high = middle
        else:
            low = middle


def _log_tail(k: int, n: int, p: float) -> tuple[float, float]:
    """ln P(Bin(n, p) <= k) for k/n < p < 1, from above, and the size of what was added up."""
    parts = (
        math.lgamma(n + 1.0),
        -math.lgamma(k + 1.0),
        -math.lgamma(n - k + 1.0),
        k * math.log(p),
        (n - k) * math.log1p(-p),
    )
    total, size = math.fsum(parts), math.fsum(abs(part) for part in parts) + 1.0
    if k == 0:
        return total, size
    first = k * (1.0 - p) / ((n - k + 1.0) * p)
    terms = min(k, 1 + int(CUT / -math.log(first)))
    i = np.arange(terms, dtype=np.float64)
    series = np.cumprod((k - i) / (n - k + 1.0 + i) * ((1.0 - p) / p))
    rest = float(series[-1]) * first / (1.0 - first) if terms < k else 0.0
    return total + math.log1p(float(series.sum()) + rest), size
