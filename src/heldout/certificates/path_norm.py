"""The path norm of a ReLU net, and the Rademacher bound that goes with it.

For layers W_1 ... W_L without offsets, phi = sum over all paths of the product of |weights| = ||  |W_L| ... |W_1| 1 ||_1.
A net with one output and phi <= B on inputs with max |x_i| <= X has Rademacher complexity at most
2^(L-1) B X sqrt(2 ln(2D)/n), D the number of inputs (Neyshabur, Tomioka & Srebro 2015, PMLR 40, 1376, cor. 7);
divided by the margin, doubled, it is the gap of `rademacher`. Vacuous for nets in use.

>>> path_norm([np.array([[1.0, -2.0], [0.5, 0.0]]), np.array([[1.0, 2.0]])])
4.0
>>> round(path_gap(1437, path_norm=4.0, layers=2, inputs=2, largest_input=1.0, margin=1.0, delta=0.05), 4)
0.7351
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from heldout.certificates.outward import check_count, check_delta, check_mean, check_size, shown, up
from heldout.core.errors import InputError


def path_norm(weights: Sequence[np.ndarray]) -> float:
    """phi of the layers' weights, each [outputs, inputs], first layer first. Errors: shapes that do not chain."""
    if len(weights) == 0:
        raise InputError("no layers", "give the weight matrix of each layer, first layer first")
    reach = np.ones(weights[0].shape[1])
    for w in weights:
        if w.ndim != 2 or w.shape[1] != len(reach):
            raise InputError(
                f"a layer of shape {w.shape} after {len(reach)} outputs",
                "give [outputs, inputs] of each layer, first layer first",
            )
        reach = np.abs(w) @ reach
    return float(reach.sum())


def path_gap(
    n: int, path_norm: float, layers: int, inputs: int, largest_input: float, margin: float, delta: float
) -> float:
    """What is added to the share of rows below the margin, rounded up; may exceed 1. B fixed before the rows."""
    check_delta(delta)
    check_mean(0.0, n)
    check_size(path_norm, "a path norm", "give a number of at least 0")
    check_size(largest_input, "a largest input", "give a number of at least 0")
    check_size(margin, "a margin", "give a positive number", positive=True)
    check_count(inputs, "inputs", "give the number of inputs")
    if not 1 <= layers <= 1000 or layers != int(layers):
        raise InputError(f"{shown(layers)} layers", "give the number of layers, 1 to 1000")
    complexity = 2.0 ** (layers - 1) * path_norm * largest_input * math.sqrt(2 * math.log(2 * inputs) / n)
    return up(2 * complexity / margin + math.sqrt(-math.log(delta) / (2 * n)))
