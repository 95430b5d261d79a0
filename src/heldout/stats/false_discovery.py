"""False discoveries: conformal p-values, the Benjamini-Hochberg rule, and the fraction of nulls.

p_i = (1 + #{calibration scores <= s_i}) / (m + 1): under exchangeability of s_i with the m calibration
scores, P(p_i <= u) <= u; ties count against a discovery (Vovk et al. 2005). Benjamini & Hochberg (1995):
reject the largest k with p_(k) <= q k / n; E[false / rejected] <= q times the fraction of nulls, also for
conformal p-values that share their calibration scores (Bates et al. 2023, Ann. Stat. 51, 149-178). The
smallest possible p is 1/(m + 1): of n rows nothing can be listed unless at least n/(q (m + 1)) are.

>>> import numpy as np
>>> p = conformal_p_values(np.array([-3.0, 0.5]), np.array([-1.0, 0.0, 0.5, 2.0]))
>>> p
array([0.2, 0.8])
>>> benjamini_hochberg([0.01, 0.04, 0.03, 0.9], q=0.05)
array([ True, False, False, False])
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from heldout.stats.clusters import Floats, finite_vector, same_length


def benjamini_hochberg(p: Any, q: float) -> NDArray[np.bool_]:
    """Which of the hypotheses with p-values `p` [n] are rejected at false discovery rate `q`: [n] bool.

    Errors: p outside [0, 1] or NaN, q outside (0, 1). No p-values: an empty mask.

    >>> int(benjamini_hochberg(np.linspace(0.001, 1, 1000), q=0.05).sum())
    0
    """
    values = _p_values(p)
    if not 0.0 < q < 1.0:
        raise ValueError(f"q is {q}; give a false discovery rate between 0 and 1, such as 0.05")
    n = len(values)
    order = np.sort(values)
    below = np.flatnonzero(order <= q * np.arange(1, n + 1) / max(n, 1))
    return values <= (order[below[-1]] if len(below) else -1.0)


def storey_null_fraction(p: Any, threshold: float = 0.5) -> float:
    """Storey's (2002) estimate of the fraction of true nulls, min(1, (1 + #{p > t})/(n (1 - t))); NaN where n is 0.

    Biased upward (the fraction of non-nulls is understated), by 1/(n (1 - t)) under the null.

    >>> storey_null_fraction([0.001] * 500 + [0.6] * 249, threshold=0.5)
    0.6675567423230975
    """
    values = _p_values(p)
    if not 0.0 < threshold < 1.0:
        raise ValueError(f"threshold is {threshold}; give a number between 0 and 1, such as 0.5")
    if len(values) == 0:
        return float("nan")
    return float(min(1.0, (1 + (values > threshold).sum()) / (len(values) * (1 - threshold))))


def conformal_p_values(scores: Any, calibration: Any, fold: Any | None = None) -> Floats:
    """The p-value of each score [n] against calibration scores; low scores are the suspicious ones. Returns [n].

    `calibration` [m]: one set for all (one model scored both). `calibration` [k m] with `fold` [n] in
    0..k-1: example i was left out by fold model fold[i], and row fold[i] holds what that same model gives
    the m calibration examples. Each p is valid for its own example; measured false discovery rate in the
    tests. Errors: NaN, no calibration scores, fold out of range.

    >>> conformal_p_values([0.0, 0.0], [[-1.0, 1.0, 2.0], [1.0, 2.0, 3.0]], fold=[0, 1])
    array([0.5 , 0.25])
    """
    s = finite_vector("scores", scores)
    rows = np.asarray(calibration, dtype=np.float64)
    if fold is None:
        column = np.sort(finite_vector("calibration", rows))
        if len(column) == 0:
            raise ValueError(
                "no calibration scores; give the scores of a test set that was used for no choice"
            )
        at_or_below = np.searchsorted(column, s, side="right").astype(np.float64)
        return (1.0 + at_or_below) / (len(column) + 1.0)
    if rows.ndim != 2 or rows.shape[1] == 0:
        raise ValueError(f"calibration has shape {rows.shape}; with folds give one row a fold model, [k m]")
    member = np.asarray(fold)
    same_length(len(s), fold=member)
    if len(member) and (member.min() < 0 or member.max() >= len(rows)):
        raise ValueError(f"fold holds {member.min()}..{member.max()} and calibration has {len(rows)} rows")
    p = np.empty(len(s))
    for k, row in enumerate(rows):
        p[member == k] = conformal_p_values(s[member == k], row)
    return p


def _p_values(p: Any) -> Floats:
    values = finite_vector("p", p)
    if len(values) and (values.min() < 0 or values.max() > 1):
        raise ValueError("p-values lie outside [0, 1]; give probabilities")
    return values
