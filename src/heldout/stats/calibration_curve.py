"""Reliability: are the stated probabilities the frequencies? Bins of equal mass, a debiased error, overconfidence.

With bins b of share p_b and gaps g_b = mean confidence - accuracy the usual ECE is sum p_b |g_b|, biased
upward by about .8 sum p_b stderr_b when the model is calibrated. It stands beside the debiased root mean
square, which `calibration_error` describes. Both see only the means of bins: errors that cancel inside one
are not seen.

>>> import numpy as np
>>> confidence = np.repeat([0.6, 0.9], 500)
>>> correct = np.concatenate([np.arange(500) < 300, np.arange(500) < 350])     # .6 of the first, .7 of the second
>>> curve = reliability(confidence, correct, bins=15)
>>> [round(b.accuracy.value, 2) for b in curve.bins], round(curve.ece_plugin, 2), round(curve.overconfidence.value, 2)
([0.6, 0.7], 0.1, 0.1)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from heldout.stats.calibration_error import calibration_error
from heldout.stats.clusters import Floats, finite_vector, same_length
from heldout.stats.interval import Interval, tail
from heldout.stats.mean_interval import bootstrap_mean


class ReliabilityBin(NamedTuple):
    """One bin: its mean confidence, its accuracy with interval, its number of rows."""

    confidence: float
    accuracy: Interval
    n: int


@dataclass(frozen=True)
class Reliability:
    """Bins in order of confidence; `error` is the debiased error, `ece_plugin` the usual biased one, both in [0, 1];
    `overconfidence` is mean confidence - accuracy."""

    bins: tuple[ReliabilityBin, ...]
    error: Interval
    ece_plugin: float
    overconfidence: Interval


def reliability(
    confidence: Any,
    correct: Any,
    groups: Any | None = None,
    bins: int = 15,
    level: float = 0.95,
    rng: np.random.Generator | None = None,
) -> Reliability:
    """Reliability of `confidence` [n] in [0, 1] (the probability given to the predicted label) for `correct` [n] 0/1.

    Equal confidences stay in one bin. `groups` [n]: rows of one group are dependent. Fewer than two rows or
    groups: the intervals are withheld. `rng` None: a fixed stream. Errors: confidence outside [0, 1],
    correct not 0/1.
    """
    tail(level)
    p, hit = finite_vector("confidence", confidence), finite_vector("correct", correct)
    same_length(len(p), correct=hit, groups=groups)
    if len(p) and (p.min() < 0 or p.max() > 1 + 1e-6):
        raise ValueError(f"confidence of {p.min():g}..{p.max():g}; give probabilities in [0, 1], not logits")
    if not ((hit == 0) | (hit == 1)).all():
        raise ValueError("correct must be 0 or 1 for each row")
    if bins < 1:
        raise ValueError(f"{bins} bins; give at least 1")
    if len(p) == 0:
        nothing = Interval.withheld("no rows", level)
        return Reliability((), nothing, math.nan, nothing)
    labels = None if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    member = _equal_mass(p, bins)
    rows = []
    for b in range(int(member.max()) + 1):
        inside = member == b
        accuracy = bootstrap_mean(hit[inside], None if labels is None else labels[inside], level=level)
        rows.append(ReliabilityBin(float(p[inside].mean()), accuracy, int(inside.sum())))
    generator = np.random.Generator(np.random.Philox(0)) if rng is None else rng
    share = np.bincount(member) / len(p)
    gap = np.bincount(member, p - hit) / np.bincount(member)
    error = calibration_error(p, hit, member, labels, level, generator)
    return Reliability(tuple(rows), error, float(share @ np.abs(gap)), _overconfidence(p, hit, labels, level))


def _equal_mass(p: Floats, bins: int) -> Any:
    """The bin of each row: cuts at quantiles, ties together, empty bins left out."""
    cuts = np.quantile(p, np.arange(1, bins) / bins, method="inverted_cdf")
    return np.unique(np.searchsorted(np.unique(cuts), p, side="left"), return_inverse=True)[1]


def _overconfidence(p: Floats, hit: Floats, labels: Any, level: float) -> Interval:
    """Mean confidence - accuracy; with few errors (or few hits) its spread is that of the exact count of them."""
    direct = bootstrap_mean(p - hit, labels, level=level, bounds=(-1.0, 1.0))
    count = bootstrap_mean(hit, labels, level=level)
    if not (direct.ok and count.ok) or min(hit.sum(), len(hit) - hit.sum()) >= 10:
        return direct
    low = min(direct.low, direct.value - (count.high - count.value))
    high = max(direct.high, direct.value + (count.value - count.low))
    method = f"{direct.method}, no narrower than {count.method}"
    return Interval(direct.value, low, high, level, max(direct.stderr, count.stderr), method, direct.n)
