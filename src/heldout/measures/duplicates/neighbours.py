"""The k nearest other rows of every row, in blocks, with a stated cost cap.

>>> import numpy as np
>>> distance, index = nearest(np.array([[0.0], [1.0], [10.0]]), 1)
>>> distance[:, 0].tolist(), index[:, 0].tolist()
([1.0, 1.0, 9.0], [1, 0, 1])
"""

from __future__ import annotations

import numpy as np

EXACT_COST = 4e10  # n^2 d up to which all pairs are compared (a few seconds on one thread)
TREE_AXES = 6
CANDIDATES = 40


def nearest(points: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Euclidean distances [n k], ascending, and indices [n k] of the k nearest other rows of points [n d].

    Above EXACT_COST the candidates come from a k-d tree on the first 6 axes, so pass points turned to their principal
    axes there: a near twin is near on every axis, while the k-th distance can come out a little large.
    """
    points = np.ascontiguousarray(points, dtype=np.float32)
    n, d = points.shape
    k = min(k, n - 1)
    if float(n) * n * d <= EXACT_COST:
        index = _all_pairs(points, k)
    else:
        index = _by_tree(points, max(k, min(CANDIDATES, n - 1)))
    return _ranked(points, index, k)


def _all_pairs(points: np.ndarray, k: int) -> np.ndarray:
    n = len(points)
    square = np.einsum("ij,ij->i", points, points)
    index = np.empty((n, k), dtype=np.int64)
    step = max(1, int(3e7) // n)
    for start in range(0, n, step):
        rows = np.arange(start, min(n, start + step))
        gap = square[None, :] - 2.0 * points[rows] @ points.T
        gap[np.arange(len(rows)), rows] = np.inf
        index[rows] = np.argpartition(gap, k - 1, axis=1)[:, :k]
    return index


def _by_tree(points: np.ndarray, k: int) -> np.ndarray:
    from scipy.spatial import cKDTree

    axes = points[:, :TREE_AXES].astype(np.float64)
    found = cKDTree(axes).query(axes, k=k + 1)[1]
    own = np.arange(len(points))[:, None]
    spare = np.where((found == own).any(1), (found == own).argmax(1), k)  # a row may miss itself among ties
    keep = np.arange(k + 1)[None, :] != spare[:, None]
    return np.asarray(found[keep]).reshape(len(points), k)


def _ranked(points: np.ndarray, index: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    distance = np.empty(index.shape, dtype=np.float64)
    step = max(1, int(3e7) // (points.shape[1] * index.shape[1]))
    for start in range(0, len(points), step):
        block = slice(start, start + step)
        gap = points[index[block]] - points[block, None, :]
        distance[block] = np.sqrt(np.einsum("nkd,nkd->nk", gap, gap, dtype=np.float64))
    order = np.argsort(distance, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(distance, order, 1), np.take_along_axis(index, order, 1)
