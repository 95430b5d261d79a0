"""Membership attacks: the true positive rate at a low false positive rate, and the area under the ROC curve.

Scores are high for members ("in"). The threshold is the (floor(fpr m) + 1)-th largest of m non-member
scores, a member counts when strictly above it. The interval adds the member count's Clopper-Pearson error
and what the threshold's own error, fpr +- z sqrt(fpr (1 - fpr)/m), moves the rate (Zou & Donner's MOVER).
Fewer than 10 non-members above the threshold make no rate: withheld (Carlini et al. 2022, arXiv:2112.03570,
on why low rates are the ones to report). AUROC = P(in > out) + P(in = out)/2 with DeLong's standard error
(1988) on the logit scale; where the samples do not overlap, Newcombe's method 5 (2006) on Hanley & McNeil's
variance.

>>> import numpy as np
>>> members, others = np.arange(1000) + 100.0, np.arange(1000.0)
>>> tpr_at_fpr(members, others, 0.01).value, auroc(members, others).value
(0.11, 0.595)
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm, rankdata

from heldout.stats.clusters import finite_vector
from heldout.stats.interval import Interval, tail
from heldout.stats.proportion import clopper_pearson


def tpr_at_fpr(scores_in: Any, scores_out: Any, fpr: float, level: float = 0.95) -> Interval:
    """The fraction of member scores [n] above the threshold that a fraction `fpr` of the non-members [m] passes.

    Chance is `fpr` itself. Withheld where fpr < 10/m, or where either sample is empty. Errors: NaN, fpr
    outside (0, 1).

    >>> print(tpr_at_fpr([0.0, 1.0], [0.0] * 500, 0.01))
    withheld: a false positive rate of 0.01 among 500 non-members counts 5 of them; at least 10, so 0.02, can be told
    """
    alpha = tail(level)
    inside, out = (
        np.sort(finite_vector("scores_in", scores_in)),
        np.sort(finite_vector("scores_out", scores_out)),
    )
    n, m = len(inside), len(out)
    method = f"true positive rate at false positive rate {fpr:g}"
    if not 0.0 < fpr < 1.0:
        raise ValueError(f"fpr is {fpr}; give a rate between 0 and 1, such as 0.01")
    if min(n, m) == 0:
        return Interval.withheld("no members or no non-members", level, method, n)
    if fpr * m < 10 - 1e-9:
        reason = f"a false positive rate of {fpr:g} among {m} non-members counts {fpr * m:.3g} of them; "
        return Interval.withheld(f"{reason}at least 10, so {10 / m:.2g}, can be told", level, method, n)

    def caught(rate: float) -> int:
        """Members above the threshold of this rate."""
        rank = min(math.floor(rate * m + 1e-9), m)
        return n if rank == m else n - int(np.searchsorted(inside, out[m - rank - 1], side="right"))

    z = float(norm.ppf(1 - alpha))
    wobble = z * math.sqrt(fpr * (1 - fpr) / m)
    k = caught(fpr)
    count = clopper_pearson(k, n, level)
    fewer, more = caught(max(fpr - wobble, 0.0)), caught(min(fpr + wobble, 1.0))
    low = count.value - math.hypot(count.value - count.low, (k - fewer) / n)
    high = count.value + math.hypot(count.high - count.value, (more - k) / n)
    stderr = math.hypot(count.stderr, (more - fewer) / (2 * z * n))
    return Interval(count.value, max(low, 0.0), min(high, 1.0), level, stderr, method, n)


def auroc(scores_in: Any, scores_out: Any, level: float = 0.95) -> Interval:
    """The probability that a member [n] outscores a non-member [m], ties counted half; chance is 1/2.

    Withheld where either sample has fewer than two scores.

    >>> print(auroc([2.0, 3.0, 4.0, 5.0], [0.0, 1.0, 1.5, 1.8]))
    1 [0.5823, 1]
    """
    alpha = tail(level)
    inside, out = finite_vector("scores_in", scores_in), finite_vector("scores_out", scores_out)
    n, m = len(inside), len(out)
    if min(n, m) < 2:
        return Interval.withheld("fewer than two members or non-members", level, "AUROC", n + m)
    ranks = rankdata(np.concatenate([inside, out]))
    wins = (ranks[:n] - rankdata(inside)) / m
    losses = 1 - (ranks[n:] - rankdata(out)) / n
    area = float(wins.mean())
    variance = float(wins.var(ddof=1)) / n + float(losses.var(ddof=1)) / m
    z = float(norm.ppf(1 - alpha))
    if 0.0 < area < 1.0 and variance > 0.0:
        stderr = math.sqrt(variance)
        centre, half = math.log(area / (1 - area)), z * stderr / (area * (1 - area))
        low, high = (1 / (1 + math.exp(-x)) for x in (centre - half, centre + half))
        return Interval(area, low, high, level, stderr, "AUROC, DeLong on the logit scale", n + m)
    low, high = _newcombe(area, n, m, z)
    return Interval(area, low, high, level, (high - low) / (2 * z), "AUROC, Newcombe's method 5", n + m)


def _newcombe(area: float, n: int, m: int, z: float) -> tuple[float, float]:
    half = (n + m) / 2 - 1

    def miss(t: float) -> float:
        variance = t * (1 - t) * (1 + half * ((1 - t) / (2 - t) + t / (1 + t))) / (n * m)
        return abs(area - t) - z * math.sqrt(max(variance, 0.0))

    inner = 1e-9
    low = float(brentq(miss, inner, area - inner)) if area > 2 * inner and miss(inner) > 0 else 0.0
    high = (
        float(brentq(miss, area + inner, 1 - inner)) if area < 1 - 2 * inner and miss(1 - inner) > 0 else 1.0
    )
    return low, high
