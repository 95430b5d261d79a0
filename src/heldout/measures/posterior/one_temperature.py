"""lambda(n beta): the learning coefficient as seen at one temperature, t (E_t[L] - L(w*)) with t = n beta.

At a finite temperature this is not lambda: w1^2 w2^2 has .377 at n beta = 465 and .5 in the limit. It is what can be had for
a network of any size, and intervals are for lambda(n beta) itself, given the localization.

Chains are Langevin steps (full batch or minibatch), corrected for the step size to first order in e^2 (exact where the
posterior is Gaussian, gradient noise included); underdamped Langevin steps; or exact Hamiltonian ones. Each coordinate's
scale is learnt in burn-in, and the step size there too, so that the correction is about a tenth of the value.
"""

from __future__ import annotations

import math
import time
from dataclasses import replace

import numpy as np
from scipy.stats import chi2
from scipy.stats import t as student

from heldout.core.errors import InputError
from heldout.core.estimate import Estimate
from heldout.learners.ladder import sample_ladder
from heldout.measures.posterior.coefficient import LearningCoefficient
from heldout.measures.posterior.descent import fall
from heldout.measures.posterior.langevin import langevin
from heldout.measures.posterior.problem import Problem
from heldout.measures.posterior.settings import OneTemperature, Run
from heldout.stats.rhat_ess import ess, r_hat

TRUSTED = 0.1  # of the correction enters the error, as it is exact for Gaussian posteriors only
UNDERDAMPED_DOUBT = 0.05  # their bias is 0 for Gaussian posteriors only, and is not measured


def at_one_temperature(
    problem: Problem, seed: int = 0, settings: OneTemperature | None = None
) -> LearningCoefficient:
    """lambda(n beta) around the problem's w*, or the reason why it cannot be had."""
    begun = time.perf_counter()
    chosen = settings or OneTemperature()
    t = chosen.n_beta if chosen.n_beta is not None else _usual(problem.n)
    if chosen.batch_size is not None and problem.on_rows is None:
        raise InputError("minibatches need a loss of given rows", "pass on_rows=, or leave batch_size out")
    run = (
        _exact(problem, t, seed, chosen)
        if chosen.sampler == "hamiltonian"
        else langevin(problem, t, seed, chosen)
    )
    if not np.isfinite(run.loss).all():
        run = replace(run, loss=np.full_like(run.loss, np.nan))
    scaled = t * run.loss
    each = scaled.mean(0) - run.bias
    value, removed = float(each.mean()), float(run.bias.mean())
    hat, size = r_hat(run.loss.T), ess(run.loss.T)
    between = float(each.std(ddof=1)) / math.sqrt(chosen.chains)
    within = float(scaled.std()) / math.sqrt(size) if size > 0 else math.nan
    doubt = UNDERDAMPED_DOUBT * abs(value) if chosen.sampler == "underdamped" else TRUSTED * removed
    stderr = math.sqrt(max(between, within) ** 2 + doubt**2)
    sensitivity = -float(np.cov(scaled.ravel(), run.prior.ravel())[0, 1]) if run.prior.std() > 0 else 0.0
    checks = {
        "loss below w*": max(0.0, -float(run.loss.min())),
        "R-hat": hat,
        "ESS": size,
        "change when the localization is e times as strong": sensitivity,
        "step-size correction": -removed,
        "correction of the value": removed / max(abs(value), 1e-12),
    }
    n = problem.n or 0
    target = f"lambda(n beta = {t:.4g})"
    method = f"{target}, {chosen.chains} {chosen.sampler} chains"
    reason = _doubts(problem, checks, value, stderr)
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
            "sampler": chosen.sampler,
            "batch": chosen.batch_size or "all data",
            "chains": chosen.chains,
            "burn": chosen.burn,
            "draws": chosen.draws,
            "step size": run.size,
            "localization": problem.localization,
            "seed": seed,
        },
        checks=checks,
        bias=removed,
        gradients=run.gradients,
        seconds=time.perf_counter() - begun,
    )


def _usual(n: int | None) -> float:
    """n/log n."""
    if n is None:
        raise InputError("an exact energy has no number of examples", "pass n_beta, or n")
    return n / math.log(n)


def _doubts(problem: Problem, checks: dict[str, float], value: float, stderr: float) -> str:
    allowed = 10 * problem.resolution + 1e-12
    if problem.n is not None:
        allowed += float(chi2.ppf(0.9999, problem.parameters)) / 2 / problem.n
    if not math.isfinite(value) or not math.isfinite(checks["R-hat"]):
        return "the chains diverge: the loss is not finite; use a smaller n beta or a stronger localization"
    if checks["loss below w*"] > allowed or value <= 0:
        return (
            f"w* is no minimum: the loss is lower by {max(checks['loss below w*'], fall(problem)):.3g} nearby "
            f"(at most {allowed:.3g} can be chance); train further, or start at the point they found"
        )
    if checks["R-hat"] > 1.03:
        return f"the chains disagree: R-hat {checks['R-hat']:.3f}, above 1.03; give more draws"
    if checks["ESS"] < 300:
        return f"too few independent draws: ESS {checks['ESS']:.0f} of 300; give more draws"
    if checks["correction of the value"] > 0.3:
        return f"the step size adds {checks['correction of the value']:.0%} to the value: too much to be corrected; give more burn-in, or a larger batch"
    if stderr > 0.1 * value:
        return f"the error is {stderr / value:.0%} of the value: give more draws"
    return ""


def _exact(problem: Problem, t: float, seed: int, chosen: OneTemperature) -> Run:
    trace = sample_ladder(
        problem.loss,
        problem.parameters,
        [t],
        seed,
        problem.prior,
        chosen.chains,
        chosen.burn,
        chosen.draws,
        problem.moves,
    )
    loss = trace.loss[:, :, 0]
    zero = np.zeros(chosen.chains)
    return Run(
        loss,
        np.zeros_like(loss),
        zero,
        float(trace.sizes[0]),
        trace.gradients * chosen.chains,
        float(trace.acceptance[0]),
        trace.burn_loss[:, :, 0],
    )
