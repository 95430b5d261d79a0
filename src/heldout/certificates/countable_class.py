"""The Occam bound: one model out of countably many, described by a code of `bits` that was fixed before the data.

With P(h) = 2^-bits(h) and c = bits ln 2 + ln(1/delta), with probability 1 - delta for all h at once:

    hoeffding   R <= Rhat + sqrt(c / (2n))
    kl          R <= kl^-1(Rhat, c/n)
    binomial    R <= sup {p : ln P(Bin(n, p) <= n Rhat) >= -c}          0-1 losses only

Each is below the one before it for every outcome, so that taking the last that applies costs nothing. The
rows may be the training rows. Blumer et al. 1987, Inf. Process. Lett. 24, 377; Langford 2005, JMLR 6, 273.

>>> bits = delimited_bits(2000)
>>> [round(occam_upper(0.02, 60_000, bits, 0.05, form), 7) for form in ("hoeffding", "kl", "binomial")]
[0.1281855, 0.0662304, 0.0661386]
>>> losses = np.arange(60_000) < 1200
>>> print(countable_class(losses, delimited_bits(100), 0.05))
error rate on new rows of the same kind <= 0.0281 with probability 0.95 (n=60000)
"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from heldout.certificates.certificate import Certificate, Charge
from heldout.certificates.code_length import check_bits, delimited_bits
from heldout.certificates.kl_inverse import kl_inverse_upper
from heldout.certificates.log_binomial import log_binomial_upper
from heldout.certificates.loss_range import LossRange, in_range, scaled
from heldout.certificates.outward import check_delta, check_independent, check_mean, floats, up
from heldout.core.errors import InputError

__all__ = ["Form", "checked_losses", "countable_class", "delimited_bits", "occam_upper"]

Form = Literal["hoeffding", "kl", "binomial"]
FORMULAS = {
    "hoeffding": "Rhat + sqrt(c/(2n))",
    "kl": "kl^-1(Rhat, c/n)",
    "binomial": "sup {p : ln P(Bin(n, p) <= k) >= -c}",
}


def occam_upper(mean: float, n: int, bits: float, delta: float, form: Form = "kl") -> float:
    """T5: the bound for a mean loss over n rows of a model whose code has `bits` bits, rounded up, at most 1.

    Errors: delta outside (0, 1), n below 1, a mean outside [0, 1], bits negative or infinite, "binomial"
    for a mean that is no count over n.
    """
    check_delta(delta)
    check_mean(mean, n)
    check_bits(bits)
    c = up(bits * math.log(2) - math.log(delta))
    if form == "hoeffding":
        return min(1.0, up(mean + math.sqrt(c / (2 * n))))
    if form == "kl":
        return kl_inverse_upper(mean, up(c / n))
    if form != "binomial":
        raise InputError(f"form = {form!r}", f"give one of {', '.join(FORMULAS)}")
    k = round(mean * n)
    if abs(k - mean * n) > min(0.01, 1e-9 * n):
        raise InputError(f"a mean loss of {mean:g} over {n} rows is no count of errors", 'use form="kl"')
    return log_binomial_upper(k, n, -c)


def countable_class(
    losses: Any,
    bits: float,
    delta: float = 0.05,
    *,
    form: Form | None = None,
    code: str = "a prefix code fixed before the data",
    groups: Any | None = None,
    time: Any | None = None,
    rows: str = "training rows",
    loss_range: LossRange | None = None,
) -> Certificate:
    """The certificate of one deterministic model with `losses` [n] in [0, 1] on the rows and a code of `bits` bits.

    `form`: None takes "binomial" for 0-1 losses, "kl" otherwise. `code`: the code in words. `loss_range`: declared
    beforehand, where the losses do not lie in [0, 1]. Whatever was
    tuned with these rows (a quantization level, a subspace dimension) must be part of the bits. Errors: as
    `occam_upper`; rows declared dependent by groups or time.
    """
    if loss_range is not None:
        found = countable_class(
            scaled(losses, loss_range), bits, delta, form=form, code=code, groups=groups, time=time, rows=rows
        )
        return in_range(found, loss_range)
    x, zero_one = checked_losses(losses)
    n = len(x)
    check_independent(n, groups, time)
    if form == "binomial" and not zero_one:
        raise InputError(
            "the exact binomial tail counts errors, and these losses are not 0 or 1", 'use form="kl"'
        )
    chosen: Form = form or ("binomial" if zero_one else "kl")
    value = occam_upper(float(x.mean()), n, bits, delta, chosen)
    quantity = ("error rate" if zero_one else "mean loss") + " on new rows of the same kind"
    assumptions = (
        "the rows are independent and alike in distribution",
        "the code was fixed before these rows were seen, and everything chosen with them is in the bits",
        "the loss takes only the values 0 and 1" if chosen == "binomial" else "the loss lies in [0, 1]",
    )
    ledger = (Charge(f"this model's part of the union, 2^-{bits:.6g} of delta for each code word", delta),)
    formula = f"{FORMULAS[chosen]}, c = {bits:.6g} ln 2 + ln(1/{delta:g}), n = {n}"
    source = "Blumer et al. 1987, Inf. Process. Lett. 24, 377; Langford 2005, JMLR 6, 273"
    return Certificate(
        quantity, value, delta, n, formula, source, assumptions, ledger, rows=rows, prior=f"2^-bits, {code}"
    )


def checked_losses(losses: Any) -> tuple[np.ndarray, bool]:
    """Losses [n] as float64 in [0, 1], and whether all are 0 or 1."""
    x = floats(losses)
    if x.ndim != 1 or len(x) == 0:
        raise InputError(f"losses have shape {x.shape}", "give one loss a row, at least one")
    if np.isnan(x).any():
        raise InputError(
            f"{int(np.isnan(x).sum())} of {len(x)} losses are NaN", "mend the rows the model fails on"
        )
    if x.min() < 0 or x.max() > 1:
        raise InputError(
            f"losses run from {x.min():g} to {x.max():g}",
            "scale them to [0, 1] by a range declared beforehand (loss_range=), or use 0-1 errors",
        )
    return x, bool(((x == 0) | (x == 1)).all())
