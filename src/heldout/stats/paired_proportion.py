"""The difference of two proportions on the same rows, from the discordant pairs: Tango's score interval.

Of n pairs, b are right in the first only and c in the second only; d = (b - c)/n. The interval is the set
of delta with |b - c - n delta| <= z sqrt(n (2 q + delta (1 - delta))), q the likelihood's maximum of the
second's discordant probability given delta: the larger root of 2n q^2 + (-b - c + (2n - b + c) delta) q - c
delta (1 - delta). Tango (1998), Statistics in Medicine 17, 891-908. With no discordant pair it is +-z^2/(n
+ z^2), about 3.84/n.

>>> print(tango_difference(150, 86, 1600))                 # Agresti's approval ratings: Wald: .0213 to .0587
0.04 [0.02136, 0.059]
>>> print(tango_difference(0, 0, 100))
0 [-0.03699, 0.03699]
"""

from __future__ import annotations

import math

from scipy.optimize import brentq
from scipy.stats import norm

from heldout.stats.interval import Interval, tail


def tango_difference(b: float, c: float, n: float, level: float = 0.95) -> Interval:
    """(b - c)/n with Tango's interval; counts may be fractional (an effective sample size). No pairs: withheld."""
    z = float(norm.ppf(1 - tail(level)))
    if min(b, c) < 0 or b + c > n * (1 + 1e-9):
        raise ValueError(
            f"{b} and {c} discordant of {n} pairs; give counts of at least 0 that sum to at most n"
        )
    if n == 0:
        return Interval.withheld("no pairs", level, "Tango score")
    d = (b - c) / n

    def excess(delta: float, side: float) -> float:
        linear = -b - c + (2 * n - b + c) * delta
        root = math.sqrt(max(linear * linear + 8 * n * c * delta * (1 - delta), 0.0))
        q = max((root - linear) / (4 * n), 0.0)
        return side * (n * delta - (b - c)) - z * math.sqrt(max(n * (2 * q + delta * (1 - delta)), 0.0))

    def end(side: float) -> float:
        # Not from d itself: with no discordant pair the statistic is 0/0 there, and d would be returned as the end.
        start = d + side * min(1e-12, 1.0 - side * d)
        return (
            side if excess(side, side) <= 0 else float(brentq(excess, start, side, args=(side,), xtol=1e-14))
        )

    low, high = end(-1.0), end(1.0)
    # Shrunken by half a pair on each side, so that no discordant pair does not read as no error.
    stderr = math.sqrt(((b + c + 1) / (n + 1) - ((b - c) / (n + 1)) ** 2) / n)
    return Interval(d, low, high, level, stderr, "Tango score", round(n))
