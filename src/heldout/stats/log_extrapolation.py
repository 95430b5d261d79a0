"""A straight line in the log of the training size, carried to the full size: weights, value and error.

With x_j = log fraction_j, precisions v_j = 1/stderr_j^2 and weighted means: the extrapolated value is sum
h_j y_j,
    h_j = v_j/sum v + (log target - x_mean) v_j (x_j - x_mean) / sum v (x - x_mean)^2,
weighted least squares written as weights that depend on the design alone, so that the same weights can be
applied to every example (or to the terms of `two_way.two_way_contrast`) before the error is taken.

>>> import numpy as np
>>> h = extrapolation_weights([0.5, 0.7, 0.9])
>>> line = 0.9 + 0.05 * np.log([0.5, 0.7, 0.9])
>>> round(float(h @ line), 12), round(float(h.sum()), 12)
(0.9, 1.0)
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.stats import norm

from heldout.stats.clusters import Floats, finite_vector, same_length
from heldout.stats.interval import Interval, tail


def extrapolation_weights(fractions: Any, stderr: Any | None = None, to: float = 1.0) -> Floats:
    """The weights h [m] above, for `fractions` [m] > 0 of which at least two differ. They sum to 1.

    `stderr` [m] > 0 sets the precisions; None: all equal.
    """
    f = finite_vector("fractions", fractions)
    if (f <= 0).any() or not to > 0:
        raise ValueError("training fractions must be positive; give them as 0.5 for half of the data")
    if len(np.unique(f)) < 2:
        raise ValueError("one training fraction makes no line; give at least two that differ")
    spread = np.ones(len(f)) if stderr is None else finite_vector("stderr", stderr)
    same_length(len(f), stderr=spread)
    if (spread <= 0).any():
        raise ValueError("a standard error of 0 or less; give the positive standard error of each value")
    v, x = 1.0 / spread**2, np.log(f)
    centre = float((v * x).sum() / v.sum())
    weights: Floats = v / v.sum() + (math.log(to) - centre) * v * (x - centre) / (v * (x - centre) ** 2).sum()
    return weights


def extrapolate_log(
    fractions: Any, values: Any, stderr: Any, to: float = 1.0, shared_stderr: float = 0.0, level: float = 0.95
) -> Interval:
    """The value at the training fraction `to`, in the unit of `values` [m], by a weighted line in log fraction.

    `stderr` [m]: the part that is independent between fractions (their models); `shared_stderr`: the part
    common to all of them (the same examples), which passes through once because the weights sum to 1. Where
    three values or more bend away from the line beyond their errors, the error grows by sqrt(chi^2/df).

    >>> print(extrapolate_log([0.5, 0.7, 0.9], [0.80, 0.84, 0.87], [0.004, 0.004, 0.004]))
    0.8825 [0.874, 0.8911]
    """
    h = extrapolation_weights(fractions, stderr, to)
    f, y, s = (np.asarray(a, dtype=np.float64) for a in (fractions, finite_vector("values", values), stderr))
    same_length(len(f), values=y)
    value = float(h @ y)
    line = np.array([float(extrapolation_weights(f, s, float(x)) @ y) for x in f])
    bend = 1.0
    if len(f) > 2:
        bend = max(1.0, float((((y - line) / s) ** 2).sum()) / (len(f) - 2))
    error = math.sqrt(float((h**2 * s**2).sum()) * bend + shared_stderr**2)
    half = float(norm.ppf(1 - tail(level))) * error
    method = f"weighted line in log n over {len(f)} sizes, to {to:g} of the data"
    return Interval(value, value - half, value + half, level, error, method, len(f))
