"""What the forecaster sees of a run at step t: sixteen numbers from the looks up to t, none of which depends on how often one looks.

Looks are thinned to eight an octave of steps: of the looks with round(8 log2(t / step)) = j the newest is kept. A window
is half an octave, four values of j: now (j < 4, steps from about .7 t), then one, two and three windows back. With L the log
of the test loss, l that of the train loss (both of at least 1e-6 nats), s and z the test and train scores, |w| the norm;
means over windows, "best" over all kept looks:

    since best         log2(t / step of the lowest test loss)
    above best         L now - lowest L
    best loss          lowest L
    test slope         L now - L one window back
    test slope before  L one window back - L two back
    test slope earlier L two back - L three back
    train slope        l now - l one window back
    gap                L now - l now
    train fall         l now - l at the first look
    test fall          L now - L at the first look
    test score         s now
    train score        z now
    score slope        s now - s one window back
    since best score   log2(t / step of the highest s, the first of equals)
    norm slope         log |w| now - log |w| one window back
    wander             log10 of the standard deviation of L around its line over the last octave, at least 1e-4

Steps are counted from the first look. Too few looks, a history that does not reach back, losses that are not finite: `Withheld`.

>>> steps = [0, *(2 ** (k / 8) for k in range(81))]
>>> halving = {"test loss": [4 / max(s, 1) for s in steps], "train loss": [1 / max(s, 1) for s in steps]}
>>> flat = {"test score": [0.5] * 82, "train score": [1.0] * 82, "norm": [3.0] * 82}
>>> seen = features(steps, {**halving, **flat})
>>> [round(seen[name] / math.log(2), 3) for name in ("test slope", "train slope", "gap")], seen["since best"]
([-0.5, -0.5, 2.0], 0.0)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heldout.core.errors import Withheld

NEEDED = ("test loss", "train loss", "test score", "train score", "norm")
NAMES = (
    "since best", "above best", "best loss", "test slope", "test slope before", "test slope earlier", "train slope", "gap",
    "train fall", "test fall", "test score", "train score", "score slope", "since best score", "norm slope", "wander",
)  # fmt: skip
OCTAVE, WINDOW, WINDOWS = 8, 4, 4
LEAST_IN_WINDOW, LEAST_LOSS, REACH = 2, 1e-6, 16
Numbers = NDArray[np.float64]


def features(steps: Sequence[float], readings: Mapping[str, Sequence[Any]]) -> dict[str, float]:
    """The features at the newest look. steps [k], strictly rising; readings: each of `NEEDED` [k], None where not finite."""
    missing = [name for name in NEEDED if name not in readings]
    if missing:
        raise Withheld(f"the watch has no {' and no '.join(missing)}")
    at = np.asarray(steps, dtype=np.float64) - (steps[0] if len(steps) else 0.0)
    kept = thinned(at)
    series = {
        name: np.array([math.nan if values[k] is None else values[k] for k in kept], dtype=np.float64)
        for name, values in readings.items()
        if name in NEEDED
    }
    first = {name: readings[name][0] for name in ("test loss", "train loss")}
    return _features(at[kept], series, first)


def thinned(at: Numbers) -> list[int]:
    """Places of the looks that are kept, oldest first: the newest of each eighth of an octave before the last of `at` [k].

    >>> thinned(np.array([0.0, 1.0, 2.0, 1000.0, 1999.0, 2000.0]))
    [1, 2, 3, 5]
    """
    later = np.flatnonzero(at > 0)
    if not len(later):
        return []
    newest_first = later[::-1]
    ages = np.rint(OCTAVE * np.log2(at[-1] / at[newest_first]))
    return [int(k) for k in np.sort(newest_first[np.unique(ages, return_index=True)[1]])]


def _features(at: Numbers, series: dict[str, Numbers], first: dict[str, Any]) -> dict[str, float]:
    if not len(at) or at[-1] < REACH:
        raise Withheld(f"too early: fewer than {REACH} steps since the first look")
    ages = np.rint(OCTAVE * np.log2(at[-1] / at)).astype(int)
    inside = [(ages >= WINDOW * w) & (ages < WINDOW * (w + 1)) for w in range(WINDOWS)]
    fewest = min(int(chosen.sum()) for chosen in inside)
    if fewest < LEAST_IN_WINDOW:
        raise Withheld(
            f"too few looks: {fewest} in a half octave of the last two octaves of steps, {LEAST_IN_WINDOW} are needed"
        )
    recent = ages < WINDOW * WINDOWS
    for name, values in series.items():
        if not np.isfinite(values[recent]).all():
            raise Withheld(f"the {name} is not finite in the last two octaves of steps")
    if any(value is None or not math.isfinite(value) for value in first.values()):
        raise Withheld("the loss at the first look is not finite")
    test, train = (np.log(np.maximum(series[name], LEAST_LOSS)) for name in ("test loss", "train loss"))
    start = {name: math.log(max(value, LEAST_LOSS)) for name, value in first.items()}
    score, norm = series["test score"], np.log(np.maximum(series["norm"], 1e-12))
    L, fit, s, w = (
        [float(values[chosen].mean()) for chosen in inside] for values in (test, train, score, norm)
    )
    best, top = int(np.nanargmin(test)), int(np.nanargmax(score))
    last = ages < OCTAVE
    found = (
        math.log2(at[-1] / at[best]), L[0] - test[best], test[best], L[0] - L[1], L[1] - L[2], L[2] - L[3], fit[0] - fit[1],
        L[0] - fit[0], fit[0] - start["train loss"], L[0] - start["test loss"], s[0],
        float(series["train score"][inside[0]].mean()), s[0] - s[1], math.log2(at[-1] / at[top]), w[0] - w[1],
        math.log10(max(_off_line(-ages[last], test[last]), 1e-4)),
    )  # fmt: skip
    return {name: float(value) for name, value in zip(NAMES, found, strict=True)}


def _off_line(x: Any, y: Numbers) -> float:
    """Standard deviation of y [k] around its least-squares line over x [k]."""
    line = np.polyfit(x.astype(np.float64), y, 1)
    return float((y - np.polyval(line, x)).std())
