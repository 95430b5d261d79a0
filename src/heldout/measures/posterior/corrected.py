"""The multiplicity-corrected learning coefficient: a ladder of t = n beta, the curve Lambda(t), and the fit of (lambda, m).

1. A pilot of few short chains over a wide range of t finds where the curve leaves the box and how fast neighbours part.
2. The ladder: ratios at which neighbours trade, at most `rungs`, up to n with noise, up to `HIGHEST` over the pilot's start
   without, and never beyond what the loss's precision resolves.
3. `ensembles` ladders of exact chains with exchange (learners/ladder.py), and `fit_ladder` on their means.
   The error was calibrated with the usual number of rungs; where there are fewer, it grows with the square of the ratio.
   Without noise, rungs from the first on which chains from w* and from the box differ are left out, or losses drown in rounding.
4. `doubts`: what withholds the answer. Chains that have not converged get one more attempt, `LONGER` times as long; those that
   have not spread over the posterior a third.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from heldout.core.estimate import Estimate
from heldout.learners.ladder import LadderTrace, sample_ladders
from heldout.measures.posterior.coefficient import LearningCoefficient, Progress
from heldout.measures.posterior.cut import blurred, cut
from heldout.measures.posterior.doubts import doubts, gaps
from heldout.measures.posterior.problem import Problem
from heldout.measures.posterior.rungs import JITTER, PILOT_BURN, PILOT_DRAWS, box_loss, ladders
from heldout.measures.posterior.settings import LONGER, NOISY_RUNGS, RUNGS, Ladder
from heldout.stats.ladder_fit import LadderFit, fit_ladder
from heldout.stats.rhat_ess import ess, r_hat

Floats = NDArray[np.float64]
TOGETHER, CACHED = 10, 60_000  # seeds in one population at most, and numbers
BURST = 1e60  # t L: chains that have left for good
APART = 3.0  # t between cold and hot halves: rungs from there on are left out
TARGET = "lambda, corrected for multiplicity"
LUCK = "a unit of multiplicity moves the curve by less than the luck of the data; only a loss without noise tells it"


def corrected(
    problem: Problem, seed: int = 0, settings: Ladder | None = None, progress: Progress | None = None
) -> LearningCoefficient:
    """lambda of the problem's w*, or the reason why it cannot be had; progress(steps done, steps known of so far)."""
    return corrected_over_seeds(problem, [seed], settings, progress)[0]


@np.errstate(over="ignore", invalid="ignore")  # chains that diverge are told by `doubts`
def corrected_over_seeds(
    problem: Problem,
    seeds: Sequence[int],
    settings: Ladder | None = None,
    progress: Progress | None = None,
) -> list[LearningCoefficient]:
    """`corrected` for each seed; ladders of the same length are sampled in one population, at a fraction of the time."""
    begun = time.perf_counter()
    chosen = settings or Ladder()
    boxes = [box_loss(problem, seed) for seed in seeds]
    told = _Told(progress, PILOT_BURN + PILOT_DRAWS + chosen.burn + chosen.draws)
    rungs, pilot = ladders(problem, seeds, chosen, boxes, told.step)
    found: dict[int, tuple[LearningCoefficient, int]] = {}
    spent = dict.fromkeys(range(len(seeds)), pilot)
    for attempt in range(chosen.attempts):
        left = [i for i in range(len(seeds)) if i not in found or attempt < found[i][1]]
        longer = replace(chosen, burn=chosen.burn * LONGER**attempt, draws=chosen.draws * LONGER**attempt)
        groups = _populations([rungs[i] for i in left], chosen.ensembles * problem.parameters)
        told.expect(len(groups) * (longer.burn + longer.draws))
        for same in groups:
            places = [left[i] for i in same]
            traces = _sampled(
                problem, [rungs[i] for i in places], [seeds[i] for i in places], longer, told.step
            )
            for i, trace in zip(places, traces):
                spent[i] += trace.gradients * len(trace.t) * chosen.ensembles
                found[i] = _judged(problem, seeds[i], longer, boxes[i], trace, attempt)
    seconds = (time.perf_counter() - begun) / len(seeds)
    return [replace(found[i][0], seconds=seconds, gradients=spent[i]) for i in range(len(seeds))]


class _Told:
    """Steps done, and how many are known to be needed: a further attempt adds its own."""

    def __init__(self, progress: Progress | None, first: int) -> None:
        self._progress, self._done, self._total = progress, 0, first

    def expect(self, steps: int) -> None:
        """So many steps are left from here."""
        self._total = self._done + steps

    def step(self) -> None:
        self._done += 1
        if self._progress is not None:
            self._progress(self._done, max(self._total, self._done))


