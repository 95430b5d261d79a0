"""The multiplicity-corrected learning coefficient: a ladder of t = n beta, the curve Lambda(t), and the fit of (lambda, m).

1. A pilot of few short chains over a wide range of t finds where the curve leaves the box and how fast neighbours part.
2. The ladder: ratios 1 + 2.8/sqrt(Lambda), at most `RUNGS`, up to n with noise, up to `HIGHEST` over the pilot's start
   without, and never beyond what the loss's precision resolves.
3. `ENSEMBLES` ladders of exact chains with exchange (learners/ladder.py), and `fit_ladder` on their means.
4. `doubts`: what withholds the answer.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import chi2
from scipy.stats import t as student

from heldout.core.errors import InputError
from heldout.core.estimate import Estimate
from heldout.core.streams import stream
from heldout.learners.ladder import LadderTrace, sample_ladder
from heldout.measures.posterior.coefficient import LearningCoefficient
from heldout.measures.posterior.descent import fall
from heldout.measures.posterior.problem import Problem
from heldout.stats.ladder_fit import LadderFit, fit_ladder
from heldout.stats.rhat_ess import ess, r_hat

Floats = NDArray[np.float64]
RUNGS, ENSEMBLES, BURN, DRAWS = 22, 16, 400, 800
FEWEST_RUNGS = 8
JITTER = 1e-6  # of the cold start, where the prior has a pole at w*
LOWEST, HIGHEST = 10.0, 1e18
TARGET = "lambda, corrected for multiplicity"


@dataclass(frozen=True)
class Ladder:
    """Settings of the run; None is chosen from the problem."""

    ensembles: int = ENSEMBLES
    burn: int = BURN
    draws: int = DRAWS
    rungs: int = RUNGS
    lowest: float | None = None
    highest: float | None = None
    level: float = 0.95

    def __post_init__(self) -> None:
        if self.ensembles < 8 or self.draws < 100 or self.burn < 100 or self.rungs < FEWEST_RUNGS:
            raise InputError(
                f"ensembles={self.ensembles}, burn={self.burn}, draws={self.draws}, rungs={self.rungs}",
                f"give at least 8 ensembles, 100 steps of burn-in, 100 draws and {FEWEST_RUNGS} rungs",
            )
        ends = [v for v in (self.lowest, self.highest) if v is not None]
        if any(not 0 < v < math.inf for v in ends) or (len(ends) == 2 and ends[0] * 4 > ends[1]):
            raise InputError(
                f"the ladder of n beta runs from {self.lowest} to {self.highest}",
                "give 0 < lowest, 4 lowest <= highest",
            )


def corrected(problem: Problem, seed: int = 0, settings: Ladder | None = None) -> LearningCoefficient:
    """lambda of the problem's w*, or the reason why it cannot be had."""
    begun = time.perf_counter()
    chosen = settings or Ladder()
    box = _box_loss(problem, seed)
    rungs, pilot_gradients = _ladder(problem, seed, chosen, box)
    trace = sample_ladder(
        problem.loss,
        problem.parameters,
        rungs,
        seed,
        problem.prior,
        chosen.ensembles,
        chosen.burn,
        chosen.draws,
        problem.moves,
        JITTER if problem.log_prior else 0.0,
    )
    curves = trace.t * trace.loss.mean(0)  # [e k]
    overall = trace.loss.mean((0, 1))
    squares = trace.t**2 * ((trace.loss - overall) ** 2).mean(0)
    finite = bool(np.isfinite(curves).all() and np.isfinite(squares).all())
    hats = np.array([r_hat(trace.loss[:, :, k].T) for k in range(len(rungs))])
    sizes = np.array([ess(trace.loss[:, :, k].T) for k in range(len(rungs))])
    fit = fit_ladder(trace.t, curves, squares, problem.n, box) if finite else None
    stderr = curves.std(0, ddof=1) / math.sqrt(chosen.ensembles)
    checks, reason = doubts(problem, trace, curves, squares, hats, sizes, fit, chosen)
    n = problem.n or 0
    method = f"{chosen.ensembles} ladders of {len(rungs)} temperatures, Hamiltonian chains with exchange, fit of lambda and m"
    estimate = (
        _estimate(fit, chosen, method, n) if not reason and fit else Estimate.withheld(reason, method, n)
    )
    return LearningCoefficient(
        estimate=estimate,
        target=TARGET,
        t=trace.t,
        curve=curves.mean(0),
        curve_stderr=stderr,
        square=squares.mean(0),
        r_hat=hats,
        ess=sizes,
        acceptance=trace.acceptance,
        loss_traces=trace.loss.astype(np.float32),
        burn_traces=trace.burn_loss.astype(np.float32),
        loss_at_start=problem.start_loss,
        lowest_loss=problem.start_loss + trace.lowest,
        choices={
            "ensembles": chosen.ensembles,
            "burn": chosen.burn,
            "draws": chosen.draws,
            "rungs": len(rungs),
            "lowest t": float(rungs[0]),
            "highest t": float(rungs[-1]),
            "radius": f"{float(problem.radius.min()):.3g} to {float(problem.radius.max()):.3g}",
            "seed": seed,
        },
        checks=checks,
        fit=fit.weights if fit else {},
        fitted=fit.curve if fit else None,
        multiplicity=fit.multiplicity if fit else math.nan,
        gradients=(trace.gradients * len(rungs) * chosen.ensembles) + pilot_gradients,
        seconds=time.perf_counter() - begun,
    )


