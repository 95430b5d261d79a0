"""Rows to independent units: the mean as a ratio of sums over clusters, with its linearized moments.

With units u (a group of rows, or one row), totals s_u = sum of w v over the unit and sizes w_u = sum of w,
    mean = sum s_u / sum w_u,   e_u = (s_u - mean w_u) / average size,   stderr^2 = sum e_u^2 / (U (U - 1)).
Cochran (1977), Sampling Techniques, sections 6.3 and 11.8. The degrees of freedom of that variance are
those of a variance of U terms with the sample's kurtosis, df = 2 U / (kurtosis - 1), at most U - 1: with a
few clusters of positive examples among many empty ones they are few, and t-quantiles with U - 1 would be
too short.

>>> import numpy as np
>>> units = Units.of(np.array([1.0, 1.0, 0.0, 0.0]), groups=np.array(["a", "a", "b", "b"]))
>>> moments = units.moments()
>>> moments.mean, moments.stderr, units.count
(0.5, 0.5, 2)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Moments(NamedTuple):
    """Of the mean over units: value, standard error, skewness of a unit's residual, degrees of freedom."""

    mean: float
    stderr: float
    skewness: float
    df: float


@dataclass(frozen=True)
class Units:
    """Totals [u] and sizes [u] of independent units; `rows` is the number of rows behind them."""

    total: Floats
    size: Floats
    rows: int

    @classmethod
    def of(cls, values: Floats, groups: Any | None = None, weights: Floats | None = None) -> Units:
        """Units of `values` [n]: the distinct `groups` [n] (any labels), else the rows; `weights` [n] >= 0."""
        n = len(values)
        w = np.ones(n) if weights is None else weights
        if groups is None:
            return cls(w * values, w, n)
        _, unit = np.unique(np.asarray(groups), return_inverse=True)
        total = np.bincount(unit, w * values).astype(np.float64)
        return cls(total, np.bincount(unit, w).astype(np.float64), n)

    @property
    def count(self) -> int:
        """The number of units."""
        return len(self.total)

    @property
    def effective(self) -> float:
        """Kish's effective number of units, (sum w)^2 / sum w^2: the count where all sizes are equal."""
        return float(self.size.sum() ** 2 / (self.size**2).sum())

    def agree(self, squares: Floats) -> bool:
        """Whether all rows of each unit are equal; `squares` [u]: totals of the squared values (Cauchy-Schwarz)."""
        return bool(np.allclose(squares * self.size, self.total**2, rtol=1e-9, atol=0.0))

    def worth(self, squares: Floats, variance: float) -> float:
        """Independent rows that all the rows are worth by the correlation inside units: rows/(1 + icc (m - 1)), m = sum size^2 / sum size.

        icc = 1 - (variance inside units)/`variance`, cut to [0, 1]; `squares` [u]: totals of the squared values. At 1 that is
        `effective`, whatever the sample variance of the units' totals.
        """
        m = self.size * (self.rows / self.size.sum())
        many = m >= 1.5
        if not many.any() or variance <= 0:
            return float(self.rows)
        inside = (squares - self.total**2 / self.size)[many] * (m / np.maximum(m - 1, 0.5))[many]
        icc = min(max(1.0 - float(inside.sum() / self.size[many].sum()) / variance, 0.0), 1.0)
        return self.rows / (1.0 + icc * (self.rows / self.effective - 1.0))

    def moments(self) -> Moments:
        """The moments above; NaN where there is one unit, skewness 0 and df U - 1 where nothing varies."""
        count = self.count
        mean = float(self.total.sum() / self.size.sum())
        if count < 2:
            return Moments(mean, math.nan, math.nan, math.nan)
        e = (self.total - mean * self.size) / self.size.mean()
        m2 = float((e**2).mean())
        # Not == 0: a constant column leaves rounding residue.
        if m2 <= (1e-13 * max(1.0, abs(mean))) ** 2:
            return Moments(mean, 0.0, 0.0, count - 1.0)
        skewness = float((e**3).mean()) / m2**1.5
        excess = float((e**4).mean()) / m2**2 - 1.0
        df = max(1.0, min(count - 1.0, 2.0 * count / max(excess, 1e-9)))
        return Moments(mean, math.sqrt(m2 / (count - 1.0)), skewness, df)


def finite_vector(name: str, values: Any) -> Floats:
    """`values` as float64 [n]; an error that names the cause for another shape, NaN or infinity.

    >>> finite_vector("scores", [1, float("nan")])
    Traceback (most recent call last):
        ...
    ValueError: scores: 1 of 2 values are NaN or infinite; drop or mend these rows first
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"{name} has shape {array.shape}; give one value a row, shape [n]")
    bad = int((~np.isfinite(array)).sum())
    if bad:
        raise ValueError(
            f"{name}: {bad} of {len(array)} values are NaN or infinite; drop or mend these rows first"
        )
    return array


def same_length(n: int, **named: Any) -> None:
    """Every given array has n rows, else an error that names it."""
    for name, array in named.items():
        if array is not None and len(array) != n:
            raise ValueError(f"{name} has {len(array)} rows and the values have {n}; give one entry a row")
