"""The certificate of a stochastic predictor: losses of its draws -> Monte-Carlo step -> a PAC-Bayes form -> ledger.

The risk that is bounded is that of the predictor which draws its weights anew for each question. delta is
divided: `mc_delta` goes to the Monte-Carlo step, the rest to the form (shared out among the priors that were
tried), which is one of

    kl-xi       maurer_kl with the constant of the proof (the tightest)   kl     with 2 sqrt(n)
    quadratic   what training minimizes                                   mcallester, fast, catoni (with its union)

n is the number of rows that are named, and no other: the losses must have been taken on these rows, and the
prior must not have seen them.

>>> prior = Prior.data_free("N(0, .1^2) around the initial weights")
>>> found = pac_bayes(np.full(1000, 0.02), np.arange(60_000), 3000, prior, 0.035, 0.01, form="kl", draws="kl")
>>> found.printed(), [round(charge.delta, 9) for charge in found.ledger]
('0.1302', [0.01, 0.025])
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from heldout.certificates.bounded_mean import betting_upper
from heldout.certificates.catoni import catoni_union_upper
from heldout.certificates.certificate import Certificate, Charge
from heldout.certificates.data_dependent_prior import Prior
from heldout.certificates.loss_range import LossRange, in_range, scaled
from heldout.certificates.maurer_kl import maurer_kl_upper
from heldout.certificates.mcallester import mcallester_upper
from heldout.certificates.monte_carlo import mean_of_draws, monte_carlo_upper
from heldout.certificates.outward import check_delta, check_divergence, check_independent
from heldout.certificates.quadratic import fast_upper, quadratic_upper
from heldout.core.errors import InputError

DrawBound = Literal["kl", "betting"]
PacBayesForm = Literal["kl-xi", "kl", "quadratic", "mcallester", "fast", "catoni"]
FORMS: dict[str, tuple[Callable[[float, float, int, float], float], str, str]] = {
    "kl-xi": (
        lambda r, kl, n, d: maurer_kl_upper(r, kl, n, d, "xi"),
        "kl^-1(Rhat, (KL + ln(xi(n)/delta))/n)",
        "Seeger 2002, JMLR 3, 233; Maurer 2004, arXiv cs/0411099",
    ),
    "kl": (
        maurer_kl_upper,
        "kl^-1(Rhat, (KL + ln(2 sqrt(n)/delta))/n)",
        "Seeger 2002, JMLR 3, 233; Maurer 2004, arXiv cs/0411099",
    ),
    "quadratic": (
        quadratic_upper,
        "(sqrt(Rhat + B/(2n)) + sqrt(B/(2n)))^2",
        "Rivasplata et al. 2019, arXiv 1908.07380",
    ),
    "mcallester": (mcallester_upper, "Rhat + sqrt(B/(2n))", "Maurer 2004, arXiv cs/0411099"),
    "fast": (fast_upper, "Rhat + sqrt(2 Rhat B/n) + 2B/n", "Tolstikhin & Seldin 2013, NIPS 26"),
    "catoni": (
        catoni_union_upper,
        "inf over C of (1 - exp(-C Rhat - budget/n))/(1 - e^-C), with the union over C",
        "Catoni 2007, thm 1.2.6",
    ),
}


def pac_bayes(
    draw_losses: Any,
    bound_rows: Any,
    kl: float,
    prior: Prior,
    delta: float = 0.05,
    mc_delta: float = 0.01,
    *,
    form: PacBayesForm = "kl-xi",
    draws: DrawBound = "betting",
    tried: int = 1,
    data: str = "",
    groups: Any | None = None,
    time: Any | None = None,
    quantity: str = "error rate of the randomized predictor on new rows of the same kind",
    loss_range: LossRange | None = None,
) -> Certificate:
    """The certificate from `draw_losses` [k]: the mean loss in [0, 1], over the rows of the bound, of k draws from Q.

    `bound_rows`: the ids of these rows; `kl`: KL(Q|P) in nats; `prior`: P's origin and the rows it saw; `data`:
    fingerprint of the data, compared with the prior's. `draws`: the Monte-Carlo step by the "kl" bound (T10) or by
    `betting_upper`, which uses that draws differ little. `form` and `draws` must be chosen before the losses are
    seen. `tried`: how many priors (widths, seeds) the posterior's was chosen among with these rows. `loss_range`: declared
    beforehand, where the losses do not lie in [0, 1]. Errors:
    deltas outside (0, 1), mc_delta not below delta, losses outside [0, 1], KL infinite, a prior that saw a row of
    the bound or came from other data, rows declared dependent.
    """
    if loss_range is not None:
        found = pac_bayes(
            scaled(draw_losses, loss_range), bound_rows, kl, prior, delta, mc_delta, form=form, draws=draws, tried=tried,
            data=data, groups=groups, time=time, quantity=quantity,
        )  # fmt: skip
        return in_range(found, loss_range)
    check_delta(delta)
    check_delta(mc_delta, "mc_delta")
    if mc_delta >= delta:
        raise InputError(
            f"mc_delta = {mc_delta:g} leaves nothing of delta = {delta:g}",
            "give the Monte-Carlo step a part of delta, such as a fifth",
        )
    if form not in FORMS or draws not in ("kl", "betting"):
        raise InputError(
            f"form = {form!r}, draws = {draws!r}", f"give one of {', '.join(FORMS)}, and kl or betting"
        )
    if tried < 1:
        raise InputError(f"tried = {tried}", "count the priors that were tried, at least 1")
    check_divergence(kl)
    rows = prior.check(bound_rows, data)
    n = len(rows)
    check_independent(n, groups, time)
    mean, count = mean_of_draws(draw_losses)
    if draws == "kl":
        gibbs, step = (
            monte_carlo_upper(mean, count, mc_delta),
            f"kl^-1({mean:.6g}, ln(2/{mc_delta:g})/{count})",
        )
    else:
        gibbs, step = (
            betting_upper(draw_losses, mc_delta),
            f"betting bound on a mean of {mean:.6g} over {count} draws",
        )
    rest = np.nextafter(delta - mc_delta, 0.0).item()
    bound, formula, source = FORMS[form]
    value = bound(gibbs, kl, n, rest / tried)
    union = "" if tried == 1 else f", a {tried}th of it for each prior that was tried"
    spent = "no row" if len(prior.seen) == 0 else f"{len(prior.seen)} other rows"
    return Certificate(
        quantity,
        value,
        delta,
        n,
        f"{formula}, Rhat = {step} = {gibbs:.6g}, KL = {kl:.6g}, n = {n}",
        source,
        (
            "the rows are independent and alike in distribution",
            "the prior was fixed without these rows",
            "the loss lies in [0, 1]",
            "each answer is given by a fresh draw of the weights",
        ),
        (
            Charge(f"Monte-Carlo step over {count} draws of the weights", mc_delta),
            Charge(f"PAC-Bayes bound ({form}), for all posteriors at once{union}", rest),
        ),
        rows=f"{n} training rows that the prior has not seen",
        prior=f"{prior.origin}; has seen {spent}",
    )
