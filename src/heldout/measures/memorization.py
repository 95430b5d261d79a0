"""Memorization of each training example (Feldman & Zhang 2020), on log-odds and on the score.

mem(i) = E[phi_r(i) | r saw i] - E[phi_r(i) | r did not], with phi = log(p_y / (1 - p_y)). Within each training fraction
first (models of 50% know less than models of 90%), then pooled with weights k_in k_out / (k_in + k_out).
A score of correctness needs a model that fits: print the fit rate beside it. Ranks come from log-odds (halves of the
models agree on .92 of the top 50, against .38 on correctness, which ties); statements like "mem > .25" from correctness.
Standard errors on log-odds are widened by 1.2, measured; those on correctness are smoothed (Jeffreys), since .71 of the
raw ones are exactly 0.

>>> import numpy as np
>>> masks = np.array([[1, 0], [0, 1], [1, 0], [0, 1]], dtype=bool)
>>> memorization(np.where(masks, 3.0, -1.0), masks, np.full(4, 0.5)).value.tolist()
[4.0, 4.0]
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_WIDEN = 1.2


@dataclass(frozen=True)
class PerExample:
    """value [n], stderr [n] (NaN where an example has no in- or no out-model), mean outside [n], outs [n]."""

    value: np.ndarray
    stderr: np.ndarray
    outside: np.ndarray
    outs: np.ndarray


def memorization(
    values: np.ndarray, masks: np.ndarray, fraction: np.ndarray, binary: bool = False
) -> PerExample:
    """mem(i) from values [r n] (log-odds, or scores with binary=True), masks [r n] and fractions [r]."""
    n = values.shape[1]
    top, weight, variance = np.zeros(n), np.zeros(n), np.zeros(n)
    out_total, outs = np.zeros(n), np.zeros(n)
    pooled = _pooled_variance(values, masks, fraction)
    for f in np.unique(np.round(fraction, 6)):
        rows = np.isclose(fraction, f)
        v, seen = values[rows], masks[rows]
        (k_in, m_in, v_in), (k_out, m_out, v_out) = (_side(v, s, binary, pooled) for s in (seen, ~seen))
        both = (k_in > 0) & (k_out > 0)
        w = np.where(both, k_in * k_out / np.maximum(k_in + k_out, 1), 0.0)
        top += np.where(both, w * (m_in - m_out), 0.0)
        variance += np.where(both, w**2 * (v_in / np.maximum(k_in, 1) + v_out / np.maximum(k_out, 1)), 0.0)
        weight += w
        out_total += np.where(k_out > 0, k_out * np.nan_to_num(m_out), 0.0)
        outs += k_out
    known = weight > 0
    value = np.divide(top, weight, out=np.full(n, np.nan), where=known)
    stderr = np.divide(np.sqrt(variance), weight, out=np.full(n, np.nan), where=known)
    outside = np.divide(out_total, outs, out=np.full(n, np.nan), where=outs > 0)
    return PerExample(value, stderr * (1.0 if binary else _WIDEN), outside, outs.astype(np.int64))


def _side(
    v: np.ndarray, side: np.ndarray, binary: bool, pooled: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count, mean and variance over the replicas of one side, for each example."""
    k = side.sum(0)
    mean = np.divide(np.where(side, v, 0).sum(0), k, out=np.full(k.shape, np.nan), where=k > 0)
    if binary:
        p = (np.nan_to_num(mean) * k + 0.5) / (k + 1)
        return k, mean, p * (1 - p)
    square = np.where(side, (v - np.nan_to_num(mean)) ** 2, 0).sum(0)
    # Few models on this side: lean on the pooled variance, as if it were four further observations.
    return k, mean, (square + 4 * pooled) / np.maximum(k - 1 + 4, 1)


def _pooled_variance(v: np.ndarray, masks: np.ndarray, fraction: np.ndarray) -> float:
    total, freedom = 0.0, 0.0
    for f in np.unique(np.round(fraction, 6)):
        rows = np.isclose(fraction, f)
        for side in (masks[rows], ~masks[rows]):
            k = side.sum(0)
            mean = np.divide(np.where(side, v[rows], 0).sum(0), k, out=np.zeros(k.shape), where=k > 0)
            total += float(np.where(side, (v[rows] - mean) ** 2, 0).sum())
            freedom += float(np.maximum(k - 1, 0).sum())
    return total / freedom if freedom else float(np.var(v))
