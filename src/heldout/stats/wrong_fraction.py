"""How many train examples score lower than exchangeability with the test examples allows: a lower-bounded fraction.

If a fraction w of the train examples is contaminated and the rest is exchangeable with the test examples,
then at any threshold P(train below) <= w + (1 - w) P(test below), so w >= 1 - P(train above)/P(test above).
Each of a few thresholds fixed in advance gives an exact lower bound: with k of n train examples strictly
below the j-th smallest of m test scores, the a-quantile of 1 - (1 - V)/(1 - U), V ~ Beta(k, n - k + 1), U ~
Beta(j, m + 1 - j) (U is exactly the test distribution's mass below its j-th order statistic); at the fixed
threshold 0 ("misclassified", j test scores at or below it) U ~ Beta(j + 1, m - j), which tests w = 0
exactly as Fisher does (Altham 1969; the melded intervals of Fay, Proschan & Brittain 2015). The largest
lower bound holds at a = (1 - level)/(2 thresholds) (Bonferroni). It is a lower bound twice over:
contaminated examples that score like ordinary ones are not counted.

>>> import numpy as np
>>> clean, test = np.linspace(0.01, 2, 920), np.linspace(0, 2, 1000)
>>> print(excess_below(np.concatenate([clean, np.full(80, -1.0)]), test))    # 8% planted
0.07862 [0.05674, 0.1346]
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import betainc, betaincinv

from heldout.stats.clusters import Floats, finite_vector
from heldout.stats.interval import Interval, tail

METHOD = "excess of train over test margins below a threshold, Bonferroni over thresholds"
THRESHOLDS: tuple[float | Literal["misclassified"], ...] = (0.01, 0.02, 0.05, 0.1, 0.2, "misclassified")
NODES = 64


def excess_below(
    train_scores: Any,
    test_scores: Any,
    level: float = 0.95,
    thresholds: Sequence[float | Literal["misclassified"]] = THRESHOLDS,
) -> Interval:
    """The fraction of train examples [n] in excess below low test scores [m], with its bounds, in [0, 1].

    Scores are margins of models that saw neither example (out-of-fold for train), positive where the label
    is predicted. `thresholds`: quantiles of the test scores, and "misclassified" for a score of at most 0.
    Rows must be independent: pass one row a group. `high` bounds the excess at these thresholds, not the
    contaminated fraction. Withheld without rows in either sample. `stderr` is that of the reported
    threshold's excess.
    """
    alpha = tail(level)
    train, test = (
        np.sort(finite_vector("train_scores", train_scores)),
        np.sort(finite_vector("test_scores", test_scores)),
    )
    n, m = len(train), len(test)
    if min(n, m) == 0:
        return Interval.withheld("no train or no test scores to compare", level, METHOD, n)
    looks = _looks(train, test, thresholds)
    each = alpha / len(looks)
    lows = [_quantile(look.low, each) for look in looks]
    high = max(_quantile(look.high, 1 - each) for look in looks)
    best = int(np.argmax(lows))
    low = max(lows[best], 0.0)
    value = min(max(looks[best].excess, low), max(high, 0.0))
    return Interval(value, low, max(high, value), level, looks[best].stderr, METHOD, n)


class _Look(NamedTuple):
    """One threshold: the excess, its standard error, and beta parameters of (1 - V, 1 - U) for either end."""

    excess: float
    stderr: float
    low: tuple[float, float, float, float]
    high: tuple[float, float, float, float]


def _looks(
    train: Floats, test: Floats, thresholds: Sequence[float | Literal["misclassified"]]
) -> list[_Look]:
    n, m = len(train), len(test)
    ranks: set[int] = set()
    looks = []
    for threshold in thresholds:
        if threshold == "misclassified":
            k, j = (int(np.searchsorted(scores, 0.0, side="right")) for scores in (train, test))
            looks.append(_look(k, k, n, j + 1, j, m))
            continue
        if not 0.0 < threshold < 1.0:
            raise ValueError(f'threshold {threshold!r}; give quantiles between 0 and 1, or "misclassified"')
        rank = math.ceil(threshold * m - 1e-9)
        if rank in ranks:
            continue
        ranks.add(rank)
        at = test[rank - 1]
        # Strictly below for the lower end, at or below for the upper: ties can then only widen.
        under, upto = (int(np.searchsorted(train, at, side=side)) for side in ("left", "right"))
        looks.append(_look(under, upto, n, rank, rank, m))
    if not looks:
        raise ValueError('no thresholds; give quantiles such as 0.05, or "misclassified"')
    return looks


def _look(under: int, upto: int, n: int, rank_low: int, rank_high: int, m: int) -> _Look:
    p, u = (under + upto) / (2 * n), (rank_low + rank_high) / (2 * (m + 1))
    # Shrunken as (x + 1/2)/(n + 1), so that an empty cell does not read as no error.
    p_, u_ = (p * n + 0.5) / (n + 1), min(u, 1 - 0.5 / (m + 1))
    spread = (1 - p_) / (1 - u_) * math.sqrt(p_ / (n * (1 - p_)) + u_ / (m * (1 - u_)))
    excess = 1 - (1 - p) / (1 - u) if u < 1 else 0.0
    low = (n - under + 1, under, m + 1 - rank_low, rank_low)
    high = (n - upto, upto + 1, m + 1 - rank_high, rank_high)
    return _Look(excess, spread, low, high)


def _quantile(beta: tuple[float, float, float, float], probability: float) -> float:
    """The quantile of 1 - A/B with A ~ Beta(a, b) and B ~ Beta(c, d) independent; a parameter 0 is a point mass."""
    a, b, c, d = beta
    if c == 0:
        # All the test mass may lie below: nothing follows.
        return -math.inf if probability < 0.5 else 1.0
    if a == 0:
        return 1.0
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    # Gauss-Legendre in an angle, which crowds the nodes where the beta quantiles run away.
    angle = (nodes + 1) * (math.pi / 2)
    mass = weights * (math.pi / 4) * np.sin(angle)
    divisor = betaincinv(c, d, (1 - np.cos(angle)) / 2) if d > 0 else np.ones(NODES)

    def below(x: float) -> float:
        """P(1 - A/B <= x) - probability."""
        ratio = np.minimum((1 - x) * divisor, 1.0)
        inside = betainc(a, b, ratio) if b > 0 else (ratio >= 1.0).astype(float)
        return 1.0 - float(mass @ inside) - probability

    floor = -1.0
    while below(floor) > 0:
        floor *= 4.0
        if floor < -1e6:
            return -math.inf
    return 1.0 if below(1.0) < 0 else float(brentq(below, floor, 1.0, xtol=1e-10))
