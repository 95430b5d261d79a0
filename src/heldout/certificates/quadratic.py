"""PAC-Bayes bounds that can be differentiated and trained: quadratic, lambda, and Tolstikhin & Seldin's.

T8, with B = KL(Q|P) + ln(2 sqrt(n)/delta), all from kl(q|p) >= (p - q)^2/(2p) for q < p:

    quadratic   R(Q) <= (sqrt(Rhat + B/(2n)) + sqrt(B/(2n)))^2           Rivasplata et al. 2019, arXiv 1908.07380
    lambda      R(Q) <= Rhat/(1 - l/2) + B/(n l (1 - l/2)),  0 < l < 2   Thiemann et al. 2017, PMLR 76, 466
    fast        R(Q) <= Rhat + sqrt(2 Rhat B/n) + 2B/n                   Tolstikhin & Seldin 2013, NIPS 26

The lambda bound holds for all l at once, so l may be chosen with the data; at its best l = 2/(sqrt(2 n Rhat/B
+ 1) + 1) it is the quadratic bound. All are looser than the kl bound (`maurer_kl`) that they come from.

>>> round(quadratic_upper(0.02, 3000, 60_000, 0.05), 9), round(fast_upper(0.02, 3000, 60_000, 0.05), 8)
(0.137395017, 0.16509614)
>>> best = best_lambda(0.02, 3000, 60_000, 0.05)
>>> round(best, 8), round(lambda_upper(0.02, 3000, 60_000, 0.05, best), 9)
(0.85443431, 0.137395017)
"""

from __future__ import annotations

import math

from heldout.certificates.maurer_kl import maurer_budget
from heldout.certificates.outward import check_mean, shown, up
from heldout.core.errors import InputError


def quadratic_upper(mean: float, kl: float, n: int, delta: float) -> float:
    """T8, quadratic, for the mean loss Rhat(Q) over n rows, rounded up, at most 1. Errors: as `maurer_kl_upper`."""
    check_mean(mean, n)
    half = maurer_budget(kl, n, delta) / (2 * n)
    return min(1.0, up((math.sqrt(mean + half) + math.sqrt(half)) ** 2))


def lambda_upper(mean: float, kl: float, n: int, delta: float, lam: float) -> float:
    """T8, lambda, at `lam` in (0, 2), which may depend on the data; rounded up, at most 1."""
    check_mean(mean, n)
    if not 0.0 < lam < 2.0:
        raise InputError(
            f"lambda = {shown(lam)}", "give a number between 0 and 2, such as best_lambda(mean, kl, n, delta)"
        )
    budget = maurer_budget(kl, n, delta)
    return min(1.0, up((mean + budget / (n * lam)) / (1.0 - lam / 2.0)))


def best_lambda(mean: float, kl: float, n: int, delta: float) -> float:
    """The lambda at which `lambda_upper` is least."""
    check_mean(mean, n)
    return 2.0 / (math.sqrt(2.0 * n * mean / maurer_budget(kl, n, delta) + 1.0) + 1.0)


def fast_upper(mean: float, kl: float, n: int, delta: float) -> float:
    """T8, Tolstikhin & Seldin, rounded up, at most 1."""
    check_mean(mean, n)
    part = maurer_budget(kl, n, delta) / n
    return min(1.0, up(mean + math.sqrt(2.0 * mean * part) + 2.0 * part))
