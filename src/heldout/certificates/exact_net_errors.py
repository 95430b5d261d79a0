"""Whether a net with whole-number weights is right about a row, decided exactly, so that two machines agree.

Every weight, hidden value and score is a whole number (`codes.net_code`). Where no sum of sizes reaches 2^53 the products
are computed in float64, in which such sums are exact in any order; else in whole numbers of any length. A tie is an error.

>>> net = QuantizedNet(16, 0, 8, 3, (1, 0, -1, 1) * 4)
>>> x = np.array([[3.0, 1.0], [-2.0, 5.0]])
>>> count_net_errors(net, x, np.array([0, 1]), 2).tolist() == count_net_errors(net, x * 1.0, np.array([0, 1]), 2, most=0).tolist()
True
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from heldout.codes.net_code import QuantizedNet

EXACT = 2.0**53


def count_net_errors(
    net: QuantizedNet, x: NDArray[np.float64], y: NDArray[np.int64], classes: int, most: float = EXACT
) -> NDArray[np.bool_]:
    """[n] True where some other class scores at least as much as y. `most`: up to which size float64 is used."""
    first, second = (part @ np.array(net.values, dtype=np.int64) for part in net.spans(x.shape[1], classes))
    behind, bend = net.constants(x.shape[1])
    hidden = _layer(net.whole(x), first, behind, most)
    scores = _layer(np.maximum(hidden, 0), second, bend, most)
    mine = np.take_along_axis(scores, y[:, None], 1)
    others = scores >= mine
    np.put_along_axis(others, y[:, None], False, 1)
    return np.asarray(others.any(axis=1), dtype=bool)


def _layer(rows: NDArray[Any], weights: NDArray[np.int64], constant: int, most: float) -> NDArray[Any]:
    """[rows, constant] @ weights, exactly, whatever the size."""
    behind = np.full((len(rows), 1), constant)
    # Below half of 2^53 the bound itself is right to far better than a factor of 2.
    size = np.abs(np.hstack([rows, behind]).astype(np.float64)) @ np.abs(weights).astype(np.float64)
    if not len(rows) or 2.0 * float(size.max()) < most:
        return np.asarray(np.hstack([rows, behind]).astype(np.float64) @ weights.astype(np.float64))
    whole = np.hstack(
        [np.array([[int(v) for v in row] for row in rows], dtype=object), behind.astype(object)]
    )
    return np.asarray(whole @ weights.astype(object))
