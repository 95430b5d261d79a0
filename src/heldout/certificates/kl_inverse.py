"""The inverse of the Bernoulli relative entropy, vectorized and rounded outward.

    kl(q|p) = q ln(q/p) + (1 - q) ln((1 - q)/(1 - p)),   upper(q, c) = max {p >= q : kl(q|p) <= c}

In the logit t of p, kl is softplus(t) - q t - H(q): convex with slope p - q. Newton's steps from above the
root stay above it, and start at the least of three upper bounds: q + c + sqrt(c^2 + 2qc), Pinsker's
q + sqrt(c/2), 1 - exp(-(c + H)/(1 - q)). What comes out is then checked: kl there must exceed c by more than
the rounding of kl itself, or p is moved outward until it does. So an upper end is never below the true
inverse, a lower end never above it. Langford & Seeger 2001, CMU-CS-01-102.

>>> round(kl_inverse_upper(0.0, np.log(2)), 12)                              # kl(0|p) = -ln(1 - p)
0.5
>>> kl_inverse_upper(np.array([0.02, 0.1]), 0.05).round(6)
array([0.098572, 0.220079])
>>> round(kl_inverse_lower(0.24, np.log(40) / 800), 8)                     # Langford's program: 0.20065891277
0.20065891
"""

from __future__ import annotations

from typing import Any, overload

import numpy as np

from heldout.certificates.outward import floats
from heldout.core.errors import InputError

# Twice what the logarithms, the quotient and the sums of kl can lose, in units of the terms' sizes.
SLACK = 2e-15
CHUNK = 8192  # the arrays of one chunk stay in the cache


@overload
def kl_inverse_upper(q: float, c: float) -> float: ...
@overload
def kl_inverse_upper(q: np.ndarray, c: Any) -> np.ndarray: ...
@overload
def kl_inverse_upper(q: float, c: np.ndarray) -> np.ndarray: ...
def kl_inverse_upper(q: Any, c: Any) -> Any:
    """max {p >= q : kl(q|p) <= c}, c >= 0 in nats, rounded up; 1 where every p qualifies. Broadcasts.

    Errors: q outside [0, 1], c negative or NaN.
    """
    return _inverse(q, c, upper=True)


@overload
def kl_inverse_lower(q: float, c: float) -> float: ...
@overload
def kl_inverse_lower(q: np.ndarray, c: Any) -> np.ndarray: ...
@overload
def kl_inverse_lower(q: float, c: np.ndarray) -> np.ndarray: ...
def kl_inverse_lower(q: Any, c: Any) -> Any:
    """min {p <= q : kl(q|p) <= c}, rounded down; 0 where every p qualifies."""
    return _inverse(q, c, upper=False)


def _inverse(q: Any, c: Any, upper: bool) -> Any:
    q_in, c_in = floats(q, "means"), floats(c, "budgets")
    good = (q_in >= 0.0) & (q_in <= 1.0) & (c_in >= 0.0)
    if not good.all():
        where = np.flatnonzero(~good)[0]
        qs, cs = (np.broadcast_to(v, good.shape).ravel()[where] for v in (q_in, c_in))
        raise InputError(
            f"q = {qs:g}, c = {cs:g}", "give a mean q in [0, 1] and a budget c of at least 0 nats"
        )
    shape = good.shape
    qs, cs = (np.broadcast_to(v, shape).ravel() for v in (q_in, c_in))
    out = np.empty(len(qs))
    with np.errstate(all="ignore"):  # ends of the range pass through inf and NaN and are set at the end
        for start in range(0, len(qs), CHUNK):
            part = slice(start, start + CHUNK)
            out[part] = _chunk(qs[part], cs[part], upper)
    return float(out[0]) if shape == () else out.reshape(shape)


def _chunk(q: np.ndarray, c: np.ndarray, upper: bool) -> np.ndarray:
    t = _newton(q, 1.0 - q, c) if upper else _newton(1.0 - q, q, c)
    # sigmoid of t (or of -t), without loss at either end
    small = np.exp(-np.abs(t))
    p = np.where((t >= 0.0) == upper, 1.0, small) / (1.0 + small)
    end = 1.0 if upper else 0.0
    p = np.where(q == end, end, np.maximum(p, q) if upper else np.minimum(p, q))
    p = np.where(np.isnan(p) | (p < 1e-300 if not upper else p >= 1.0), end, p)
    left = np.flatnonzero(p != end)
    step = np.spacing(p)
    while len(left):  # doubling steps reach the end of the range from anywhere
        kl, size = _kl(q[left], p[left])
        left = left[~(kl > c[left] + SLACK * (size + c[left]))]
        moved = np.minimum(p[left] + step[left], 1.0) if upper else np.maximum(p[left] - step[left], 0.0)
        p[left] = np.where(moved < 1e-300, 0.0, moved)
        step[left] *= 2.0
        left = left[p[left] != end]
    return p


def _newton(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """The logit t >= logit(a) with softplus(t) - a t = c + H(a), b = 1 - a, from above."""
    entropy = -np.where(a > 0, a * np.log(a), 0.0) - np.where(b > 0, b * np.log(b), 0.0)
    budget = c + 2.0 * SLACK * (2.0 + 40.0 * (c > 1) + c)
    goal = budget + entropy
    far = goal / b
    t_far = far + np.log(-np.expm1(-far))
    gap = np.minimum(budget + np.sqrt(budget * (budget + 2.0 * a)), np.sqrt(0.5 * budget))
    t_near = np.where(b > gap, np.log((a + gap) / (b - gap)), np.inf)
    least = np.log(a / b)
    t = np.minimum(t_far, t_near)
    for _ in range(12):
        small = np.exp(-np.abs(t))
        slope = np.where(t >= 0.0, 1.0, small) / (1.0 + small) - a
        step = (np.maximum(t, 0.0) + np.log1p(small) - a * t - goal) / slope
        step = np.where(np.isfinite(step), step, 0.0)
        t = np.maximum(t - step, least)
        if float(np.abs(step).max()) < 1e-9:  # quadratic convergence: the next step would be below rounding
            break
    return t


def _kl(q: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """kl(q|p) in nats, and the size of the terms that its rounding error is proportional to."""
    first = np.where(q > 0, q * np.log(q / p), 0.0)
    log_q, log_p = np.where(q < 1, np.log1p(-q), 0.0), np.log1p(-p)
    rest = 1.0 - q
    second = np.where(q < 1, rest * (log_q - log_p), 0.0)
    size = q + np.abs(first) + rest * (np.abs(log_q) + np.abs(log_p))
    return first + second, np.where(q < 1, size, q + np.abs(first))
