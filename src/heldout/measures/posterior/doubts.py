"""`doubts`: the reasons to withhold what a ladder of temperatures says, with the number behind each."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2
from scipy.stats import t as student
from torch import Tensor

from heldout.learners.ladder import LadderTrace
from heldout.measures.posterior.descent import lowest_near
from heldout.measures.posterior.problem import Problem
from heldout.measures.posterior.settings import Ladder
from heldout.measures.posterior.summary import CONSTANT, START_LOWER, unbounded
from heldout.stats.ladder_fit import LadderFit

Floats = NDArray[np.float64]
R_HAT, ESS = 1.05, 300  # with the ESS at its limit R-hat is about 1.05 by chance
WIDEST, NOISY_WIDEST = 0.09, 0.12  # half-width that is still reported, without and with the luck of the data
BEYOND = 0.25
MISFIT = 4.0
SPREAD, SURE = 0.9975, 0.97  # quantiles of t of the numbers of known mean: to withhold, and to be near that
DROWNED = (
    "the loss drowns in rounding where the ladder needs it: use float64, or write the loss so that small ones "
    "keep their digits (torch.expm1, torch.log1p, a difference squared and not the square of sums)"
)


class Doubts(NamedTuple):
    """The number behind each reason; the first reason that holds ("" where none does); how many attempts it is worth, each of longer
    chains; and a point w [p] lower than w*, where that is the reason."""

    checks: dict[str, float]
    reason: str = ""
    worth: int = 1
    lower: Tensor | None = None


def doubts(
    problem: Problem,
    trace: LadderTrace,
    curves: Floats,
    squares: Floats,
    hats: Floats,
    sizes: Floats,
    fit: LadderFit | None,
    chosen: Ladder,
    if_near: int = 1,
    drowned: bool = False,
) -> Doubts:
    """Everything that may be wrong with a ladder, in the order in which it is told; if_near: how many attempts it is worth that
    the numbers of known mean are near their limit; drowned: rungs are left whose losses are rounding."""
    d, k, half = problem.parameters, len(trace.t), chosen.ensembles // 2
    drop = -trace.lowest
    allowed = (
        float(chi2.ppf(0.9999, d)) / 2 / problem.n if problem.n is not None else 0.2 / float(trace.t[-1])
    ) + 10 * problem.resolution
    if fit is None and drop > allowed:
        return Doubts({"loss below w*": drop, "loss below w* that is allowed": allowed}, unbounded(drop))
    if fit is None:
        return Doubts(
            {},
            "the loss is not finite along the chains: they diverge; use a smaller radius, or float64, and inf (not NaN) where weights mean nothing",
        )
    if not trace.loss.any():
        return Doubts({}, CONSTANT)
    gap = gaps(curves, trace.hot)
    spread, allowance = _identities(trace, curves)
    width = (
        float(student.ppf(0.5 + chosen.level / 2, chosen.ensembles - 1))
        * fit.stderr
        / max(abs(fit.value), np.finfo(np.float64).tiny)
    )
    top = float(fit.bare[-3:].mean())
    beyond = abs(fit.value - top) / max(abs(fit.value), 1e-12)
    limit = float(student.ppf(1 - 0.005 / k, 2 * half - 2))
    checks = {
        "loss below w*": drop,
        "loss below w* that is allowed": allowed,
        "largest R-hat": float(np.nanmax(hats)),
        "smallest ESS": float(np.nanmin(sizes)),
        "cold against hot, largest t": float(gap.max()),
        "cold against hot, limit": limit,
        "identities of known mean off by, t": spread,
        "identities of known mean, limit": allowance,
        "half-width of the interval": width,
        "chi^2 a number": fit.misfit,
        "beyond the top rung": beyond,
    }
    if drop > allowed:
        below = lowest_near(problem, trace.last[:, -1])
        return Doubts(
            checks,
            f"w* is no minimum: the loss is lower by {max(drop, below.drop):.3g} nearby (at most {allowed:.3g} can be chance); "
            f"train further, or {START_LOWER}",
            lower=below.point if below.drop > 0 else None,
        )
    if drowned:
        return Doubts(checks, DROWNED)
    if checks["largest R-hat"] > R_HAT:
        return Doubts(
            checks,
            f"the chains disagree: R-hat {checks['largest R-hat']:.3f} on the worst temperature, above {R_HAT}; give more draws: settings=Ladder(draws=...)",
            2,
        )
    if checks["smallest ESS"] < ESS:
        return Doubts(
            checks,
            f"too few independent draws: ESS {checks['smallest ESS']:.0f} of {ESS} on the worst temperature; give more draws: settings=Ladder(draws=...)",
            2,
        )
    if checks["cold against hot, largest t"] > limit:
        return Doubts(
            checks,
            f"chains started at w* and chains annealed from the whole box disagree (t = {gap.max():.1f}, limit {limit:.1f}): "
            "the sampler does not travel between parts of the posterior",
            2,
        )
    if spread > allowance:
        return Doubts(
            checks,
            f"the chains have not spread over the posterior: t E[L] with numbers of known mean and without differ (t = {spread:.1f}, "
            f"limit {allowance:.1f}), so that those means are off; give more draws: settings=Ladder(draws=...)",
            3,
        )
    worth = if_near if spread > float(student.ppf(SURE, chosen.ensembles - 1)) else 1
    bound = d / 2 if problem.log_prior is None else np.inf  # a prior that vanishes at w* takes lambda beyond
    return Doubts(checks, _of_the_fit(fit, bound, width, beyond, problem.n), worth)


def gaps(curves: Floats, hot: NDArray[np.bool_]) -> Floats:
    """|t| [k] between the ensembles that started cold and those that started hot, curves [e k]."""
    one, other = curves[~hot], curves[hot]
    scatter = one.var(0, ddof=1) / len(one) + other.var(0, ddof=1) / len(other)
    least = (2e-3 * curves.mean(0)) ** 2 + np.finfo(np.float64).tiny  # 0 where the loss is constant
    found: Floats = np.abs(one.mean(0) - other.mean(0)) / np.sqrt(scatter + least)
    return found


def _identities(trace: LadderTrace, curves: Floats) -> tuple[float, float]:
    """|t| between t E[L] by control variates, curves [e k], and plain, over the upper half of the rungs; and its limit.

    Chains that mix locally but not along the valley agree with each other, cold and hot; the control variates then miss their mean.
    """
    e, k = curves.shape
    off = ((curves - trace.t * trace.loss.mean(0)) / np.abs(curves.mean(0)).clip(min=1e-12))[
        :, k // 2 :
    ].mean(1)
    return (
        float(abs(off.mean()) / np.sqrt(off.var(ddof=1) / e + 1e-3**2)),
        float(student.ppf(SPREAD, e - 1)),
    )


def _of_the_fit(fit: LadderFit, bound: float, width: float, beyond: float, n: int | None) -> str:
    if not (np.isfinite(fit.value) and np.isfinite(fit.stderr)):
        return "the fit of lambda is not finite: give more temperatures, or start the ladder higher: settings=Ladder(lowest=...)"
    if fit.value - 2 * fit.stderr > bound:
        where = (
            "the loss may have a kink or a root at w*, or the ladder ends too low"
            if n is None
            else "no plateau below n"
        )
        return f"the fit gives {fit.value:.3g}, more than p/2 = {bound:g}, which no learning coefficient of a smooth loss exceeds: {where}"
    if fit.value <= 0 or width > (WIDEST if n is None else NOISY_WIDEST):
        remedy = (
            "give more draws: settings=Ladder(draws=...)"
            if n is None
            else "measure on more examples, or ask for lambda(n beta): llc(subject, n_beta=...)"
        )
        return f"the fit does not determine lambda: the interval reaches {width:.1%} either side; {remedy}"
    if fit.misfit > MISFIT:
        return f"no known approach to lambda fits the curve Lambda(t): chi^2 {fit.misfit:.1f} a number; no plateau"
    if beyond > BEYOND:
        return f"lambda lies {beyond:.0%} beyond the top of the ladder: an extrapolation"
    return ""
