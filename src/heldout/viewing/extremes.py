"""Fewer points that keep the extremes: of each stretch of a series its least and greatest value, and a gap where it had one.

    rows [n] -> kept rows [<= 3 points + 2], ascending; the first and the last row are always kept

Stretches have equal numbers of rows, so that a series whose x repeats or jumps back (a resumed run, a clock that was
set) loses nothing. A spike of one row in a million stays.

>>> y = np.zeros(1_000_000); y[123_456] = 9.0; y[777_777] = np.nan
>>> rows = extremes(y, 500)
>>> len(rows) <= 1502, 123_456 in rows, 777_777 in rows
(True, True, True)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def extremes(y: NDArray[np.float64], points: int) -> NDArray[np.int64]:
    """The row numbers to draw of a series `y` [n], NaN where it has no value, in `points` stretches; all where n <= 2 points."""
    n = len(y)
    if n <= 2 * points:
        return np.arange(n, dtype=np.int64)
    starts = np.linspace(0, n, points, endpoint=False).astype(np.int64)
    stretch = np.repeat(np.arange(points), np.diff(np.append(starts, n)))
    missing = ~np.isfinite(y)
    kept = [np.array([0, n - 1])]
    for worst, reduce in ((np.inf, np.minimum), (-np.inf, np.maximum)):
        filled = np.where(missing, worst, y)
        found = np.flatnonzero((filled == reduce.reduceat(filled, starts)[stretch]) & ~missing)
        kept.append(found[np.unique(stretch[found], return_index=True)[1]])
    gaps = np.flatnonzero(missing)
    kept.append(gaps[np.unique(stretch[gaps], return_index=True)[1]])
    return np.unique(np.concatenate(kept)).astype(np.int64)
