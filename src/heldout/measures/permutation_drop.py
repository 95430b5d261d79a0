"""How much the score falls when a feature of the test rows is permuted: what the model needs this feature for.

    drop_g = mean_i s(f(x_i), y_i) - mean over permutations and i of s(f(x_i with columns g from another row), y_i)

Columns of one group are permuted together, so that copies of a feature cannot stand in for each other (Fisher, Rudin,
Dominici 2019). The level of each interval pays for the number of groups.

>>> import torch
>>> x = torch.randn(400, 3, generator=torch.Generator().manual_seed(0))
>>> y = (x[:, 0] > 0).long()
>>> right = lambda out, y: (out == y).double()
>>> found = permutation_drop(lambda x: (x[:, 0] > 0).long(), x, y, right, [(0,), (1, 2)], seed=0)
>>> round(float(found[0].value), 1), float(found[1].value)
(0.5, 0.0)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from torch import Tensor, from_numpy

from heldout.core.batch import leaves
from heldout.core.errors import Withheld
from heldout.core.estimate import Estimate
from heldout.core.streams import stream
from heldout.stats.mean_interval import paired_difference

MOST_GROUPS = 30


def permutation_drop(
    predict: Callable[[Any], Tensor],
    x: Any,
    y: Tensor,
    score: Callable[[Tensor, Tensor], Tensor],
    groups: Sequence[tuple[int, ...]],
    seed: int,
    repeats: int = 3,
    clusters: np.ndarray | None = None,
) -> list[Estimate]:
    """Drop in mean score [0, 1] for each of at most 30 groups of columns of x [n ...], columns counted in x flattened.

    predict: inputs -> outputs; score: (outputs, y) -> [n] in [0, 1]; clusters [n]: rows that depend on each other.
    Costs 1 + repeats x groups passes over x. Raises `Withheld` where x is not one tensor of numbers.
    """
    parts = leaves(x)
    if len(parts) != 1 or not parts[0].is_floating_point():
        raise Withheld("features are permuted where the input is one tensor of real numbers")
    if len(groups) > MOST_GROUPS:
        raise Withheld(f"{len(groups)} groups of features: at most {MOST_GROUPS} are permuted")
    inputs, n = parts[0], len(y)
    whole = _scores(predict(x), y, score)
    level = 1 - 0.05 / max(1, len(groups))
    found = []
    for number, columns in enumerate(groups):
        rng = stream(seed, "permutation_drop", number)
        broken = np.zeros(n)
        for _ in range(repeats):
            changed = inputs.reshape(n, -1).clone()
            order = from_numpy(rng.permutation(n))
            for column in columns:
                changed[:, column] = changed[order, column]
            broken += _scores(predict(_like(x, changed.reshape(inputs.shape))), y, score) / repeats
        drop = paired_difference(
            whole, broken, clusters, level=level, rng=stream(seed, "drop interval", number)
        )
        found.append(Estimate.of(drop))
    return found


def _scores(outputs: Tensor, y: Tensor, score: Callable[[Tensor, Tensor], Tensor]) -> np.ndarray:
    return np.asarray(score(outputs, y).detach().cpu().double().numpy())


def _like(x: Any, changed: Tensor) -> Any:
    if isinstance(x, dict):
        return {key: changed for key in x}
    return (changed,) if isinstance(x, (tuple, list)) else changed
