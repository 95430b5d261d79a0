"""RATT: a bound from rows with random labels that were put among the training rows (Garg et al. 2021, arXiv 2105.00303).

n rows with true labels and m rows with labels drawn uniformly from c classes are fitted together. If the model
minimizes the 0-1 training error over its class and treats all rows alike, then of the m random rows

- m1, those whose label is wrong: their error exceeds the error on new wrongly labelled rows by at most
  e1 = sqrt(ln(1/d1)/(2 m1)); and on those the error is 1 - R/(c - 1);
- m2 = m - m1, those whose label is right by luck: they are a random part of all rightly labelled training rows,
  so that their error is at most E_S + (1 + m2/n) sqrt(ln(1/d2)/(2 m2)).

    R <= (c - 1) (1 - (m E_random - m2 E_right)/m1 + e1)

m2 is not known, but Binomial(m, 1/c): the greatest value over its central range of probability 1 - d3 is taken;
delta = d1 + d2 + d3 in equal parts. A net trained by gradient descent minimizes no 0-1 error exactly: for it this
is an assumption, not a proof, and the certificate says so.

>>> round(ratt_upper(0.01, 5000, 0.5, 5000, 2, 0.05), 4)          # clean rows fitted, random ones not at all
0.1107
>>> ratt_upper(0.0, 5000, 0.0, 5000, 2, 0.05)                     # random labels fitted as well: nothing follows
1.0
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from heldout.certificates.certificate import Certificate, Charge
from heldout.certificates.countable_class import checked_losses
from heldout.certificates.log_binomial import log_cdf, log_sf
from heldout.certificates.outward import check_delta, check_independent, check_mean, up
from heldout.core.errors import InputError

MOST_ROWS = 10**12  # the range of a count of this many is gone through value by value


def ratt_upper(clean: float, n: int, random: float, m: int, classes: int, delta: float) -> float:
    """The bound from the training errors `clean` on n true and `random` on m random labels, rounded up, at most 1."""
    check_delta(delta)
    check_mean(clean, n)
    check_mean(random, m)
    if max(n, m) > MOST_ROWS:
        raise InputError(f"{n} and {m} rows", f"RATT is computed for up to {MOST_ROWS:g} of each")
    if classes < 2:
        raise InputError(f"{classes} classes", "random labels need at least 2 classes")
    part = math.log(3.0 / delta)
    low, high = _central(m, 1.0 / classes, math.log(delta / 6.0))
    if high >= m:  # that all random labels are right by luck is not excluded
        return 1.0
    m2 = np.arange(low, high + 1, dtype=np.float64)
    m1 = m - m2
    with np.errstate(divide="ignore"):
        right = np.minimum(1.0, clean + (1.0 + m2 / n) * np.sqrt(part / (2.0 * m2)))
    wrong = (m * random - m2 * right) / m1
    risk = (classes - 1.0) * (1.0 - wrong + np.sqrt(part / (2.0 * m1)))
    return min(1.0, up(max(0.0, float(risk.max()))))


def _central(m: int, p: float, goal: float) -> tuple[int, int]:
    """The range outside which Bin(m, p) lies with probability e^goal at most on either side."""
    low, high = 0, m  # the count is below `low` with so little probability, by bisection over whole numbers
    while low < high:
        middle = (low + high + 1) // 2
        value, slack = log_cdf(middle - 1, m, p)
        low, high = (middle, high) if value + slack <= goal else (low, middle - 1)
    least, low, high = low, 0, m
    while low < high:
        middle = (low + high) // 2
        value, slack = log_sf(middle + 1, m, p)
        low, high = (low, middle) if value + slack <= goal else (middle + 1, high)
    return least, low


def ratt(
    clean_losses: Any,
    random_losses: Any,
    classes: int,
    delta: float = 0.05,
    *,
    exact_minimizer: bool = False,
    groups: Any | None = None,
) -> Certificate:
    """The certificate from 0-1 training errors [n] on truly and [m] on randomly labelled rows of the same kind.

    `exact_minimizer`: the model provably minimizes the 0-1 error over its class; otherwise the certificate
    carries the assumption that it behaves as if it did. `groups` of the n rows. Errors: losses other than 0
    and 1, rows declared dependent, fewer than 2 classes.
    """
    clean, zero_one = checked_losses(clean_losses)
    random, also = checked_losses(random_losses)
    if not (zero_one and also):
        raise InputError("losses other than 0 and 1", "RATT is about 0-1 errors; pass them")
    check_independent(len(clean), groups)
    n, m = len(clean), len(random)
    value = ratt_upper(float(clean.mean()), n, float(random.mean()), m, classes, delta)
    fits = (
        "the model minimizes the 0-1 training error over its class"
        if exact_minimizer
        else "not proved: the model fits wrong labels as the exact minimizer of the 0-1 training error would"
    )
    parts = ("error on the wrongly labelled rows", "error on the rightly labelled ones", "how many are right")
    return Certificate(
        "error rate on new rows of the same kind",
        value,
        delta,
        n,
        f"(c - 1)(1 - (m E_random - m2 E_right)/m1 + e1) at the worst m2, E_S = {clean.mean():.6g}, "
        f"E_random = {random.mean():.6g}, m = {m}, c = {classes}",
        "our derivation after Garg et al. 2021, arXiv 2105.00303, theorem 1; docs/certificates/random-labels.md",
        (
            "the rows are independent and alike in distribution, those with random labels as well",
            f"the random labels were drawn uniformly from {classes} classes, once, before training",
            "training treats all rows alike",
            fits,
        ),
        tuple(Charge(what, delta / 3.0) for what in parts),
        rows=f"{n} training rows and {m} rows with random labels, fitted together",
    )
