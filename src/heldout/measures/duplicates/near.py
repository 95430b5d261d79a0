"""Near twins: pairs of rows far closer than their neighbourhood allows by chance.

Where points lie on D dimensions locally, the nearest of k neighbours comes within a share rho of the k-th
with probability about (k - 1) rho^D. A pair (i, j) is called near where

    d_ij <= min(rho_i s_i, rho_j s_j),   (k - 1) n rho_i^(c D_i) = alpha,   rho_i <= 0.3

with s_i the distance to the k-th neighbour and D_i the dimension estimated from neighbours 4..k of the row
and of its neighbours (Levina and Bickel 2004). So about alpha pairs are expected on a whole clean data set.
Tables with discrete columns break the local picture; a second condition asks that not even among n^2 pairs of
rows with independent columns such closeness be expected. Each group of near twins may hold at most four rows
to be seen whole.

>>> import numpy as np
>>> rows = np.random.default_rng(0).normal(size=(300, 8))
>>> rows[7] = rows[3] + 1e-4
>>> near_rows(rows).tolist()
[[3, 7]]
"""

from __future__ import annotations

import numpy as np

from heldout.core.streams import stream
from heldout.measures.duplicates.neighbours import nearest

NEIGHBOURS = 20
SKIPPED = 3  # copies of copies must not look like a low dimension
ALPHA = 0.01
CHANCE_ALONE = 1e-4  # not ALPHA: a near pair is the best of many trades between columns
DIMENSION_SHARE = 0.8  # c: the estimate of D is trusted to 80%
WIDEST = 0.3
LEAST_ROWS = 40


def near_rows(rows: np.ndarray) -> np.ndarray:
    """Pairs [m 2] (i < j) of near twins among the distinct rows [n d] of a table, features standardized first."""
    spread = rows.std(0)
    rows = rows[:, spread > 0].astype(np.float64)
    if len(rows) < LEAST_ROWS or rows.shape[1] == 0:
        return np.zeros((0, 2), dtype=np.int64)
    points = (rows - rows.mean(0)) / spread[spread > 0]
    if points.shape[1] > 12:
        points = points @ principal_axes(points, min(64, points.shape[1]))
    pairs = near_points(points)[0]
    return np.asarray(pairs[_unexpected(rows, pairs)])


def near_points(
    points: np.ndarray, trust: float = DIMENSION_SHARE, alpha: float = ALPHA
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Near pairs [m 2] by distance alone, reach [n] = rho_i s_i, and the neighbours' distances and indices [n k]."""
    distance, index = nearest(points, NEIGHBOURS)
    reach = closest_by_chance(distance, index, trust, alpha)
    rows, columns = np.nonzero(distance <= np.minimum(reach[:, None], reach[index]))
    return unordered(np.stack([rows, index[rows, columns]], axis=1)), reach, distance, index


def closest_by_chance(distance: np.ndarray, index: np.ndarray, trust: float, alpha: float) -> np.ndarray:
    """rho_i s_i [n]: below it a neighbour is a twin. distance, index [n k] as `nearest` returns them."""
    n, k = distance.shape
    furthest = np.maximum(distance[:, -1], 1e-300)
    inner = np.maximum(distance[:, SKIPPED:-1], 1e-12 * furthest[:, None])
    logs = np.log(furthest[:, None] / inner).mean(1)
    smooth = (logs[index].sum(1) + logs) / (k + 1)
    unit = np.mean([sum(1 / i for i in range(j, k)) for j in range(SKIPPED + 1, k)])  # E logs where D = 1
    dimension = trust * unit / np.maximum(smooth, 1e-9)
    reach: np.ndarray = np.minimum((alpha / (n * (k - 1))) ** (1 / dimension), WIDEST) * furthest
    return reach


def principal_axes(rows: np.ndarray, most: int) -> np.ndarray:
    """Directions [d m] of the `most` widest principal axes of rows [n d], the widest first."""
    d = rows.shape[1]
    sample = rows[:: max(1, len(rows) // 10_000)]
    centred = sample - sample.mean(0)
    if d <= 128:
        return np.asarray(np.linalg.eigh(centred.T @ centred)[1][:, ::-1][:, :most])
    sketch = stream(0, "principal_axes").normal(size=(d, min(d, most + 10))).astype(rows.dtype)
    for _ in range(3):  # subspace iteration
        sketch = np.linalg.qr(centred.T @ (centred @ sketch))[0]
    turn = np.linalg.svd(centred @ sketch, full_matrices=False)[2]
    return np.asarray((sketch @ turn.T)[:, :most])


def unordered(pairs: np.ndarray) -> np.ndarray:
    """Distinct pairs [m 2] with i < j, sorted."""
    if len(pairs) == 0:
        return np.zeros((0, 2), dtype=np.int64)
    return np.unique(np.sort(pairs, axis=1), axis=0)


def _unexpected(rows: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """[m] bool: n^2 prod_j P(a row lies so near in column j) < 1e-4, the columns taken as independent."""
    n = len(rows)
    first, second = rows[pairs[:, 0]], rows[pairs[:, 1]]
    expected = np.full(len(pairs), 2 * np.log(n))
    for j in range(rows.shape[1]):
        ordered = np.sort(rows[:, j])
        gap = np.abs(first[:, j] - second[:, j])
        below = np.searchsorted(ordered, first[:, j] - gap, "left")
        inside = np.searchsorted(ordered, first[:, j] + gap, "right") - below
        expected += np.log(np.maximum(inside - 1, 1) / (n - 1))
    return np.asarray(expected < np.log(CHANCE_ALONE))
