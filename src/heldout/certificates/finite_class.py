"""The union bound over a finite class: the best of `size` models that were all fixed before the rows were seen.

T4: the Occam bound (`countable_class`) with ln(size) nats for each model. Where every row is classified without
error, 1 - (delta/size)^(1/n). For a model chosen on validation rows among the models of a search: give the
number of models that were tried.

>>> forms = ("hoeffding", "kl", "binomial")
>>> [round(finite_class_upper(0.1, 1000, 10**6, 0.05, form), 6) for form in forms]
[0.191682, 0.163767, 0.15868]
>>> round(finite_class_upper(0.0, 1000, 10**6, 0.05, "binomial"), 7)
0.0166707
"""

from __future__ import annotations

import math
from typing import Any

from heldout.certificates.certificate import Certificate, Charge
from heldout.certificates.countable_class import FORMULAS, Form, checked_losses, occam_upper
from heldout.certificates.loss_range import LossRange, in_range, scaled
from heldout.certificates.outward import check_independent, shown
from heldout.core.errors import InputError


def finite_class_upper(mean: float, n: int, size: int, delta: float, form: Form = "kl") -> float:
    """T4 for a mean loss over n rows of any one of `size` models, rounded up, at most 1. Errors: as `occam_upper`."""
    return occam_upper(mean, n, _bits(size), delta, form)


def finite_class(
    losses: Any,
    size: int,
    delta: float = 0.05,
    *,
    form: Form | None = None,
    groups: Any | None = None,
    time: Any | None = None,
    rows: str = "the rows on which the model was chosen",
    loss_range: LossRange | None = None,
) -> Certificate:
    """The certificate of a model chosen among `size` by these rows, with its `losses` [n] in [0, 1], or `loss_range`, on them."""
    if loss_range is not None:
        found = finite_class(
            scaled(losses, loss_range), size, delta, form=form, groups=groups, time=time, rows=rows
        )
        return in_range(found, loss_range)
    x, zero_one = checked_losses(losses)
    n = len(x)
    check_independent(n, groups, time)
    chosen: Form = form or ("binomial" if zero_one else "kl")
    value = finite_class_upper(float(x.mean()), n, size, delta, chosen)
    return Certificate(
        ("error rate" if zero_one else "mean loss") + " on new rows of the same kind",
        value,
        delta,
        n,
        f"{FORMULAS[chosen]}, c = ln({size}/{delta:g}), n = {n}",
        "Vapnik & Chervonenkis 1974; Langford 2005, JMLR 6, 273",
        (
            "the rows are independent and alike in distribution",
            f"the model is one of {size} that were all fixed before these rows were seen",
            "the loss takes only the values 0 and 1" if chosen == "binomial" else "the loss lies in [0, 1]",
        ),
        (Charge(f"union over {size} models, {delta:g}/{size} each", delta),),
        rows=rows,
        prior=f"uniform over {size} models",
    )


def _bits(size: int) -> float:
    if not 1 <= size < math.inf or size != int(size):
        raise InputError(
            f"a class of {shown(size)} models",
            "give the number of models that could have been chosen, at least 1",
        )
    return math.log2(size)
