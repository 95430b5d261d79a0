"""Does a score emerge along a ladder of scales: does it jump between two rungs, or stay flat and rise late?

Scores y_1..y_m at x = log scale, R = y_m - y_1 the whole change. Two shapes, both as shares of R:
    jump_i = (right line less left line, both carried to the middle of rungs i and i+1) / R,  lines through the two rungs on
             each side: 1 for a step, 0 for a line; a logistic curve: .05, .13, .24, .45 and .68 where its stretch from 10% to
             90% covers 4.4, 3, 2.2, 1.5 and 1.05 rungs
    late_i = (straight line from the first to the last score, less y_i) / R: 0 for a line, f for a score that stays flat over
             a share f of the ladder and then rises
Each is linear in y. jump <= s for every i (and late likewise) is tested by c_i(s) . y = numerator_i - s R at a critical value of
the largest |z| over both families; the intervals are the s that are not rejected, so one error rate covers the choice
of the place, both shapes and both sides. A jump at either end of the ladder is not seen: nothing tells it from a slope.

>>> import numpy as np
>>> step = emergence(np.arange(8.0), [0, 0, 0, 0, 1, 1, 1, 1], np.full(8, 0.01))
>>> round(step.jump.value, 3), step.jump_at, step.emerges, step.smooth
(1.0, 3, True, False)
>>> line = emergence(np.arange(8.0), np.linspace(0, 1, 8), np.full(8, 0.01))
>>> abs(line.jump.value) < 1e-9, line.emerges, line.smooth
(True, False, True)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.stats import norm

from heldout.stats.clusters import Floats, finite_vector, same_length
from heldout.stats.interval import Interval, tail

RUNGS = 4  # two on each side of a jump
DRAWS = 4000
SHARES = np.linspace(-1.0, 2.0, 1201)


@dataclass(frozen=True)
class Emergence:
    """`change` = y_m - y_1 in the unit of the score; largest `jump` and `late` as shares of it, with simultaneous intervals.

    jump_at, late_at: the rung (of the jump: the lower of the two). Both shares are withheld where the change is not beyond
    its error. `margin`: the share that counts.
    """

    change: Interval
    jump: Interval
    jump_at: int
    late: Interval
    late_at: int
    margin: float

    @property
    def emerges(self) -> bool:
        """A shape is larger than the margin."""
        return any(shape.ok and shape.low > self.margin for shape in (self.jump, self.late))

    @property
    def smooth(self) -> bool:
        """Both shapes are smaller than the margin."""
        return all(shape.ok and shape.high < self.margin for shape in (self.jump, self.late))


def emergence(
    log_scale: Any, scores: Any, stderr: Any, margin: float = 0.25, level: float = 0.95
) -> Emergence:
    """From log_scale [m] ascending, scores [m] and their standard errors [m] (independent, > 0); m >= 4.

    Errors: fewer rungs, lengths that differ, scales that do not ascend, errors that are not positive.
    """
    x, y, s = (
        finite_vector(n, v) for n, v in zip(("log_scale", "scores", "stderr"), (log_scale, scores, stderr))
    )
    same_length(len(x), scores=y, stderr=s)
    if len(x) < RUNGS or not (np.diff(x) > 0).all():
        raise ValueError(f"{len(x)} scales; give at least {RUNGS}, ascending")
    if not (s > 0).all():
        raise ValueError("a standard error is not positive; give that of each score")
    ladder = _Ladder(x, y, s, margin, level)
    z = float(norm.ppf(1 - tail(level)))
    total = float(y[-1] - y[0])
    error = float(np.hypot(s[0], s[-1]))
    change = Interval(
        total, total - z * error, total + z * error, level, error, "first to last scale", len(x)
    )
    if abs(total) <= z * error:
        reason = Interval.withheld(
            "the scores at the smallest and the largest scale do not differ beyond their error", level
        )
        return Emergence(change, reason, -1, reason, -1, margin)
    (jump, i), (late, j) = ladder.share(ladder.jumps), ladder.share(ladder.lates)
    return Emergence(change, jump, i + 1, late, j + 1, margin)


@dataclass(frozen=True)
class _Ladder:
    """Contrasts over the rungs; x, y, s [m]."""

    x: Floats
    y: Floats
    s: Floats
    margin: float
    level: float

    @cached_property
    def whole(self) -> Floats:
        """Contrast [m] of the whole change."""
        c = np.zeros(len(self.x))
        c[-1], c[0] = 1.0, -1.0
        return c

    @cached_property
    def jumps(self) -> Floats:
        """Contrasts [m - 3, m] of the jump between rungs i and i + 1, i = 1..m-3."""
        m = len(self.x)
        rows = np.zeros((m - 3, m))
        for k in range(m - 3):
            for (one, two), sign in (((k, k + 1), -1.0), ((k + 2, k + 3), 1.0)):
                t = ((self.x[k + 1] + self.x[k + 2]) / 2 - self.x[one]) / (self.x[two] - self.x[one])
                rows[k, one] += sign * (1 - t)
                rows[k, two] += sign * t
        return rows

    @cached_property
    def lates(self) -> Floats:
        """Contrasts [m - 2, m] of the line from first to last less the score, at the inner rungs."""
        m = len(self.x)
        part = (self.x[1:-1] - self.x[0]) / (self.x[-1] - self.x[0])
        rows = -np.eye(m)[1:-1]
        rows[:, 0] += 1 - part
        rows[:, -1] += part
        return rows

    @cached_property
    def critical(self) -> float:
        """The quantile of the largest |z| over both families at the margin, independent Gaussian errors."""
        both = (np.concatenate([self.jumps, self.lates]) - self.margin * self.whole) * self.s
        both /= np.linalg.norm(both, axis=1, keepdims=True)
        draws = np.random.Generator(np.random.Philox(0)).standard_normal((DRAWS, len(self.x)))
        return float(np.quantile(np.abs(draws @ both.T).max(1), self.level))

    def share(self, rows: Floats) -> tuple[Interval, int]:
        """The largest share of one family with its interval, and its place."""
        sign = np.sign(self.whole @ self.y)
        top, total = sign * rows @ self.y, abs(float(self.whole @ self.y))
        at = int(np.argmax(top))
        value = sign * ((rows @ self.y)[:, None] - SHARES * (self.whole @ self.y))  # [k shares]
        errors = np.linalg.norm((rows[:, None] - SHARES[:, None] * self.whole) * self.s, axis=-1)
        above = ((value - self.critical * errors) > 0).any(0)
        below = ((value + self.critical * errors) < 0).all(0)
        low = float(SHARES[above].max()) if above.any() else -np.inf
        high = float(SHARES[below].min()) if below.any() else np.inf
        best = float(top[at] / total)
        method = "largest over places, simultaneous Gaussian interval"
        return Interval(
            best, min(low, best), max(high, best), self.level, float("nan"), method, len(self.x)
        ), at
