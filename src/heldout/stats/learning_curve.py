"""A learning curve with its band: a - b n^-c from four sizes on, a line in log n from two or three.

The power law is fitted by weighted least squares over a grid of exponents c, refined at its best: for each
c the best a and b are closed form, so there is one optimum and nothing to start from; 0 <= a <= 1 for a
score, a >= 0 for a loss (Hestness et al. 2017, arXiv:1712.00409; Viering & Loog 2022, arXiv:2103.10948).
The band is the spread of refits to y + stderr z, stderr grown by sqrt(chi^2/df) where the points miss the
curve; where they miss it at the 1% level nothing is extrapolated. Where the points cannot tell the power
law from a line in log n (the line's chi^2 passes at 5%) the band covers both. A line's band is widened by
half of the change it predicts beyond the largest size: a power law with c <= 1 loses no more than that.
Extrapolation ends at 4 times the largest size, a line's at 2 times. Measured at 95%: .93-.99 at 1, 2 and 4
times and for the gain, on power laws and flat curves (200 simulations a cell, five sizes; 0-3% withheld,
counted as covered). On an exact line in log n with small errors 84-90% are withheld as no power law.

>>> import numpy as np
>>> n = np.array([100.0, 200.0, 400.0, 800.0, 1600.0])
>>> curve = fit_learning_curve(n, 0.95 - 2.0 * n**-0.5, np.full(5, 1e-4))
>>> round(curve.at(3200).value, 3), round(curve.doubling().value, 3)     # .95 - 2/sqrt(3200); the gain .0146
(0.915, 0.015)
>>> print(curve.at(100_000))
withheld: 100000 examples are more than 4 times the largest size measured, 1600
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.stats import chi2, norm

from heldout.stats.clusters import Floats, finite_vector, same_length
from heldout.stats.interval import Interval, tail

Kind = Literal["score", "loss"]
EXPONENTS = np.geomspace(0.02, 3.0, 41)
BEND = 0.5


@dataclass(frozen=True)
class LearningCurve:
    """A fitted curve. `parameters` [3] and `refits` [t 3] hold (a, b, c) of a - b (n/largest)^-c for the power law,
    (level at the largest size, slope, 0) of a line in log n; `misfit` is the p-value of its chi^2 (NaN: no
    df); `rivals` [t 3] are refits of a line that fits beside the power law ([0 3]: none does)."""

    n_points: Floats
    score: Floats
    stderr: Floats
    kind: Kind
    form: Literal["power law", "line in log n"]
    parameters: Floats
    refits: Floats
    rivals: Floats
    misfit: float
    shared_stderr: float
    level: float

    @property
    def largest(self) -> float:
        """The largest size measured."""
        return float(self.n_points.max())

    def at(self, n: float) -> Interval:
        """The value at `n` training examples with its band, cut to [0, 1] for a score and to >= 0 for a loss."""
        return self._of(lambda form, p: _value(form, p, n / self.largest), n, self.shared_stderr, True)

    def doubling(self) -> Interval:
        """The change from the largest size to twice it, in the unit of the score: would more data help?

        Above 0 for a score (below 0 for a loss) over the whole interval: it would. What all points share
        cancels.
        """
        return self._of(
            lambda form, p: _value(form, p, 2.0) - _value(form, p, 1.0), 2 * self.largest, 0.0, False
        )

    def _of(self, quantity: Callable[[str, Floats], Floats], n: float, shared: float, cut: bool) -> Interval:
        count, alpha = len(self.n_points), tail(self.level)
        method = f"{self.form} through {count} sizes"
        if not n > 0:
            raise ValueError(f"a curve at {n} examples; give a positive number")
        reach = 4 if self.form == "power law" else 2
        if n > reach * self.largest * (1 + 1e-9):
            reason = (
                f"{n:.0f} examples are more than {reach} times the largest size measured, {self.largest:.0f}"
            )
            return Interval.withheld(reason, self.level, method, count)
        if n > self.largest and self.misfit < 0.01:
            reason = f"the points do not follow a {self.form} (chi^2 p = {self.misfit:.2g}), so it is not extrapolated"
            return Interval.withheld(reason, self.level, method, count)
        value = float(quantity(self.form, self.parameters[None])[0])
        spread = quantity(self.form, self.refits)
        ends = np.quantile(spread, [alpha, 1 - alpha])
        if len(self.rivals):
            rival = np.quantile(quantity("line in log n", self.rivals), [alpha, 1 - alpha])
            ends = np.array([min(ends[0], rival[0]), max(ends[1], rival[1])])
            method += ", or a line in log n"
        bend = 0.0
        if self.form == "line in log n" and n > self.largest:
            bend = BEND * abs(float(self.parameters[1])) * math.log(n / self.largest)
            method += ", widened for its bend"
        more = math.hypot(float(norm.ppf(1 - alpha)) * shared, bend)
        low = value - math.hypot(max(value - float(ends[0]), 0.0), more)
        high = value + math.hypot(max(float(ends[1]) - value, 0.0), more)
        if cut:
            top = 1.0 if self.kind == "score" else math.inf
            value, low, high = (min(max(x, 0.0), top) for x in (value, low, high))
        stderr = math.hypot(float(spread.std()), shared)
        return Interval(value, low, high, self.level, stderr, method, count)


def fit_learning_curve(
    n_points: Any,
    score: Any,
    stderr: Any,
    kind: Kind = "score",
    shared_stderr: float = 0.0,
    level: float = 0.95,
    rng: np.random.Generator | None = None,
    resamples: int = 400,
) -> LearningCurve:
    """The curve through `score` [m] (in [0, 1], or a loss >= 0) at training sizes `n_points` [m], two or more distinct.

    `stderr` [m] > 0: the error that is independent between sizes; `shared_stderr`: the part common to all
    (one test set). `rng` None: a fixed stream. Errors: fewer than two sizes, stderr not positive, a score
    outside [0, 1].

    >>> line = fit_learning_curve([500, 700, 900], [0.80, 0.84, 0.87], [0.002, 0.002, 0.002])
    >>> line.form, round(line.doubling().value, 4)
    ('line in log n', 0.0825)
    """
    n, y, s = (
        finite_vector("n_points", n_points),
        finite_vector("score", score),
        finite_vector("stderr", stderr),
    )
    same_length(len(n), score=y, stderr=s)
    sizes = len(np.unique(n))
    if sizes < 2 or (n <= 0).any():
        raise ValueError(f"{sizes} distinct training sizes; give at least two, all positive")
    if (s <= 0).any():
        raise ValueError("a standard error of 0 or less; give the positive standard error of each score")
    if kind not in ("score", "loss"):
        raise ValueError(f'kind is {kind!r}; give "score" or "loss"')
    if y.min() < 0 or (kind == "score" and y.max() > 1):
        raise ValueError(
            f"a {kind} of {y.min() if y.min() < 0 else y.max():g}; a score lies in [0, 1], a loss is >= 0"
        )
    generator = np.random.Generator(np.random.Philox(0)) if rng is None else rng
    power = sizes >= 4
    top = 1.0 if kind == "score" else math.inf
    relative = n / n.max()

    grid = EXPONENTS

    def refit(rows: Floats) -> tuple[Floats, Floats]:
        return _power_law(relative, rows, s, top, grid) if power else _line(relative, rows, s)

    best, chi = refit(y[None])
    for width in (0.15, 0.01, 0.0005) if power else ():
        grid = np.concatenate([grid, best[0, 2] * np.geomspace(1 - width, 1 / (1 - width), 15)])
        best, chi = refit(y[None])
    df = len(n) - (3 if power else 2)
    grown = math.sqrt(max(1.0, float(chi[0]) / df)) if df > 0 else 1.0
    noise = s * generator.normal(size=(resamples, len(n)))
    refits, _ = refit(y + grown * noise)
    rivals, bent = _line(relative, y + noise, s)[0], _line(relative, y[None], s)[1]
    if not power or chi2.sf(bent[0], len(n) - 2) < 0.05:
        rivals = rivals[:0]
    misfit = float(chi2.sf(chi[0], df)) if df > 0 else math.nan
    form: Literal["power law", "line in log n"] = "power law" if power else "line in log n"
    return LearningCurve(n, y, s, kind, form, best[0], refits, rivals, misfit, shared_stderr, level)


def _value(form: str, parameters: Floats, relative: float) -> Floats:
    a, b, c = parameters.T
    return np.asarray(a - b * relative**-c if form == "power law" else a + b * math.log(relative))


def _line(relative: Floats, rows: Floats, s: Floats) -> tuple[Floats, Floats]:
    """Weighted lines through rows [t m]: (level at the largest size, slope, 0) [t 3] and chi^2 [t]."""
    design = np.stack([np.ones(len(s)), np.log(relative)], axis=1) / s[:, None]
    solved = rows / s @ np.linalg.pinv(design).T
    chi = ((rows / s - solved @ design.T) ** 2).sum(axis=1)
    return np.concatenate([solved, np.zeros((len(rows), 1))], axis=1), chi


def _power_law(
    relative: Floats, rows: Floats, s: Floats, top: float, exponents: Floats
) -> tuple[Floats, Floats]:
    """Power laws through rows [t m], c among the exponents, 0 <= a <= top: (a, b, c) [t 3] and chi^2 [t]."""
    v = s**-2.0
    best = np.full(len(rows), np.inf)
    found = np.zeros((len(rows), 3))
    for c in exponents:
        x = relative**-c
        v_, vx, vxx = v.sum(), (v * x).sum(), (v * x * x).sum()
        vy, vxy = rows @ v, rows @ (v * x)
        # Free optimum of a, cut to its bounds; for given a the best b is closed form, and chi^2 is convex in a.
        a = np.clip((vy * vxx - vx * vxy) / (v_ * vxx - vx * vx), 0.0, top)
        b = (a * vx - vxy) / vxx
        chi = (v * (rows - a[:, None] + b[:, None] * x) ** 2).sum(axis=1)
        better = chi < best
        best = np.where(better, chi, best)
        found[better] = np.stack([a, b, np.full(len(rows), c)], axis=1)[better]
    return found, best
