"""Times until something happens, where some runs end before it does: Kaplan-Meier, with intervals of its quantiles.

S(t) = prod over event times u <= t of (1 - events(u) / at risk(u)); a run that ended without the event is censored at its
last step: it counts as at risk until then and is never dropped. The curve and its pointwise log-log interval are scipy's
(`scipy.stats.ecdf`); a quantile's interval is the set of t at which S's interval contains 1 - q (Brookmeyer & Crowley 1982).
Before the first event, where log-log is not defined, the interval is Clopper-Pearson's of 0 events among n.

>>> curve = survival([700, 790, 940, 950, 1500], [True, True, True, True, False])
>>> curve.times, [round(v, 2) for v in curve.share]             # share that is still waiting after each time
((700.0, 790.0, 940.0, 950.0), [0.8, 0.6, 0.4, 0.2])
>>> curve.quantile(0.5).value, curve.events, curve.n
(940.0, 4, 5)
>>> print(survival([10, 10, 10], [False, False, True]).quantile(0.5))
withheld: 1 of 3 events by 10: the share still waiting never fell to 0.5
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from heldout.stats.interval import Interval, tail
from heldout.stats.proportion import clopper_pearson


@dataclass(frozen=True)
class Survival:
    """Just after each event time: the share still waiting with its pointwise interval; `n` runs, `events` of them."""

    times: tuple[float, ...]
    share: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    n: int
    events: int
    level: float
    last: float

    def quantile(self, q: float = 0.5) -> Interval:
        """The time by which a share q has had the event; withheld where the curve never falls to 1 - q.

        An upper end is infinite where the interval of the curve never falls below 1 - q: the runs were too short to
        bound the quantile from above.
        """
        method = "Kaplan-Meier, Brookmeyer-Crowley"
        if not 0.0 < q < 1.0:
            raise ValueError(f"q is {q}; give a number between 0 and 1, such as 0.5")
        goal = 1.0 - q + 1e-12
        value = _first(self.times, self.share, goal)
        if math.isinf(value):
            reason = f"{self.events} of {self.n} events by {self.last:g}: the share still waiting never fell to {1 - q:g}"
            return Interval.withheld(reason, self.level, method, self.n)
        low, high = _first(self.times, self.low, goal), _first(self.times, self.high, goal)
        return Interval(value, low, high, self.level, math.nan, method, self.n)


def survival(times: Sequence[float], observed: Sequence[bool], level: float = 0.95) -> Survival:
    """The curve of runs with event times, or last times where not observed. Raises ValueError for none, or unequal lengths."""
    alpha = tail(level)
    if len(times) != len(observed) or not len(times):
        raise ValueError(f"{len(times)} times and {len(observed)} marks; give at least one, and equally many")
    t, event = np.asarray(times, float), np.asarray(observed, bool)
    if not np.isfinite(t).all():
        raise ValueError("a time is not finite; a run without the event is censored at its last step")
    if not event.any():
        return Survival((), (), (), (), len(t), 0, level, float(t.max()))
    curve = stats.ecdf(stats.CensoredData(uncensored=t[event], right=t[~event])).sf
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", RuntimeWarning
        )  # scipy says that it is undefined at S = 0 and 1: see below
        ends = curve.confidence_interval(confidence_level=level, method="log-log")
    keep = np.isin(curve.quantiles, t[event])
    share = curve.probabilities[keep]
    low, high = np.array(ends.low.probabilities[keep]), np.array(ends.high.probabilities[keep])
    # At S = 0 the log-log interval is undefined: nobody waits, and at most 1 - alpha^(1/n) could.
    gone = share <= 0
    low[gone], high[gone] = (
        0.0,
        np.minimum(clopper_pearson(0, len(t), 1 - 2 * alpha).high, np.r_[1.0, high[:-1]][gone]),
    )
    return Survival(
        tuple(map(float, curve.quantiles[keep])),
        tuple(map(float, share)),
        tuple(map(float, np.nan_to_num(low, nan=0.0))),
        tuple(map(float, np.nan_to_num(high, nan=1.0))),
        len(t),
        int(event.sum()),
        level,
        float(t.max()),
    )


def _first(times: tuple[float, ...], shares: tuple[float, ...], goal: float) -> float:
    return next((t for t, s in zip(times, shares, strict=True) if s <= goal), math.inf)