def _estimate(fit: LadderFit, chosen: Ladder, method: str, n: int) -> Estimate:
    half = float(student.ppf(0.5 + chosen.level / 2, chosen.ensembles - 1)) * fit.stderr
    return Estimate(fit.value, fit.value - half, fit.value + half, chosen.level, fit.stderr, method, n)


def _ladder(problem: Problem, seed: int, chosen: Ladder, box: float) -> tuple[Floats, int]:
    """The rungs t [k], and what the pilot cost."""
    highest = chosen.highest if chosen.highest is not None else _highest(problem, box)
    lowest = chosen.lowest if chosen.lowest is not None else min(LOWEST, highest / 100)
    wide = np.geomspace(lowest, highest, 14)
    jitter = JITTER if problem.log_prior else 0.0
    pilot = sample_ladder(
        problem.loss, problem.parameters, wide, seed + 1, problem.prior, 4, 150, 60, problem.moves, jitter
    )
    cold = pilot.loss[:, ~pilot.hot]  # the annealed half need not have arrived
    curve = wide * np.where(np.isfinite(cold), cold, np.nan).mean((0, 1))
    cost = pilot.gradients * 14 * 4
    top = min(float(np.nanmedian(curve)), problem.parameters / 2) if np.isfinite(curve).any() else 1.0
    first = int(np.argmax(np.nan_to_num(curve) >= 0.4 * top))
    if chosen.lowest is None and first > 0:
        lowest = float(wide[min(first, len(wide) // 2)])
    rungs = [lowest]
    level = np.clip(np.nan_to_num(curve, nan=top), 0.05, max(2 * top, 0.1))
    while rungs[-1] < highest and len(rungs) < chosen.rungs:
        here = float(np.interp(math.log(rungs[-1]), np.log(wide), level))
        rungs.append(min(highest, rungs[-1] * (1 + 2.8 / math.sqrt(here))))
    fewest = max(FEWEST_RUNGS, chosen.rungs - 6)
    return (np.array(rungs) if len(rungs) >= fewest else np.geomspace(lowest, rungs[-1], fewest)), cost


def _highest(problem: Problem, box: float) -> float:
    """The top of the ladder: n; without noise `HIGHEST` over the loss in the box, within what can be resolved."""
    if problem.n is not None:
        return float(problem.n)
    resolved = 0.01 / problem.resolution if problem.start_loss > 1e-25 else math.inf
    return max(1e3, min(HIGHEST / box, resolved))


def _box_loss(problem: Problem, seed: int) -> float:
    """The largest loss above w* among 256 points of the box: where its power law begins."""
    z = torch.from_numpy(stream(seed, "llc box").uniform(-1, 1, (256, problem.parameters)))
    with torch.no_grad():
        losses = problem.loss(z).numpy()
    sound = losses[np.isfinite(losses) & (losses > 0)]
    return float(sound.max()) if len(sound) else 1.0


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
