"""How much the order of two models by a measure tells about the order of their gaps, once hyper-parameters are known.

Over ordered pairs (a, b) of models with different gaps, V_mu = sgn(mu_a - mu_b), V_g = sgn(g_a - g_b), and U_S the values that the
hyper-parameters in S have in a and in b:
    K = min over |S| <= 2 of  I(V_mu; V_g | U_S) / H(V_g | U_S)
(Jiang et al. 2020). S for which the hyper-parameters alone settle the order, H = 0, say nothing and are left out. The
information is that of the pairs at hand: few pairs in a cell make it too large, and `pairs` tells how many there were on average.

>>> grid = [[0, 0], [0, 1], [1, 0], [1, 1]]
>>> mu, g = [1, 2, 3, 4], [.1, .2, .15, .05]
>>> found = conditional_mutual_information(mu, g, grid, largest=0)
>>> round(found.value, 6), round(found.information[()], 6), found.entropy[()]
(0.081704, 0.081704, 1.0)
"""

from __future__ import annotations

import itertools
import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from heldout.stats.kendall_granulated import checked_models


class Conditional(NamedTuple):
    """The smallest normalized information and its S, NaN and () where no S can be judged; bits and pairs a cell by S."""

    value: float
    given: tuple[int, ...]
    information: dict[tuple[int, ...], float]
    entropy: dict[tuple[int, ...], float]
    pairs: dict[tuple[int, ...], float]


def conditional_mutual_information(measure: Any, gap: Any, grid: Any, largest: int = 2) -> Conditional:
    """K of measure [n] and gap [n] over a grid [n h], S running over all sets of up to `largest` hyper-parameters."""
    mu, g, points = checked_models(measure, gap, grid)
    if largest < 0:
        raise ValueError(f"sets of {largest} hyper-parameters; give 0, 1 or 2")
    a, b = np.nonzero(~np.eye(len(mu), dtype=bool) & (g[:, None] != g))
    if not len(a):
        return Conditional(math.nan, (), {}, {}, {})
    v_mu, v_g = np.sign(mu[a] - mu[b]).astype(int), np.sign(g[a] - g[b]).astype(int)
    information: dict[tuple[int, ...], float] = {}
    entropy: dict[tuple[int, ...], float] = {}
    pairs: dict[tuple[int, ...], float] = {}
    best, chosen = math.nan, tuple[int, ...]()
    for size in range(min(largest, points.shape[1]) + 1):
        for given in itertools.combinations(range(points.shape[1]), size):
            known = np.concatenate([points[a][:, given], points[b][:, given]], axis=1)
            cells = (
                np.unique(known, axis=0, return_inverse=True)[1].ravel() if size else np.zeros(len(a), int)
            )
            h_g = _entropy(cells, v_g) - _entropy(cells)
            # I(mu; g | U) = H(g | U) + H(mu | U) - H(mu, g | U)
            i = h_g + _entropy(cells, v_mu) - _entropy(cells, v_mu, v_g)
            information[given], entropy[given] = max(0.0, i), max(0.0, h_g)
            pairs[given] = len(a) / (int(cells.max()) + 1)
            if h_g > 1e-12 and not information[given] / h_g >= best:
                best, chosen = information[given] / h_g, given
    return Conditional(best, chosen, information, entropy, pairs)


def _entropy(*columns: NDArray[np.int64]) -> float:
    """Entropy in bits of the joint values of columns [k]."""
    counts = np.unique(np.stack(columns, axis=1), axis=0, return_counts=True)[1]
    share = counts / counts.sum()
    return float(-(share * np.log2(share)).sum())
