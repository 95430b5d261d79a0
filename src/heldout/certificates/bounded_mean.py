"""An upper bound on the mean of independent losses in [0, 1], by betting against every mean that is too large.

For a candidate mean m a gambler's capital is K_t(m) = prod_{i<=t} (1 - l_i(m) (x_i - m)), the bets l_i(m) =
min(sqrt(2 ln(1/delta)/(n s_{i-1}^2)), c/(1 - m)) fixed by the losses before i, with s_0^2 = 1/4 and s_i^2 =
(1/4 + sum_{j<=i} (x_j - xbar_j)^2)/(i + 1), xbar_j = (1/2 + sum_{h<=j} x_h)/(j + 1). At m = the true mean K
is a martingale from 1 that never turns negative, so it reaches 1/delta with probability at most delta
(Ville 1939). It grows with m, so the means never beaten are those below one root: the bound, returned from
outside. Waudby-Smith & Ramdas (2024), J. R. Stat. Soc. B 86, 1-27. The losses are shuffled first by a fixed
stream, so that the order in which they come (sorted, say) does not matter. Where spread is small it is far
tighter than Hoeffding's.

>>> import numpy as np
>>> x = np.linspace(0.2, 0.3, 2000)
>>> bound = betting_upper(x, 0.05)
>>> bool(0.25 < bound < 0.2525)                                  # Hoeffding: .25 + .0274
True
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from heldout.certificates.outward import check_delta, floats
from heldout.core.errors import InputError

BET = 0.75


def betting_upper(losses: Any, delta: float) -> float:
    """The bound above for `losses` [n] in [0, 1], independent and alike, at failure probability `delta`.

    Never below the sample mean, at most 1. Errors: no losses, NaN, values outside [0, 1].
    """
    x = floats(losses)
    if x.ndim != 1 or len(x) == 0 or not ((x >= 0) & (x <= 1)).all():
        raise InputError("losses are empty, not [n], NaN or outside [0, 1]", "give one loss in [0, 1] a row")
    check_delta(delta)
    n = len(x)
    x = np.random.Generator(np.random.Philox(0)).permutation(x)
    steps = np.arange(1, n + 1)
    running = (0.5 + np.cumsum(x)) / (steps + 1)
    spread = (0.25 + np.cumsum((x - running) ** 2)) / (steps + 1)
    before = np.concatenate([[0.25], spread[:-1]])
    goal = -math.log(delta)
    bets = np.sqrt(2.0 * goal / (n * before))

    def beaten(m: float) -> bool:
        capital = np.cumsum(np.log1p(-np.minimum(bets, BET / (1.0 - m)) * (x - m)))
        # The slack covers the rounding of the sum: a mean counted as beaten is beaten.
        return float(capital.max()) >= goal + 1e-12 * n

    low, high = float(x.mean()), 1.0
    while high - low > 1e-12:
        middle = 0.5 * (low + high)
        if beaten(middle):
            high = middle
        else:
            low = middle
    return high
