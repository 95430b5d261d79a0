"""lambda(n beta): the learning coefficient as seen at one temperature, t (E_t[L] - L(w*)) with t = n beta.

At a finite temperature this is not lambda: w1^2 w2^2 has .377 at n beta = 465 and .5 in the limit. It is what can be had for
a network of any size, and intervals are for lambda(n beta) itself, given the localization.

Chains are Metropolis-adjusted Langevin steps, whose law is exact; unadjusted ones (full batch or minibatch), corrected for the step
size to first order in e^2 (exact where the posterior is Gaussian, gradient noise included; some 5% low on products of blocks); underdamped
Langevin steps; or exact Hamiltonian ones. Each coordinate's scale is learnt in burn-in, and the step size there too: so that .8 of
the exact steps are taken, or that the correction is about a tenth of the value. (The brief burn-in of runs to a given error ends while
most Hamiltonian steps are still smaller than that.)
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.stats import t as student

from heldout.core.errors import InputError
from heldout.core.estimate import Estimate
from heldout.measures.posterior.coefficient import LearningCoefficient, Progress
from heldout.measures.posterior.descent import Below, lowest_near
from heldout.measures.posterior.hamiltonian import hamiltonian
from heldout.measures.posterior.langevin import langevin
from heldout.measures.posterior.problem import Problem
from heldout.measures.posterior.settings import BRIEF, OneTemperature, Run
from heldout.measures.posterior.summary import FEWEST_DRAWS, LARGEST_R_HAT, START_LOWER, doubts, summary

NO_CURVATURE = 100  # trajectories of burn-in where the scales are not known beforehand
LARGEST_MISS = 0.1  # of the value: n beta (L(w*) - the lowest loss seen), by which it is too low
QUICK_LIMITS = 1.1, 100  # R-hat at most and effective draws at least, where an error was asked for


def at_one_temperature(
    problem: Problem,
    seed: int = 0,
    settings: OneTemperature | None = None,
    progress: Progress | None = None,
) -> LearningCoefficient:
    """lambda(n beta) around the problem's w*, or the reason why it cannot be had; progress(steps done, steps at most)."""
    begun = time.perf_counter()
    chosen = settings or OneTemperature()
    sampler = chosen.sampler_for(problem.parameters)
    burn = chosen.burn
    if burn is None and chosen.error is not None and sampler == "hamiltonian":
        burn = BRIEF if bool(problem.curvature.any()) else NO_CURVATURE
    chosen = replace(chosen, sampler=sampler, burn=burn)
    t = chosen.n_beta if chosen.n_beta is not None else _usual(problem.n)
    if chosen.batch_size is not None and problem.on_rows is None:
        raise InputError("minibatches need a loss of given rows", "pass on_rows=, or leave batch_size out")

    def judged(run: Run, fallen: Callable[[], float]) -> tuple[float, float, dict[str, float], str]:
        value, stderr, checks = summary(run.loss, run.prior, run.bias, t, sampler)
        few = problem.parameters, problem.n, problem.resolution
        limits = (LARGEST_R_HAT, FEWEST_DRAWS) if chosen.error is None else QUICK_LIMITS
        reason = doubts(checks, value, stderr, *few, fallen, *limits)
        missed = t * checks["loss below w*"]
        if not reason and missed > LARGEST_MISS * value:
            reason = (
                f"w* is no minimum: the loss is lower by {max(checks['loss below w*'], fallen()):.3g} nearby, which takes {missed:.3g} "
                f'off a value of {value:.3g}; train further, {START_LOWER}, or ask for the ladder (target="lambda")'
            )
        return value, stderr, checks, reason

    def enough(run: Run) -> bool:
        if chosen.error is None or not np.isfinite(run.loss).all():
            return False
        value, stderr, _, reason = judged(run, lambda: 0.0)
        return not reason and stderr <= chosen.error * value

    sample = hamiltonian if sampler == "hamiltonian" else langevin
    run = sample(problem, t, seed, chosen, enough if chosen.error is not None else None, progress)
    lower = max(0.0, -float(np.nanmin(run.loss, initial=0.0)))
    if not np.isfinite(run.loss).all():
        run = replace(run, loss=np.full_like(run.loss, np.nan))
    below: list[Below] = []

    def fallen() -> float:
        below.append(lowest_near(problem, run.last))
        return max(lower, below[-1].drop)

    value, stderr, checks, reason = judged(run, fallen)
    removed, hat, size = float(run.bias.mean()), checks["R-hat"], checks["ESS"]
    n = problem.n or 0
    target = f"lambda(n beta = {t:.4g})"
    method = f"{target}, {chosen.chains} {sampler} chains"
    half = float(student.ppf(0.5 + chosen.level / 2, chosen.chains - 1)) * stderr
    estimate = (
        Estimate.withheld(reason, method, n)
        if reason
        else Estimate(value, value - half, value + half, chosen.level, stderr, method, n)
    )
    one = np.array([t])
    return LearningCoefficient(
        estimate=estimate,
        target=target,
        t=one,
        curve=np.array([value]),
        curve_stderr=np.array([stderr]),
        square=np.array([t**2 * float(run.loss.var())]),
        r_hat=np.array([hat]),
        ess=np.array([size]),
        acceptance=np.array([run.acceptance]),
        loss_traces=run.loss[:, :, None].astype(np.float32),
        burn_traces=run.burn_loss[:, :, None].astype(np.float32),
        loss_at_start=problem.start_loss,
        lowest_loss=problem.start_loss - checks["loss below w*"],
        choices={
            "n beta": t,
            "sampler": sampler,
            "batch": chosen.batch_size or "all data",
            "chains": chosen.chains,
            "burn": chosen.burn_in,
            "draws": run.drawn,
            "step size": run.size,
            "localization": problem.localization,
            "seed": seed,
        },
        checks=checks,
        lower=below[-1].point if below and below[-1].drop > 0 else None,
        bias=removed,
        gradients=run.gradients,
        seconds=time.perf_counter() - begun,
    )


def _usual(n: int | None) -> float:
    """n/log n."""
    if n is None:
        raise InputError("an exact energy has no number of examples", "pass n_beta, or n")
    return n / math.log(n)
