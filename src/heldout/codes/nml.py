"""Normalized maximum likelihood (Shtarkov 1987): the code whose regret is the same for every sequence of n symbols.

    L(counts) = n H(counts/n) + log2 C_m(n),   C_m(n) = sum_{n_1+..+n_m = n} n!/prod n_i! prod (n_i/n)^n_i.
C_2 is summed as it stands; C_m follows by C_{m+2} = C_{m+1} + (n/m) C_m with C_1 = 1, which is exact
(Kontkanen & Myllymaki 2007, "A linear-time algorithm for computing the multinomial stochastic complexity",
Inf. Process. Lett. 103, 227).

>>> round(nml_bits([30, 70]), 6), round(parametric_complexity(100, 2), 6)
(91.852644, 3.723554)
>>> round(entropy_bits([30, 70]), 6)
88.12909
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import gammaln, logsumexp, xlogy

from heldout.core.errors import InputError


def nml_bits(counts: Sequence[int]) -> float:
    """Code length in bits of a sequence with these counts [m]."""
    return entropy_bits(counts) + parametric_complexity(sum(counts), len(counts))


def entropy_bits(counts: Sequence[int]) -> float:
    """n H(counts/n) in bits: the length by the frequencies of the sequence itself, which no decoder knows."""
    values = np.asarray(counts, dtype=np.float64)
    n = values.sum()
    return float((xlogy(n, n) - xlogy(values, values).sum()) / math.log(2))


def parametric_complexity(n: int, m: int) -> float:
    """log2 C_m(n) of n symbols from an alphabet of m.

    >>> parametric_complexity(0, 5), parametric_complexity(7, 1), round(2 ** parametric_complexity(1, 4), 9)
    (0.0, 0.0, 4.0)
    """
    if n < 0 or m < 1:
        raise InputError(f"{n} symbols of an alphabet of {m}", "give n of at least 0 and m of at least 1")
    if n == 0 or m == 1:
        return 0.0
    k = np.arange(n + 1)
    # log of the Bernoulli terms; the sum of positive terms loses nothing.
    terms = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1) + xlogy(k, k / n) + xlogy(n - k, (n - k) / n)
    before, now = 0.0, float(logsumexp(terms))
    for size in range(3, m + 1):
        before, now = now, float(np.logaddexp(now, math.log(n / (size - 2)) + before))
    return now / math.log(2)
