"""Losses in a range [a, b] that was declared before they were seen: scaled to [0, 1], bounded, and scaled back outward.

    x = (l - a)/(b - a),   E l = a + (b - a) E x <= a + (b - a) bound(x)

Every bound for losses in [0, 1] becomes one for losses in [a, b]. The range is part of the loss, not of the data: the
smallest and largest loss that were seen are no range, since a larger one may come.

>>> scaled([0.0, 5.0, 20.0], (0.0, 20.0))
array([0.  , 0.25, 1.  ])
>>> scaled([25.0], (0.0, 20.0))
Traceback (most recent call last):
    ...
heldout.core.errors.InputError: losses run from 25 to 25, the declared range is [0, 20]; declare all that the loss can be
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from heldout.certificates.certificate import Certificate
from heldout.certificates.outward import LARGEST, OUTWARD, floats, shown
from heldout.core.errors import InputError

LossRange = tuple[float, float]


def scaled(losses: Any, loss_range: LossRange) -> np.ndarray:
    """`losses` [n] as numbers in [0, 1]. Errors: no losses, NaN, losses outside the range, a range that is none."""
    low, high = _ends(loss_range)
    x = floats(losses)
    if x.ndim != 1 or len(x) == 0 or np.isnan(x).any():
        raise InputError(f"losses have shape {x.shape} or hold NaN", "give one loss a row, at least one")
    if x.min() < low or x.max() > high:
        raise InputError(
            f"losses run from {x.min():g} to {x.max():g}, the declared range is [{low:g}, {high:g}]",
            "declare all that the loss can be",
        )
    return np.asarray(np.clip((x - low) / (high - low), 0.0, 1.0))


def in_range(found: Certificate, loss_range: LossRange) -> Certificate:
    """The certificate of scaled losses as one of the losses themselves, rounded up, at most the end of the range."""
    if not found.ok:
        return found
    low, high = _ends(loss_range)
    value = low + (high - low) * found.value
    value = math.nextafter(value + OUTWARD * max(abs(low), abs(high)), math.inf)
    said = f"the loss lies in [{low:g}, {high:g}], declared before the losses were seen"
    about_loss = ("the loss lies in", "the loss takes only")
    return replace(
        found,
        quantity=found.quantity.replace("error rate", "mean loss"),
        value=min(value, high),
        trivial=high,
        formula=f"{low:g} + {high - low:g} x [{found.formula}], losses scaled to [0, 1]",
        assumptions=(*(a for a in found.assumptions if not a.startswith(about_loss)), said),
    )


def _ends(loss_range: LossRange) -> LossRange:
    try:
        low, high = loss_range
    except (TypeError, ValueError) as error:
        raise InputError(
            f"loss_range = {loss_range!r}", "give the least and the largest loss, such as (0, 20)"
        ) from error
    if not -LARGEST <= low < high <= LARGEST:
        raise InputError(
            f"a range of losses from {shown(low)} to {shown(high)}",
            "give the least and the largest loss, finite and in this order",
        )
    return float(low), float(high)
