"""Outward rounding, and the checks that every bound makes of its numbers before it computes.

A formula of a few float64 operations is right to a relative 1e-13; `up` and `down` move it by 1e-11 and one
place more, so that what is returned is never on the wrong side of what the formula defines.

>>> up(0.5) > 0.5 > down(0.5)
True
>>> check_delta(1.0)
Traceback (most recent call last):
    ...
heldout.core.errors.InputError: delta = 1; give a probability of failure between 0 and 1, such as 0.05
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import numpy as np

from heldout.core.errors import InputError

# Wider than the relative error of scipy's inverse incomplete beta (below 1e-13 against 60-digit arithmetic, tests).
OUTWARD = 1e-11
MOST = 2**53  # rows
LARGEST = 1e300  # of any number that is given; products of a few stay numbers


def up(value: float) -> float:
    """A float certainly above the non-negative number that `value` approximates."""
    return math.nextafter(value * (1.0 + OUTWARD), math.inf)


def down(value: float) -> float:
    """A float certainly below the non-negative number that `value` approximates."""
    return math.nextafter(value * (1.0 - OUTWARD), -1.0)


def floats(values: Any, what: str = "losses") -> np.ndarray:
    """`values` as a float64 array. Errors: what is no number, or a number that no float holds."""
    try:
        return np.asarray(values, dtype=np.float64)
    except (OverflowError, TypeError, ValueError) as error:
        raise InputError(
            f"the {what} are not float64 numbers ({error})", "give an array of numbers"
        ) from error


def shown(value: Any) -> str:
    """A number for a message; also one that no float holds.

    >>> shown(0.05), shown(10**400)
    ('0.05', '1.00e+400')
    """
    try:
        return f"{value:g}"
    except OverflowError:
        return f"{Decimal(value):.2e}"


def check_delta(delta: float, name: str = "delta") -> None:
    """Refuse a failure probability outside (0, 1)."""
    if not 0.0 < delta < 1.0:
        raise InputError(
            f"{name} = {shown(delta)}", "give a probability of failure between 0 and 1, such as 0.05"
        )


def check_count(
    n: float,
    name: str = "n",
    remedy: str = "a bound needs at least one row; give the number of rows it rests on",
) -> None:
    """Refuse what is no whole number of at least 1, and more than 2^53, which float64 does not count one by one."""
    if n > MOST:
        raise InputError(f"{name} = {shown(n)}: more than 2^53 are not counted", remedy)
    if not n >= 1 or n != int(n):
        raise InputError(f"{name} = {shown(n)}", remedy)


def check_size(value: float, name: str, remedy: str, positive: bool = False) -> None:
    """Refuse what is negative, not finite or above 1e300; 0 as well where it must be `positive`."""
    if not 0 <= value <= LARGEST or (positive and value == 0):
        raise InputError(f"{name} = {shown(value)}", remedy)


def check_mean(mean: float, n: int) -> None:
    """Refuse a mean loss outside [0, 1] and a bound on no rows."""
    check_count(n)
    if not 0.0 <= mean <= 1.0:
        raise InputError(
            f"a mean loss of {shown(mean)}",
            "scale the loss to [0, 1] by a range declared beforehand, or use 0-1 errors",
        )


def check_divergence(kl: float) -> None:
    """Refuse a relative entropy that is negative, infinite or NaN, or that no float holds."""
    if not kl >= 0:
        raise InputError(f"KL(Q|P) = {shown(kl)}", "a relative entropy is a number of at least 0 nats")
    if kl > LARGEST:
        raise InputError(
            "KL(Q|P) is infinite: the posterior puts mass where the prior has none",
            "give the posterior a positive variance inside the prior's support, or use countable_class "
            "for a single model with a code",
        )


def check_independent(n: int, groups: Any | None = None, time: Any | None = None) -> None:
    """Refuse rows that are declared dependent, and name the bound that is made for them."""
    if groups is not None:
        labels = np.asarray(groups)
        if len(labels) != n:
            raise InputError(f"{len(labels)} groups for {n} rows", "give one group a row")
        count = len(np.unique(labels))
        if count < n:
            raise InputError(
                f"{n} rows in {count} groups are not independent",
                "use holdout(..., average_groups=True), or reduce every group to one loss first",
            )
    if time is not None:
        raise InputError(
            "rows in order of time are not independent and alike",
            "use token_level, the martingale form, which bounds the mean conditional risk along the sequence",
        )