def _sampled(
    problem: Problem,
    rungs: Sequence[Floats],
    seeds: Sequence[int],
    chosen: Ladder,
    step_done: Callable[[], None],
) -> list[LadderTrace]:
    return sample_ladders(
        problem.loss,
        problem.parameters,
        np.stack(rungs),
        seeds,
        problem.prior,
        chosen.ensembles,
        chosen.burn,
        chosen.draws,
        problem.moves,
        JITTER if problem.log_prior else 0.0,
        problem.identities,
        step_done,
    )


def _populations(ladders: Sequence[Floats], numbers: int) -> list[list[int]]:
    """Places of ladders of one length, as many together as stay in the processor's cache; numbers: those of one rung."""
    groups: list[list[int]] = []
    for k in sorted({len(rungs) for rungs in ladders}):
        same = [i for i, rungs in enumerate(ladders) if len(rungs) == k]
        many = max(1, min(TOGETHER, CACHED // (numbers * k)))
        groups += [same[i : i + many] for i in range(0, len(same), many)]
    return groups


def _judged(
    problem: Problem, seed: int, chosen: Ladder, box: float, trace: LadderTrace, attempt: int
) -> tuple[LearningCoefficient, int]:
    """What one seed's ladder says, withheld where it is not to be believed; and how many attempts that doubt is worth."""
    asked, drowned = len(trace.t), False
    if problem.n is None:
        wrong = blurred(problem, trace)
        trace = cut(trace, wrong)
        drowned = bool(wrong[: len(trace.t)].any())
        trace = cut(trace, gaps(trace.first, trace.hot) > APART)
    rungs = trace.t
    curves, overall = trace.first, trace.first.mean(0)  # [e k], [k]
    squares = trace.second - 2 * overall * curves + overall**2
    finite = bool(np.isfinite(squares).all() and (np.abs(curves) < BURST).all())
    hats = np.array([r_hat(trace.loss[:, :, k].T) for k in range(len(rungs))])
    sizes = np.array([ess(trace.loss[:, :, k].T) for k in range(len(rungs))])
    fit = fit_ladder(trace.t, curves, squares, problem.n, box, problem.parameters) if finite else None
    if fit is not None:
        usual = RUNGS if problem.n is None else NOISY_RUNGS
        fit = replace(fit, stderr=fit.stderr * max(1.0, usual / asked) ** 2)
    stderr = curves.std(0, ddof=1) / math.sqrt(chosen.ensembles)
    # Chains that were cut or needed longer runs are asked for more: such ones passed 5% to 13% off. By chance 6% are near.
    if_near = attempt + 2 if attempt == 1 or (attempt == 0 and len(rungs) < asked) else 1
    checks, reason, worth, lower = doubts(
        problem, trace, curves, squares, hats, sizes, fit, chosen, if_near, drowned
    )
    n = problem.n or 0
    method = f"{chosen.ensembles} ladders of {len(rungs)} temperatures, Hamiltonian chains with exchange, fit of lambda and m"
    estimate = (
        _estimate(fit, chosen, method, n) if not reason and fit else Estimate.withheld(reason, method, n)
    )
    told = LearningCoefficient(
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
            "rungs left out at the top": asked - len(rungs),
            "lowest t": float(rungs[0]),
            "highest t": float(rungs[-1]),
            "radius": f"{float(problem.radius.min()):.3g} to {float(problem.radius.max()):.3g}",
            "seed": seed,
        },
        checks=checks,
        fit=fit.weights if fit else {},
        fitted=fit.curve if fit else None,
        lower=lower,
        multiplicity=_multiplicity(fit, chosen, n, reason),
    )
    return told, worth


def _estimate(fit: LadderFit, chosen: Ladder, method: str, n: int) -> Estimate:
    half = float(student.ppf(0.5 + chosen.level / 2, chosen.ensembles - 1)) * fit.stderr
    return Estimate(fit.value, fit.value - half, fit.value + half, chosen.level, fit.stderr, method, n)


def _multiplicity(fit: LadderFit | None, chosen: Ladder, n: int, reason: str) -> Estimate:
    if reason or n or fit is None:
        return Estimate.withheld(reason or LUCK, n=n)
    low, high = fit.multiplicity_within(chosen.level)
    method = "average over forms of the approach to lambda; the interval holds the forms of that weight"
    return Estimate(fit.multiplicity, low, high, chosen.level, method=method, n=n)
