"""How often a measure orders two models wrongly, in the environment where it does so most.

An environment is a hyper-parameter i that changes from v to w while all others stay: pairs (a, b) of such models have
the error (1 - sgn(mu_a - mu_b) sgn(g_a - g_b)) / 2. A gap measured on n test rows resolves a difference d no better than
    weight = max(0, 1 - 2 exp(-2 n (d / 2)^2))^2                        (Hoeffding, both models)
and pairs count by (weight - 1/2)_+. An environment whose effective number of pairs, (sum w)^2 / sum w^2, is below 12 cannot
be judged. The score is the largest mean error over the others (Dziugaite et al. 2020, "In search of robust measures of
generalization", NeurIPS): 0 never wrong, 1/2 a coin, 1 always wrong somewhere.

>>> round(float(pair_weight(0.02, 10_000)), 6), round(float(pair_weight(0.15, 360)), 6)
(0.531921, 0.931525)
>>> grid = [[0, 0], [0, 1], [1, 0], [1, 1]]
>>> mu, g = [1, 2, 3, 4], [.1, .2, .15, .05]
>>> found = sign_error(mu, g, grid, n_test=10**9, least=1)
>>> round(all_pairs_error(mu, g), 4), found.mean, found.worst
(0.6667, 0.5, 0.5)
>>> sign_error(mu, g, grid, n_test=360).status
'cannot be judged: the gaps of no environment are resolved (360 test rows, 12 effective pairs needed)'
"""

from __future__ import annotations

import itertools
import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from heldout.stats.kendall_granulated import checked_models


class Environment(NamedTuple):
    """Hyper-parameter `axis` from code `low` to code `high`: mean error (NaN: not judged) and effective pairs."""

    axis: int
    low: int
    high: int
    error: float
    effective: float


class SignError(NamedTuple):
    """The largest and the mean error over the judged environments, all environments, and "ok" or why nothing is said."""

    worst: float
    mean: float
    environments: tuple[Environment, ...]
    status: str

    @property
    def judged(self) -> int:
        """Number of environments that could be judged."""
        return sum(not math.isnan(e.error) for e in self.environments)


def sign_error(measure: Any, gap: Any, grid: Any, n_test: Any, least: float = 12.0) -> SignError:
    """Scores of measure [n] against gap [n] over grid [n h]; n_test: test rows behind each gap, a number or [n].

    With different numbers of test rows the smaller one of a pair counts.
    """
    mu, g, points = checked_models(measure, gap, grid)
    rows = np.broadcast_to(np.asarray(n_test, dtype=np.float64), mu.shape)
    if not (rows >= 1).all():
        raise ValueError(
            f"n_test runs from {rows.min()}; give the number of test rows behind each gap, at least 1"
        )
    agree = np.sign(mu[:, None] - mu) * np.sign(g[:, None] - g)
    weight = np.maximum(pair_weight(g[:, None] - g, np.minimum(rows[:, None], rows)) - 0.5, 0.0)
    found = []
    for axis in range(points.shape[1]):
        rest = np.delete(points, axis, axis=1)
        same = (rest[:, None] == rest).all(axis=2)
        for low, high in itertools.combinations(np.unique(points[:, axis]).tolist(), 2):
            chosen = same & (points[:, axis] == low)[:, None] & (points[:, axis] == high)
            found.append(_environment(axis, low, high, weight[chosen], (1 - agree[chosen]) / 2, least))
    errors = [e.error for e in found if not math.isnan(e.error)]
    if not errors:
        reason = f"cannot be judged: the gaps of no environment are resolved ({rows.min():.0f} test rows, {least:g} effective pairs needed)"
        return SignError(math.nan, math.nan, tuple(found), reason)
    return SignError(max(errors), float(np.mean(errors)), tuple(found), "ok")


def pair_weight(difference: Any, n_test: Any) -> NDArray[np.float64]:
    """Confidence in [0, 1) that a difference of two gaps, each measured on n_test rows, has its sign."""
    d = np.asarray(difference, dtype=np.float64)
    return np.asarray(np.maximum(0.0, 1 - 2 * np.exp(-2 * n_test * (d / 2) ** 2)) ** 2)


def all_pairs_error(measure: Any, gap: Any) -> float:
    """The plain mean error over all pairs of models, (1 - tau) / 2."""
    mu, g = np.asarray(measure, dtype=np.float64), np.asarray(gap, dtype=np.float64)
    a, b = np.triu_indices(len(mu), 1)
    return float((1 - np.sign(mu[a] - mu[b]) * np.sign(g[a] - g[b])).mean() / 2)


def _environment(
    axis: int, low: int, high: int, w: NDArray[np.float64], errors: NDArray[np.float64], least: float
) -> Environment:
    total = float(w.sum())
    effective = total**2 / float((w**2).sum()) if total > 0 else 0.0
    # A hair below, since the sum of equal weights is rounded.
    judged = effective >= least * (1 - 1e-9) and total > 0
    return Environment(axis, low, high, float((w * errors).sum() / total) if judged else math.nan, effective)
