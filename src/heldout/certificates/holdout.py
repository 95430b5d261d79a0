"""The hold-out certificate: what one test set guarantees about one predictor, charged for every look at it.

T1: for 0-1 losses of n independent rows the exact binomial tail (`binomial_tail`); for other losses in
[0, 1] the betting bound (`bounded_mean`). The looser kl-Chernoff and Hoeffding bounds (`binomial_tail`) are
there by name; a bound that holds at every sample size at once is `anytime`. The k-th look at the same test set spends delta 6/(pi^2 k^2), which
sums to delta over all looks ever; that holds for predictors that were all fixed before the first look. A
predictor chosen after an earlier result on this set gets no certificate.

>>> import numpy as np
>>> errors = np.zeros(10_000)
>>> errors[:200] = 1
>>> print(holdout(errors, 0.05, look=None))                      # declared to be the only look
error rate on new rows of the same kind <= 0.0225 with probability 0.95 (n=10000)
>>> holdout(errors, 0.05).printed()                              # the first of any number of looks
'0.0229'
>>> print(holdout(errors, 0.05, look=2, fixed_beforehand=False).status)
the predictor was chosen after an earlier look at this test set; certify it on rows that no choice has seen
"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from heldout.certificates.binomial_tail import clopper_pearson_upper, hoeffding_upper, kl_chernoff_upper
from heldout.certificates.bounded_mean import betting_upper
from heldout.certificates.certificate import Certificate, Charge
from heldout.certificates.countable_class import checked_losses
from heldout.certificates.loss_range import LossRange, in_range, scaled
from heldout.certificates.outward import check_count, check_delta
from heldout.core.errors import InputError

Loss = Literal["zero-one", "bounded"]
Method = Literal["exact", "kl", "hoeffding"]
Role = Literal["test", "validation"]
METHODS = {
    "exact": "Clopper & Pearson 1934, Biometrika 26, 404; Langford 2005, JMLR 6, 273",
    "kl": "Chernoff 1952, Ann. Math. Stat. 23, 493; Langford 2005, JMLR 6, 273",
    "hoeffding": "Hoeffding 1963, JASA 58, 13",
}


def holdout(
    losses: Any,
    delta: float = 0.05,
    look: int | None = 1,
    fixed_beforehand: bool = True,
    groups: Any | None = None,
    average_groups: bool = False,
    loss: Loss | None = None,
    method: Method = "exact",
    role: Role = "test",
    loss_range: LossRange | None = None,
) -> Certificate:
    """An upper bound on the risk of a predictor from its `losses` [n] in [0, 1] on a test set used for no choice.

    `look`: the how-manieth look at this test set this is, counting from 1; None declares that it is the
    only one ever and spends all of delta. `fixed_beforehand`: the predictor was fixed before the first
    look. `groups` [n]: rows of one group are not independent, so nothing is certified, unless
    `average_groups`: then the losses are averaged in each group and the risk of a new group is bounded
    (each group weighs the same, however many rows it has). `loss`: "zero-one" or "bounded"; None takes
    zero-one where every loss is 0 or 1. `method`, to be fixed before the losses are seen: "exact" is the binomial
    tail or the betting bound. `loss_range`: the least and the largest value that the loss can take, declared before the
    losses were seen, where that is not [0, 1]. `role`: what the rows were used for; "validation", for choices. Withheld: a chosen
    predictor, validation rows, dependent rows. Errors: no losses, NaN, losses outside [0, 1],
    delta outside (0, 1), look below 1.
    """
    if loss_range is not None:
        unit = scaled(losses, loss_range)
        found = holdout(unit, delta, look, fixed_beforehand, groups, average_groups, loss, method, role)
        return in_range(found, loss_range)
    x, labels = _checked(losses, delta, look, groups, loss)
    if method not in METHODS or role not in ("test", "validation"):
        raise InputError(
            f"method = {method!r}, role = {role!r}",
            'give "exact", "kl" or "hoeffding", and "test" or "validation"',
        )
    n = len(x)
    clustered = labels is not None and int(labels.max()) + 1 < n
    zero_one = loss == "zero-one" or (loss is None and bool(((x == 0) | (x == 1)).all()))
    quantity = ("error rate" if zero_one else "mean loss") + " on new rows of the same kind"
    if role == "validation":
        reason = "validation rows were used for choices; certify on test rows, or by finite_class with the number of models tried"
        return Certificate.withheld(quantity, delta, n, reason)
    if not fixed_beforehand:
        when = "an earlier look at" if look is not None and look > 1 else "seeing results on"
        reason = (
            f"the predictor was chosen after {when} this test set; certify it on rows that no choice has seen"
        )
        return Certificate.withheld(quantity, delta, n, reason)
    assumptions = [
        "the predictor was fixed before the first look at this test set",
        "the test rows were used for no choice",
    ]
    if clustered and not average_groups:
        reason = (
            f"{n} rows in {int(labels.max()) + 1} groups are not independent; average_groups=True certifies "
        )
        return Certificate.withheld(quantity, delta, n, reason + "the risk averaged over groups instead")
    if clustered:
        x, n = np.bincount(labels, x) / np.bincount(labels), int(labels.max()) + 1
        zero_one = False
        quantity = "mean loss of a new group, averaged over groups"
        assumptions.append("the groups are independent and alike in distribution; each counts the same")
    else:
        assumptions.append("the rows are independent and alike in distribution")
    spent, ledger = _ledger(delta, look)
    assumptions.append("the loss takes only the values 0 and 1" if zero_one else "the loss lies in [0, 1]")
    value, formula, source = _bound(x, spent, zero_one, method)
    return Certificate(
        quantity,
        value,
        delta,
        n,
        formula,
        source,
        tuple(assumptions),
        ledger,
        rows="test rows, used for no choice",
    )


def _bound(x: np.ndarray, spent: float, zero_one: bool, method: Method) -> tuple[float, str, str]:
    """Value, formula and source of one method."""
    n, mean = len(x), float(x.mean())
    if method == "kl":
        return (
            kl_chernoff_upper(mean, n, spent),
            f"kl^-1({mean:.6g}, ln(1/{spent:.6g})/{n})",
            METHODS[method],
        )
    if method == "hoeffding":
        return (
            hoeffding_upper(mean, n, spent),
            f"{mean:.6g} + sqrt(ln(1/{spent:.6g})/(2 {n}))",
            METHODS[method],
        )
    if zero_one:
        errors = int(x.sum())
        formula = f"Beta^-1(1 - {spent:.6g}; {errors} + 1, {n} - {errors})"
        return clopper_pearson_upper(errors, n, spent), formula, METHODS["exact"]
    formula = f"sup {{m : max_t prod_(i<=t) (1 - l_i(m) (x_i - m)) < 1/{spent:.6g}}}, n = {n}"
    return betting_upper(x, spent), formula, "Waudby-Smith & Ramdas 2024, J. R. Stat. Soc. B 86, 1"


def look_delta(delta: float, look: int) -> float:
    """The part of `delta` that the k-th look may spend, delta 6/(pi^2 k^2), rounded down.

    >>> round(look_delta(0.05, 1), 6), round(look_delta(0.05, 2), 6)
    (0.030396, 0.007599)
    """
    check_delta(delta)
    check_count(look, "look", "count looks from 1")
    return math.nextafter(delta * 6.0 / (math.pi * look) ** 2, 0.0)


def _ledger(delta: float, look: int | None) -> tuple[float, tuple[Charge, ...]]:
    """What this look spends, and its line in the ledger."""
    if look is None:
        return delta, (Charge("the only look at this test set, declared beforehand", delta),)
    spent = look_delta(delta, look)
    return spent, (Charge(f"look {look} at this test set, {delta:g} * 6/(pi^2 {look}^2)", spent),)


def _checked(
    losses: Any, delta: float, look: int | None, groups: Any | None, loss: str | None
) -> tuple[np.ndarray, Any]:
    x, zero_one = checked_losses(losses)
    if loss not in (None, "zero-one", "bounded"):
        raise InputError(f"loss = {loss!r}", 'give "zero-one" or "bounded"')
    if loss == "zero-one" and not zero_one:
        raise InputError("losses other than 0 and 1 were given as zero-one", 'give loss="bounded"')
    check_delta(delta)
    if look is not None:
        check_count(look, "look", "count looks from 1")
    if groups is None:
        return x, None
    if len(groups) != len(x):
        raise InputError(f"{len(groups)} groups for {len(x)} losses", "give one group a row")
    return x, np.unique(np.asarray(groups), return_inverse=True)[1]
