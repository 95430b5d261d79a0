"""The exact binomial tail at any number of rows and any failure probability: Clopper-Pearson given ln(delta).

    upper   sup {p : ln P(Bin(n, p) <= k) >= ln delta}          lower   inf {p : ln P(Bin(n, p) >= k) >= ln delta}

A code of 2,000 bits asks for delta 2^-2000, which is 0 in float64; so is the tail itself, and a root search on scipy's
`binom.logcdf` ends where that underflows, at e^-744 (.0503 below, too small). scipy's inverse of the incomplete beta
function loses digits as n grows: for 999 errors in 1e9 rows it gives a bound that fails twice as often as .05. Here the
largest term of the tail is computed by its deviance (Loader 2000, "Fast and accurate computation of binomial
probabilities"), which adds no large numbers, the others follow by the ratios of neighbours, and what is cut off lies between
0 and a geometric series. A root is bracketed and its outer end returned: one at which the tail is certainly below delta.
Langford 2005, JMLR 6, 273.

>>> round(log_binomial_upper(7, 360, math.log(0.05)), 9)                     # Clopper-Pearson
0.036211088
>>> round(log_binomial_upper(1200, 60_000, math.log(0.05) - 2021.9323 * math.log(2)), 7)
0.0661386
>>> round(log_binomial_upper(999, 10**9, math.log(0.05)) * 1e6, 6), round(log_binomial_lower(7, 360, math.log(0.05)), 6)
(1.052577, 0.009161)
>>> round(log_binomial_upper(5 * 10**8, 10**9, math.log(0.5)), 12)           # the median: (k + 2/3)/(n + 1/3), nearly
0.5000000005
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from heldout.certificates.outward import LARGEST, check_count, shown
from heldout.core.errors import InputError

# A few units of the last place for each of the logarithms and products that a tail is made of.
ROUNDING = 2e-15
CUT = 45.0  # e^-45 is below the rounding of 1
NARROW = 1e-13
AROUND = (NARROW, 1e-10, 1e-7, 1e-4)  # how far from a guess the ends of the bracket are looked for
CHUNK, MOST = (
    1 << 14,
    1 << 22,
)  # terms summed at once, and at most; the rest stays within its geometric series

Tail = Callable[[int, int, float], tuple[float, float]]


def log_binomial_upper(k: int, n: int, log_delta: float, guess: float = math.nan) -> float:
    """The largest error rate under which k errors or fewer in n rows still have probability exp(log_delta).

    `guess`: about where it is; saves time if it is right. Errors: k outside 0..n, log_delta not negative or not finite.
    """
    _check(k, n, log_delta)
    if k == n:
        return 1.0
    # Up to p = k/n the median of the number of errors is at most k.
    low, high = (k / n if log_delta < math.log(0.5) else 0.0), 1.0
    for width in AROUND:
        inside, outside = guess * (1.0 - width), guess * (1.0 + width)
        if low < inside < high and _above(log_cdf, k, n, inside, log_delta):
            low = inside
        if low < outside < high and _below(log_cdf, k, n, outside, log_delta):
            high = outside
    while high - low > NARROW * high:
        middle = 0.5 * (low + high)
        if _below(log_cdf, k, n, middle, log_delta):
            high = middle
        else:
            low = middle
    return high


def log_binomial_lower(k: int, n: int, log_delta: float, guess: float = math.nan) -> float:
    """The smallest error rate under which k errors or more in n rows still have probability exp(log_delta)."""
    _check(k, n, log_delta)
    if k == 0:
        return 0.0
    low, high = 0.0, (k / n if log_delta < math.log(0.5) else 1.0)
    for width in AROUND:
        inside, outside = guess * (1.0 + width), guess * (1.0 - width)
        if low < inside < high and _above(log_sf, k, n, inside, log_delta):
            high = inside
        if low < outside < high and _below(log_sf, k, n, outside, log_delta):
            low = outside
    while high - low > NARROW * high and high > 1e-300:
        middle = 0.5 * (low + high)
        if _below(log_sf, k, n, middle, log_delta):
            low = middle
        else:
            high = middle
    return low


def log_cdf(k: int, n: int, p: float) -> tuple[float, float]:
    """ln P(Bin(n, p) <= k) for 0 <= k < n and 0 < p < 1, and how far rounding can have moved it."""
    if k == 0:
        value = n * math.log1p(-p)
        return value, ROUNDING * (1.0 - value)
    if k < n * p:
        return _summed(k, n, p)
    rest, slack = _summed(n - k - 1, n, p, mirrored=True)
    return _complement(rest, slack)


def log_sf(k: int, n: int, p: float) -> tuple[float, float]:
    """ln P(Bin(n, p) >= k) for 0 < k <= n and 0 < p < 1, and how far rounding can have moved it."""
    if k > n * p:
        return _summed(n - k, n, p, mirrored=True)
    rest, slack = log_cdf(k - 1, n, p) if k == 1 else _summed(k - 1, n, p)
    return _complement(rest, slack)


def _below(tail: Tail, k: int, n: int, p: float, goal: float) -> bool:
    value, slack = tail(k, n, p)
    return value + slack < goal


def _above(tail: Tail, k: int, n: int, p: float, goal: float) -> bool:
    value, slack = tail(k, n, p)
    return value - slack > goal


def _complement(log_rest: float, slack: float) -> tuple[float, float]:
    """ln(1 - e^rest) and its slack."""
    rest = min(math.exp(log_rest), 1.0 - 1e-16)
    value = math.log1p(-rest)
    return value, (slack + ROUNDING) * rest / (1.0 - rest) - ROUNDING * value


def _summed(k: int, n: int, p: float, mirrored: bool = False) -> tuple[float, float]:
    """ln P(Bin(n, p) <= k), or of >= n - k where mirrored, summed outward from its term nearest to the mean."""
    top, slack = _log_mass(n - k if mirrored else k, n, p)
    odds = p / (1.0 - p) if mirrored else (1.0 - p) / p
    if k == 0:
        return top, slack
    first = k / (n - k + 1.0) * odds
    if first >= 1.0:  # the wrong side of the mean, by rounding alone: nothing is claimed
        return 0.0, math.inf
    total, term, done = 1.0, 1.0, 0
    some = min(CHUNK, 1 + int(CUT / -math.log(first)))
    while True:
        i = np.arange(done, min(done + some, k), dtype=np.float64)
        series = term * np.cumprod((k - i) / (n - k + 1.0 + i) * odds)
        total, term, done = total + float(series.sum()), float(series[-1]), done + len(i)
        ratio = (k - done) / (n - k + 1.0 + done) * odds
        rest = term * ratio / (1.0 - ratio)
        if rest <= 1e-17 * total or done >= MOST:
            break
    slack += ROUNDING * (1.0 + 0.5 * done) + 0.5 * rest / total
    return top + math.log(total + 0.5 * rest), slack


def _log_mass(k: int, n: int, p: float) -> tuple[float, float]:
    """ln P(Bin(n, p) = k) and its slack."""
    if k == 0 or k == n:
        value = n * (math.log1p(-p) if k == 0 else math.log(p))
        return value, ROUNDING * (1.0 - value)
    gaps = _deviance(k, n * p), _deviance(n - k, n * (1.0 - p))
    stirling = _stirling(n) - _stirling(k) - _stirling(n - k)
    value = stirling - gaps[0] - gaps[1] + 0.5 * math.log(n / (2.0 * math.pi * k) / (n - k))
    # What rounding does to n p moves the deviance by (1 - k/(n p)) of it.
    return value, ROUNDING * (20.0 + 2.0 * (gaps[0] + gaps[1]) + abs(k - n * p))


def _deviance(x: float, mean: float) -> float:
    """x ln(x/mean) + mean - x, without cancellation where the two are close."""
    if abs(x - mean) >= 0.1 * (x + mean):
        return x * math.log(x / mean) + mean - x
    v = (x - mean) / (x + mean)
    total, term, j = (x - mean) * v, 2.0 * x * v, 1
    while True:
        term *= v * v
        more = total + term / (2 * j + 1)
        if more == total:
            return total
        total, j = more, j + 1


def _stirling(n: int) -> float:
    """ln n! - ln(sqrt(2 pi n) (n/e)^n)."""
    if n <= 15:
        return math.lgamma(n + 1.0) - (n + 0.5) * math.log(n) + n - 0.5 * math.log(2.0 * math.pi)
    m = 1.0 / (n * n)
    return (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - (1 / 1188 - 691 / 360360 * m) * m) * m) * m) * m) / n


def _check(k: int, n: int, log_delta: float) -> None:
    check_count(n)
    if not 0 <= k <= n or k != int(k):
        raise InputError(f"{shown(k)} errors in {n} rows", "give 0 <= k <= n, whole numbers")
    if not -LARGEST < log_delta < 0.0:
        raise InputError(f"ln delta = {shown(log_delta)}", "give a finite number below 0")
