"""The Vapnik-Chervonenkis bound: all that the number d of dimensions of a class says.

T16, for all models of a class of VC dimension d at once (Vapnik 1998):

    R <= Remp + sqrt((d (ln(2n/d) + 1) + ln(4/delta))/n)

Linear classifiers in D dimensions with an offset have d = D + 1. For nets d grows with the number of weights
and the bound is vacuous at the sizes in use. It stands here so that this can be seen.

>>> round(vc_gap(60_000, 1000, 0.05), 6), round(vc_gap(1437, 650, 0.05), 6)
(0.310695, 1.061963)
"""

from __future__ import annotations

import math
from typing import Any

from heldout.certificates.certificate import Certificate, Charge
from heldout.certificates.countable_class import checked_losses
from heldout.certificates.outward import LARGEST, check_delta, check_independent, check_mean, shown, up
from heldout.core.errors import InputError


def vc_gap(n: int, dimension: int, delta: float) -> float:
    """T16: the greatest gap of true and training error over the class, rounded up; may exceed 1."""
    check_delta(delta)
    check_mean(0.0, n)
    if not 1 <= dimension <= LARGEST or dimension != int(dimension):
        raise InputError(f"a VC dimension of {shown(dimension)}", "give a whole number of at least 1")
    # Where 2n < d the growth function is at most 2^(2n).
    growth = dimension * (math.log(2 * n / dimension) + 1.0) if 2 * n >= dimension else 2 * n * math.log(2)
    return up(math.sqrt((growth + math.log(4.0) - math.log(delta)) / n))


def vc(
    losses: Any,
    dimension: int,
    delta: float = 0.05,
    *,
    groups: Any | None = None,
    time: Any | None = None,
) -> Certificate:
    """The certificate from 0-1 training `losses` [n] of any model of a class of this VC dimension."""
    x, zero_one = checked_losses(losses)
    if not zero_one:
        raise InputError("losses other than 0 and 1", "the VC dimension is about 0-1 errors; pass them")
    check_independent(len(x), groups, time)
    value = min(1.0, up(float(x.mean()) + vc_gap(len(x), dimension, delta)))
    return Certificate(
        "error rate on new rows of the same kind",
        value,
        delta,
        len(x),
        f"Remp + sqrt((d (ln(2n/d) + 1) + ln(4/{delta:g}))/n), d = {dimension}, n = {len(x)}",
        "Vapnik 1998, Statistical Learning Theory",
        (
            "the rows are independent and alike in distribution",
            f"the class has VC dimension {dimension} and was fixed before the rows",
        ),
        (Charge("all models of the class at once", delta),),
        rows="training rows",
    )
