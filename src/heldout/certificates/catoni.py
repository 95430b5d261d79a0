"""Catoni's PAC-Bayes bound, for a C fixed before the data or with the union that a chosen C has to pay.

T9, with probability 1 - delta for all Q at once, C > 0 fixed beforehand (Catoni 2007, thm 1.2.6):

    R(Q) <= (1 - exp(-C Rhat(Q) - (KL(Q|P) + ln(1/delta))/n)) / (1 - e^-C)

and for all lambda = C n > 1 at once, a = 1e-4, with (1 + a)(KL + ln(1/delta) + 2 ln(2 + ln(lambda)/ln(1 + a)))
in the place of KL + ln(1/delta). The least value of the first form over C is kl^-1(Rhat, (KL + ln(1/delta))/n),
below what is proved: choosing C with the data and not paying is a known defect, and is not offered here.

>>> [round(catoni_upper(0.02, 3000, 60_000, 0.05, C), 8) for C in (0.5, 1, 2, 3)]
[0.14812459, 0.10702505, 0.09959288, 0.10967078]
>>> round(catoni_union_upper(0.02, 3000, 60_000, 0.05), 7)
0.0990732
"""

from __future__ import annotations

import math

from scipy.optimize import minimize_scalar

from heldout.certificates.outward import check_delta, check_divergence, check_mean, check_size, up

GRID = 1e-4


def catoni_upper(mean: float, kl: float, n: int, delta: float, c: float) -> float:
    """T9 at a `c` > 0 fixed before the rows were seen, rounded up, at most 1. Errors: as `maurer_kl_upper`; c <= 0."""
    _check(mean, kl, n, delta)
    check_size(
        c, "C", "give a positive number fixed before the data, or use catoni_union_upper", positive=True
    )
    return _form(mean, (kl - math.log(delta)) / n, c)


def catoni_union_upper(mean: float, kl: float, n: int, delta: float) -> float:
    """T9 at the best lambda, which is paid for by the union over a geometric grid; rounded up, at most 1.

    Every lambda gives a valid value, so the search need not find the least one.
    """
    _check(mean, kl, n, delta)

    def at(log_lambda: float) -> float:
        union = 2.0 * math.log(2.0 + log_lambda / math.log1p(GRID))
        budget = (1.0 + GRID) * (kl - math.log(delta) + union) / n
        return _form(mean, budget, math.exp(log_lambda) / n)

    highest = math.log(n) + math.log(100.0)
    grid = [highest * k / 200 for k in range(1, 201)]
    best = min(range(200), key=lambda k: at(grid[k]))
    ends = (grid[max(best - 1, 0)], grid[min(best + 1, 199)])
    found = minimize_scalar(at, bounds=ends, method="bounded", options={"xatol": 1e-10})
    return min(at(float(found.x)), at(grid[best]))


def _form(mean: float, budget: float, c: float) -> float:
    return min(1.0, up(up(-math.expm1(-up(c * mean + budget))) / -math.expm1(-c)))


def _check(mean: float, kl: float, n: int, delta: float) -> None:
    check_delta(delta)
    check_mean(mean, n)
    check_divergence(kl)
