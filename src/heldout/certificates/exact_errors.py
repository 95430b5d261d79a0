"""Whether a linear model with whole-number weights is right about a row, decided exactly, so that two machines agree.

Class y leads class j by x . (theta_y - theta_j), computed in float64 with an error of at most (D + 5) 2^-52 |x| . |theta_y -
theta_j| in whatever order the terms are added (Higham 2002, "Accuracy and stability of numerical algorithms", 3.1). A lead within
that of zero, or one that overflows, is computed again in rational numbers; a tie is an error.

>>> count_errors(np.array([[1], [-1], [0]]), np.array([[0.3, 0.1], [0.1, 0.1]]), np.array([1, 1])).tolist()
[False, True]
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray


def count_errors(theta: NDArray[np.int64], x: NDArray[np.float64], y: NDArray[np.int64]) -> NDArray[np.bool_]:
    """[n] True where row i is not strictly right: some other class scores at least as much as y. Exact.

    theta [D + 1, m] whole numbers; m = 1 scores class 1 against 0.
    """
    if theta.shape[1] == 1:
        theta = np.hstack([np.zeros_like(theta), theta])
    rows = np.hstack([x, np.ones((len(x), 1))])
    wrong = np.zeros(len(y), dtype=bool)
    unit = (rows.shape[1] + 4) * 2.0**-52
    for label in np.unique(y):
        mine = np.flatnonzero(y == label)
        lead = np.delete(theta[:, [label]] - theta, label, axis=1)
        with np.errstate(over="ignore", invalid="ignore"):
            gap = rows[mine] @ lead.astype(np.float64)
            size = np.abs(rows[mine]) @ np.abs(lead).astype(np.float64)
        # Not `gap <= ...`: a score that overflows to NaN must be in doubt too.
        doubt = ~(np.abs(gap) > unit * size)
        doubt &= (lead != 0).any(axis=0)  # equal weights are a tie whatever the row: gap is 0 exactly
        wrong[mine] = ((gap <= 0) & ~doubt).any(axis=1)
        for i in mine[doubt.any(axis=1) & ~wrong[mine]]:
            wrong[i] = any(_exact(rows[i], lead[:, j]) <= 0 for j in np.flatnonzero(doubt[mine == i][0]))
    return wrong


def _exact(row: NDArray[np.float64], weights: NDArray[np.int64]) -> Fraction:
    return sum((Fraction(float(a)) * int(w) for a, w in zip(row, weights) if w and a), Fraction(0))
