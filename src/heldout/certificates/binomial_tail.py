"""Test-set bounds on an error rate from k errors in n independent rows, rounded outward (Langford 2005, JMLR 6, 273).

T1 Clopper-Pearson, the exact binomial tail: sup {p : P(Bin(n, p) <= k) >= delta} = Beta^-1(1 - delta; k +
1, n - k). T2 Chernoff: sup {p : kl(q|p) <= ln(1/delta)/n}, kl the Bernoulli relative entropy in nats; also
for losses in [0, 1]. T3 Hoeffding: q + sqrt(ln(1/delta)/(2n)); also for losses in [0, 1]. Uppers never fall
below the value they define and lowers never exceed it.

>>> [round(clopper_pearson_upper(k, n, 0.05), 9) for k, n in ((200, 10_000), (0, 10_000), (7, 360))]
[0.022459353, 0.000299528, 0.036211088]
>>> [round(kl_chernoff_upper(k / n, n, 0.05), 9) for k, n in ((200, 10_000), (7, 360))]
[0.023620647, 0.042842939]
>>> [round(hoeffding_upper(k / n, n, 0.05), 9) for k, n in ((200, 10_000), (7, 360))]
[0.032238734, 0.083948237]
"""

from __future__ import annotations

import math

from scipy.special import betainccinv, betaincinv

from heldout.certificates.kl_inverse import kl_inverse_lower, kl_inverse_upper
from heldout.certificates.log_binomial import log_binomial_lower, log_binomial_upper
from heldout.certificates.outward import check_count, check_delta, check_mean, down, shown, up
from heldout.core.errors import InputError


def clopper_pearson_upper(k: int, n: int, delta: float) -> float:
    """The largest error rate under which k errors or fewer in n rows still have probability `delta` (T1).

    >>> clopper_pearson_upper(5, 5, 0.05)
    1.0
    """
    _check_counts(k, n, delta)
    if k == n:
        return 1.0
    if k == 0:
        return min(1.0, up(-math.expm1(math.log(delta) / n)))
    # The complement's inverse, since 1 - delta would be rounded; a guess only, as it loses digits for large n.
    guess = float(betainccinv(k + 1, n - k, delta))
    return min(1.0, up(log_binomial_upper(k, n, math.log(delta), guess)))


def clopper_pearson_lower(k: int, n: int, delta: float) -> float:
    """The smallest error rate under which k errors or more in n rows still have probability `delta` (T1).

    >>> round(clopper_pearson_lower(192, 600, 0.5), 8)                       # Langford's program: 0.31926717516
    0.31926717
    """
    _check_counts(k, n, delta)
    if k == 0:
        return 0.0
    guess = float(betaincinv(k, n - k + 1, delta))
    return max(0.0, down(log_binomial_lower(k, n, math.log(delta), guess)))


def kl_chernoff_upper(mean: float, n: int, delta: float) -> float:
    """T2 for a mean of n independent losses in [0, 1]."""
    check_mean(mean, n)
    check_delta(delta)
    return kl_inverse_upper(mean, -math.log(delta) / n)


def kl_chernoff_lower(mean: float, n: int, delta: float) -> float:
    """The lower bound that mirrors T2.

    >>> round(kl_chernoff_lower(192 / 800, 800, 0.025), 8)                   # Langford's program: 0.20065891277
    0.20065891
    """
    check_mean(mean, n)
    check_delta(delta)
    return kl_inverse_lower(mean, -math.log(delta) / n)


def hoeffding_upper(mean: float, n: int, delta: float) -> float:
    """T3 for a mean of n independent losses in [0, 1]."""
    check_mean(mean, n)
    check_delta(delta)
    return min(1.0, up(mean + math.sqrt(-math.log(delta) / (2 * n))))


def _check_counts(k: int, n: int, delta: float) -> None:
    check_count(n)
    if not 0 <= k <= n or k != int(k):
        raise InputError(f"{shown(k)} errors in {n} rows", "give 0 <= k <= n, whole numbers")
    check_delta(delta)
