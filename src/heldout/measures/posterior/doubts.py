"""`doubts`: the reasons to withhold what a ladder of temperatures says, with the number behind each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2
from scipy.stats import t as student

from heldout.learners.ladder import LadderTrace
from heldout.measures.posterior.descent import fall
from heldout.measures.posterior.problem import Problem
from heldout.measures.posterior.settings import Ladder
from heldout.stats.ladder_fit import LadderFit

Floats = NDArray[np.float64]


def doubts(
    problem: Problem,
    trace: LadderTrace,
    curves: Floats,
    squares: Floats,
    hats: Floats,
    sizes: Floats,
    fit: LadderFit | None,
    chosen: Ladder,
) -> tuple[dict[str, float], str]:
    """The numbers behind every reason to withhold, and the first reason that holds ("" where none does)."""
    d, k, half = problem.parameters, len(trace.t), chosen.ensembles // 2
    if fit is None:
        return {}, "the loss is not finite along the chains: they diverge; use a smaller radius, or float64"
    drop = -trace.lowest
    allowed = (
        float(chi2.ppf(0.9999, d)) / 2 / problem.n if problem.n is not None else 0.2 / float(trace.t[-1])
    ) + 10 * problem.resolution
    cold, hot = curves[~trace.hot], curves[trace.hot]
    gap = np.abs(cold.mean(0) - hot.mean(0)) / np.sqrt(
        (cold.var(0, ddof=1) + hot.var(0, ddof=1)) / half + (2e-3 * np.abs(curves.mean(0))) ** 2
    )
    width = (
        float(student.ppf(0.5 + chosen.level / 2, chosen.ensembles - 1))
        * fit.stderr
        / max(abs(fit.value), 1e-12)
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
        "half-width of the interval": width,
        "chi^2 a number": fit.misfit,
        "beyond the top rung": beyond,
    }
    if drop > allowed:
        return checks, (
            f"w* is no minimum: the loss is lower by {max(drop, fall(problem)):.3g} nearby (at most {allowed:.3g} can be chance); "
            "train further, or start at the point they found"
        )
    if checks["largest R-hat"] > 1.03:
        return (
            checks,
            f"the chains disagree: R-hat {checks['largest R-hat']:.3f} on the worst temperature; above 1.03; give more draws",
        )
    if checks["smallest ESS"] < 300:
        return (
            checks,
            f"too few independent draws: ESS {checks['smallest ESS']:.0f} of 300 on the worst temperature; give more draws",
        )
    if checks["cold against hot, largest t"] > limit:
        return checks, (
            f"chains started at w* and chains annealed from the whole box disagree (t = {gap.max():.1f}, limit {limit:.1f}): "
            "the sampler does not travel between parts of the posterior"
        )
    if fit.value - 2 * fit.stderr > d / 2:
        return checks, (
            f"the fit gives {fit.value:.3g}, more than p/2 = {d / 2:g}, which no learning coefficient exceeds: no plateau below n"
        )
    if fit.value <= 0 or width > 0.2:
        return checks, f"the fit does not determine lambda: the interval reaches {width:.0%} either side"
    if fit.misfit > 3:
        return (
            checks,
            f"no known approach to lambda fits the curve Lambda(t): chi^2 {fit.misfit:.1f} a number; no plateau",
        )
    if beyond > 0.15:
        return checks, f"lambda lies {beyond:.0%} beyond the top of the ladder: an extrapolation"
    return checks, ""
