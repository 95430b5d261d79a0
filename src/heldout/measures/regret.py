"""Regret along training: the bits that learning itself cost, the area of the loss curve above where it ended.

Each example is coded by the model as it was before it saw the example, loss_t(theta_{t-1}) nats; with theta_T at the end it would
have cost loss_t(theta_T). The sum of the differences is what the receiver, who trains alongside, was sent beyond the
labels by the final model: the information about the model (Dawid 1984; Rissanen 1986). In one pass over n examples
    regret_t = sum_{s <= t} [loss_s(theta_{s-1}) - loss_s(theta_T)] / ln 2          bits,
whose total for a regular model of p parameters grows as (p/2) log2 n. Only a first pass counts: a model that has seen an example
before does not predict it.

>>> ones = np.array([0, 1, 1, 0, 1, 1])                       # a coin by the rule of Krichevsky and Trofimov
>>> seen = np.arange(6)
>>> heads = np.concatenate([[0], np.cumsum(ones)[:-1]])
>>> p = (heads + 0.5) / (seen + 1)
>>> online, final = -np.log(np.where(ones, p, 1 - p)), -np.log(np.where(ones, 4 / 6, 2 / 6))
>>> round(regret(online, final).total, 6)                     # KT length - n H
1.68287
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heldout.core.errors import InputError, Withheld


@dataclass(frozen=True)
class Regret:
    """bits [t]: regret up to each example, against the model at the end."""

    bits: NDArray[np.float64]

    @property
    def total(self) -> float:
        """Regret of the whole pass in bits."""
        return float(self.bits[-1])


def regret(online: Any, final: Any) -> Regret:
    """Regret from nats [t] of each example before the model saw it, and nats [t] of the same examples by the final model.

    Withheld: a loss that is not finite (the model diverged). Errors: lengths that differ, no examples.
    """
    before, after = np.asarray(online, dtype=np.float64), np.asarray(final, dtype=np.float64)
    if before.ndim != 1 or before.shape != after.shape or len(before) == 0:
        raise InputError(
            f"losses {before.shape} before and {after.shape} after", "give one of each an example, in order"
        )
    if not (np.isfinite(before).all() and np.isfinite(after).all()):
        raise Withheld("a loss is NaN or inf: the model diverged, or gave a label no probability at all")
    return Regret(np.cumsum(before - after) / math.log(2))
