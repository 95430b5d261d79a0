"""The mean of n values, of paired differences, and of the difference of two samples, honest for few and skewed rows.

With m, s.e. the mean over units and its linearized standard error (`clusters`), and g the units' skewness:
- 0/1 values: Clopper-Pearson; in clusters or weighted, Korn-Graubard (`proportion`).
- up to 400 units: the studentized bootstrap, [m - t*_(1-a) s.e., m - t*_a s.e.] with t* = (m* - m)/s.e.* over
  resampled units (Hall 1992, The Bootstrap and Edgeworth Expansion, 3.3).
- more units: Student's t through Hall's skewness transformation (Hall 1992, J. R. Stat. Soc. B 54, 221-228):
  [m - h(t_(1-a)) s.e., m - h(t_a) s.e.], h(x) = 3/k (cbrt(1 + k (x - k/6)) - 1), k = g/sqrt(units). No
  resampling.
Measured at 95% (1,000 simulations a cell, n = 20, 50, 200): exponential .952 .949 .956 studentized, .951
.953 .956 Hall, .927 .946 .950 plain t, .927 .943 .943 BCa; beta(.2, 2) .944 .961 .939 studentized, .862
.924 .917 plain t.

>>> import numpy as np
>>> print(bootstrap_mean(np.arange(1001.0)))
500 [482.1, 517.9]
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student

from heldout.stats.clusters import Floats, Moments, Units, finite_vector, same_length
from heldout.stats.interval import Interval, tail
from heldout.stats.paired_proportion import tango_difference
from heldout.stats.proportion import clopper_pearson, clustered_proportion, newcombe_difference

RESAMPLE_UP_TO = 400
CHUNK_DRAWS = 1_000_000


def bootstrap_mean(
    values: Any,
    groups: Any | None = None,
    weights: Any | None = None,
    level: float = 0.95,
    rng: np.random.Generator | None = None,
    resamples: int = 2000,
    bounds: tuple[float, float] | None = None,
) -> Interval:
    """The mean of `values` [n] (weighted by `weights` [n] >= 0) with its interval, in the unit of the values.

    `groups` [n] (any labels): rows of one group are dependent; whole groups are resampled and counted.
    `bounds`: the range that no value can leave; the interval is cut to it, and values that are all equal
    then get the rule of three (at most 1 - a^(1/units) of the mass lies elsewhere). Without it equal values
    that are not 0/1 are withheld. `rng` None: a fixed stream, the same answer at each call. Errors: NaN,
    lengths that differ, negative weights.

    >>> import numpy as np
    >>> bootstrap_mean(np.array([0.0] * 353 + [1.0] * 7)).method
    'Clopper-Pearson'
    >>> print(bootstrap_mean([2.5, 2.5, 2.5]))
    withheld: all 3 values are equal, so their spread cannot be estimated
    """
    alpha = tail(level)
    v = finite_vector("values", values)
    same_length(len(v), groups=groups, weights=weights)
    w = None if weights is None else finite_vector("weights", weights)
    if w is not None and (w < 0).any():
        raise ValueError("weights must not be negative; give 0 to leave a row out")
    if w is not None and (w == 0).any():
        keep = w > 0
        v, w, groups = v[keep], w[keep], None if groups is None else np.asarray(groups)[keep]
    if len(v) == 0:
        return Interval.withheld("no values", level)
    # Differences that happen to be 0 or 1 are no proportions: only values that may be nothing else are.
    binary = _is_binary(v) and bounds in (None, (0.0, 1.0))
    if binary and groups is None and w is None:
        return clopper_pearson(int(v.sum()), len(v), level)
    units = Units.of(v, groups, w)
    if binary:
        return clustered_proportion(units, level)
    if units.count < 2:
        what = "one value" if len(v) == 1 else "all values belong to one group"
        return Interval.withheld(f"{what}: the spread cannot be estimated", level, n=units.count)
    if np.ptp(v) <= 1e-13 * max(1.0, float(np.abs(v).max())):
        return _all_equal(float(v[0]), units, bounds, level)
    moments = units.moments()
    if moments.stderr == 0.0:
        reason = "all groups have the same mean, so their spread cannot be estimated"
        return Interval.withheld(reason, level, n=units.count)
    if units.count <= RESAMPLE_UP_TO:
        generator = np.random.Generator(np.random.Philox(0)) if rng is None else rng
        low, high = _studentized(units, moments, alpha, generator, resamples)
        method = f"studentized bootstrap, {resamples} resamples"
    else:
        low, high = _hall(units.count, moments, alpha)
        method = "t with Hall's skewness correction"
    if groups is not None:
        method += ", clustered by group"
    if bounds is not None:
        low, high = max(low, bounds[0]), min(high, bounds[1])
    return Interval(moments.mean, low, high, level, moments.stderr, method, units.count)


def paired_difference(
    a: Any,
    b: Any,
    groups: Any | None = None,
    weights: Any | None = None,
    level: float = 0.95,
    rng: np.random.Generator | None = None,
    resamples: int = 2000,
) -> Interval:
    """mean(a - b) of the same n rows, a and b [n] in one unit.

    0/1 pairs: Tango's score interval (with groups or weights at the effective number of pairs), which has
    width where no pair differs; other values: `bootstrap_mean` of the differences, which lie in [-1, 1]
    where both lie in [0, 1].

    >>> print(paired_difference([1, 1, 0, 1] * 25, [1, 1, 0, 1] * 25))
    0 [-0.03699, 0.03699]
    """
    first, second = finite_vector("a", a), finite_vector("b", b)
    same_length(len(first), b=second, groups=groups, weights=weights)
    if len(first) == 0:
        return Interval.withheld("no pairs", level)
    d = first - second
    if _is_binary(first) and _is_binary(second):
        if groups is None and weights is None:
            return tango_difference(float((d > 0).sum()), float((d < 0).sum()), float(len(d)), level)
        w = None if weights is None else finite_vector("weights", weights)
        return _clustered_tango(d, groups, w, level)
    unit_range = min(first.min(), second.min()) >= 0 and max(first.max(), second.max()) <= 1
    return bootstrap_mean(
        d, groups, weights, level, rng, resamples, (-1.0, 1.0) if unit_range else (-math.inf, math.inf)
    )


def difference_of_means(
    a: Any,
    b: Any,
    groups_a: Any | None = None,
    groups_b: Any | None = None,
    level: float = 0.95,
    rng: np.random.Generator | None = None,
    resamples: int = 2000,
    bounds: tuple[float, float] | None = None,
) -> Interval:
    """mean(a) - mean(b) of two independent samples a [n], b [k], in the unit of the values.

    0/1 without groups: Newcombe's hybrid score. Else each mean's own interval, recovered variance by
    variance (MOVER, Zou & Donner 2008): d - hypot(m_a - l_a, u_b - m_b), d + hypot(u_a - m_a, m_b - l_b),
    which keeps their skewness. Rows or groups that stand in both samples make them dependent: use
    `paired_difference` there.

    >>> print(difference_of_means([1.0] * 56 + [0.0] * 14, [1.0] * 48 + [0.0] * 32))
    0.2 [0.05243, 0.3339]
    """
    first, second = finite_vector("a", a), finite_vector("b", b)
    if groups_a is None and groups_b is None and len(first) and len(second):
        if _is_binary(first) and _is_binary(second):
            return newcombe_difference(int(first.sum()), len(first), int(second.sum()), len(second), level)
    one = bootstrap_mean(first, groups_a, None, level, rng, resamples, bounds)
    two = bootstrap_mean(second, groups_b, None, level, rng, resamples, bounds)
    for name, part in (("first", one), ("second", two)):
        if not part.ok:
            return Interval.withheld(f"{name} sample: {part.status}", level, n=part.n)
    d = one.value - two.value
    low = d - math.hypot(one.value - one.low, two.high - two.value)
    high = d + math.hypot(one.high - one.value, two.value - two.low)
    stderr = math.hypot(one.stderr, two.stderr)
    return Interval(d, low, high, level, stderr, f"MOVER of two intervals ({one.method})", one.n + two.n)


def _is_binary(v: Floats) -> bool:
    return bool(((v == 0) | (v == 1)).all())


def _all_equal(value: float, units: Units, bounds: tuple[float, float] | None, level: float) -> Interval:
    """The rule of three: a mass of at most 1 - a^(1/units) may lie elsewhere, as far away as the bounds allow."""
    if bounds is None or not all(map(math.isfinite, bounds)):
        reason = f"all {units.rows} values are equal, so their spread cannot be estimated"
        return Interval.withheld(reason, level, n=units.count)
    elsewhere = 1.0 - tail(level) ** (1.0 / units.effective)
    low, high = value - elsewhere * (value - bounds[0]), value + elsewhere * (bounds[1] - value)
    stderr = (high - low) / (2.0 * float(norm.ppf(1 - tail(level))))
    return Interval(value, low, high, level, stderr, "rule of three (all values are equal)", units.count)


def _hall_root(x: float, k: float) -> float:
    return x if abs(k) < 1e-8 else 3.0 / k * (float(np.cbrt(1.0 + k * (x - k / 6.0))) - 1.0)


def _hall(count: int, moments: Moments, alpha: float) -> tuple[float, float]:
    k, q = moments.skewness / math.sqrt(count), float(student.ppf(1 - alpha, count - 1))
    return moments.mean - _hall_root(q, k) * moments.stderr, moments.mean - _hall_root(-q, k) * moments.stderr


def _studentized(
    units: Units, moments: Moments, alpha: float, rng: np.random.Generator, resamples: int
) -> tuple[float, float]:
    count = units.count
    s, w = units.total, units.size
    columns = np.stack([s, w, s * s, s * w, w * w], axis=1)
    pivots = []
    left = resamples
    while left > 0:
        rows = min(left, max(1, CHUNK_DRAWS // count))
        left -= rows
        drawn = rng.integers(0, count, (rows, count)) + np.arange(rows)[:, None] * count
        times = np.bincount(drawn.ravel(), minlength=rows * count).reshape(rows, count).astype(np.float64)
        total, size, ss, sw, ww = (times @ columns).T
        m = total / size
        variance = np.maximum(ss - 2 * m * sw + m * m * ww, 0.0) * count / (count - 1.0) / size**2
        shift = m - moments.mean
        # A resample of equal values has no spread: it stands for the far end of its side.
        flat = variance <= (1e-10 * moments.stderr) ** 2
        pivot = np.where(flat, np.where(shift < 0, -np.inf, np.inf), 0.0)
        np.divide(shift, np.sqrt(variance), out=pivot, where=~flat)
        pivots.append(pivot)
    t_low, t_high = np.quantile(np.concatenate(pivots), [alpha, 1 - alpha], method="inverted_cdf")
    low, high = _hall(count, moments, alpha)
    if math.isfinite(t_high):
        low = moments.mean - float(t_high) * moments.stderr
    if math.isfinite(t_low):
        high = moments.mean - float(t_low) * moments.stderr
    return low, high


def _clustered_tango(d: Floats, groups: Any | None, weights: Floats | None, level: float) -> Interval:
    """Tango at the number of pairs n* whose independent variance would be the clustered one (never above n)."""
    units = Units.of(d, groups, weights)
    if units.count < 2:
        return Interval.withheld(
            "all pairs belong to one group, so their spread is unknown", level, n=units.count
        )
    mean, stderr, _, df = units.moments()
    squares = Units.of(d * d, groups, weights).total
    w = np.ones(len(d)) if weights is None else weights
    plus, minus = float(w[d > 0].sum() / w.sum()), float(w[d < 0].sum() / w.sum())
    if stderr == 0.0:
        size = units.effective
    elif units.agree(squares):  # clusters are the pairs: see `clustered_proportion`
        size = min(units.effective, (plus + minus - mean * mean) / stderr**2)
    else:
        shrink = float((norm.ppf(1 - tail(level)) / student.ppf(1 - tail(level), df)) ** 2)
        size = min((plus + minus - mean * mean) / stderr**2, float(len(d))) * shrink
        size = min(size, units.worth(squares, plus + minus - mean * mean))
    score = tango_difference(plus * size, minus * size, size, level)
    spread = score.stderr if stderr == 0.0 else stderr
    method = "Tango score at the effective number of pairs"
    return Interval(score.value, score.low, score.high, level, spread, method, units.count)
