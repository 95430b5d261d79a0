"""A bound that holds at every sample size at once, so that one may look after each row and stop at will.

For losses in [0, 1] with mean m, k_t their sum, and a prior uniform on [0, m) over t < m,

    M_t(m) = (1/m) int_0^m (t/m)^k_t ((1 - t)/(1 - m))^(n - k_t) dt

is a supermartingale from 1 (for each row, a^x b^(1-x) <= x a + (1 - x) b). By Ville's inequality no M_t of the
true mean ever reaches 1/delta, except with probability delta: sup {m : M_t(m) < 1/delta} is above the mean at
all t at once. The integral is an incomplete beta function. Robbins 1970, Ann. Math. Stat. 41, 1397.

>>> bounds = anytime_upper(np.zeros(1000), 0.05)
>>> bounds[[9, 99, 999]].round(4)                                # one look only: .2589, .0296, .0030
array([0.3535, 0.044 , 0.0045])
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.special import betainc, betaln, xlog1py, xlogy

from heldout.certificates.certificate import Certificate, Charge
from heldout.certificates.countable_class import checked_losses
from heldout.certificates.loss_range import LossRange, in_range, scaled
from heldout.certificates.outward import check_delta, check_independent


def anytime_upper(losses: Any, delta: float) -> np.ndarray:
    """The bound after each of the `losses` [n] in [0, 1], in the order in which they came: [n], never rising.

    With probability 1 - delta all n values are above the mean at once. Errors: losses outside [0, 1], delta.
    """
    x, _ = checked_losses(losses)
    check_delta(delta)
    n = np.arange(1, len(x) + 1, dtype=np.float64)
    k = np.minimum(np.cumsum(x), n)
    goal = -math.log(delta)
    area = betaln(k + 1.0, n - k + 1.0)
    slack = 1e-12 * (n + 10.0)

    def beaten(m: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore"):
            log_m = np.log(betainc(k + 1.0, n - k + 1.0, m)) + area - (xlogy(k + 1.0, m) + xlog1py(n - k, -m))
        return np.asarray(log_m - slack >= goal)

    # From (k + 1)/(n + 1) on, M rises with m.
    low, high = np.minimum((k + 1.0) / (n + 1.0), 1.0), np.ones(len(x))
    for _ in range(60):
        middle = 0.5 * (low + high)
        above = beaten(middle)
        high, low = np.where(above, middle, high), np.where(above, low, middle)
    return np.asarray(np.minimum.accumulate(high))


def anytime(
    losses: Any,
    delta: float = 0.05,
    *,
    groups: Any | None = None,
    rows: str = "test rows in the order in which they came",
    loss_range: LossRange | None = None,
) -> Certificate:
    """The certificate after the last of the `losses` [n]; it stays valid whenever one chooses to stop.

    The predictor is fixed before the first row, and the order of the rows is not chosen by their losses.
    """
    if loss_range is not None:
        return in_range(anytime(scaled(losses, loss_range), delta, groups=groups, rows=rows), loss_range)
    x, zero_one = checked_losses(losses)
    check_independent(len(x), groups)
    value = float(anytime_upper(x, delta)[-1])
    return Certificate(
        ("error rate" if zero_one else "mean loss") + " on new rows of the same kind",
        value,
        delta,
        len(x),
        f"min over t of sup {{m : M_t(m) < 1/{delta:g}}}, M_t the likelihood ratio mixed over [0, m)",
        "Robbins 1970, Ann. Math. Stat. 41, 1397; Ville 1939",
        (
            "the predictor was fixed before the first row",
            "each row is drawn independently from one distribution, in an order that no loss decided",
            "the loss lies in [0, 1]",
        ),
        (Charge("all sample sizes at once", delta),),
        rows=rows,
    )
