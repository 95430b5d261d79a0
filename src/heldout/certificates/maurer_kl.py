"""The PAC-Bayes kl bound of Seeger and Maurer: the tightest of the family that holds for all Q at once.

    T7   kl(Rhat(Q)|R(Q)) <= (KL(Q|P) + ln(xi(n)/delta))/n,
    xi(n) = sum_k C(n, k) (k/n)^k (1 - k/n)^(n-k) <= 2 sqrt(n)

for losses in [0, 1], with probability 1 - delta for all Q at once; Q may depend on the rows, P may not.
2 sqrt(n) is Maurer's constant and the one that is published; xi(n), about sqrt(pi n/2) + 2/3, is what his proof
needs, and a gain of up to .47 nats. Seeger 2002, JMLR 3, 233; Maurer 2004, arXiv cs/0411099.

>>> round(maurer_kl_upper(0.02, 3000, 60_000, 0.05), 9)
0.098745324
>>> round(xi(2), 9), xi(1000) < 2 * math.sqrt(1000)                          # 1 + 2/4 + 1
(2.5, True)
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Literal

import numpy as np
from scipy.special import gammaln, xlogy

from heldout.certificates.kl_inverse import kl_inverse_upper
from heldout.certificates.outward import check_count, check_delta, check_divergence, check_mean, up

Constant = Literal["2 sqrt n", "xi"]


def maurer_kl_upper(mean: float, kl: float, n: int, delta: float, constant: Constant = "2 sqrt n") -> float:
    """T7 for the mean loss Rhat(Q) over n rows and KL(Q|P) in nats, rounded up.

    Errors: delta outside (0, 1), n below 1, a mean outside [0, 1], KL negative, NaN or infinite.
    """
    check_mean(mean, n)
    return kl_inverse_upper(mean, up(maurer_budget(kl, n, delta, constant) / n))


def maurer_budget(kl: float, n: int, delta: float, constant: Constant = "2 sqrt n") -> float:
    """B = KL + ln(2 sqrt(n)/delta), or with xi(n), in nats, rounded up.

    >>> round(maurer_budget(3000, 60_000, 0.05), 5)
    3009.18993
    """
    check_delta(delta)
    check_divergence(kl)
    check_count(n)
    most = xi(n) if constant == "xi" else 2.0 * math.sqrt(n)
    return up(kl + math.log(most) - math.log(delta))


@lru_cache(maxsize=64)
def xi(n: int) -> float:
    """sum_k C(n, k) (k/n)^k (1 - k/n)^(n-k), the greatest moment E exp(n kl(k/n|p)) over p; rounded up.

    Summed up to a million rows; 2 sqrt(n) beyond.
    """
    check_count(n)
    if n > 1_000_000:
        return 2.0 * math.sqrt(n)
    k = np.arange(n + 1, dtype=np.float64)
    log_terms = (
        gammaln(n + 1.0) - gammaln(k + 1) - gammaln(n - k + 1) + xlogy(k, k / n) + xlogy(n - k, 1 - k / n)
    )
    # gammaln near 1e7 is right to 1e-9 absolute
    return min(
        2.0 * math.sqrt(n), float(np.exp(log_terms).sum()) * (1.0 + 1e-14 * n * math.log(n + 2.0) + 1e-12)
    )
