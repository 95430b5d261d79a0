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
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import t as student

from heldout.core.estimate import Estimate
from heldout.core.streams import stream, torch_seed
from heldout.learners.ladder import LadderTrace, sample_ladders
from heldout.measures.posterior.coefficient import LearningCoefficient
from heldout.measures.posterior.doubts import doubts, gaps
from heldout.measures.posterior.problem import Problem
from heldout.measures.posterior.settings import LONGER, NOISY_RUNGS, RUNGS, Ladder
from heldout.stats.ladder_fit import LadderFit, fit_ladder
from heldout.stats.rhat_ess import ess, r_hat

Floats = NDArray[np.float64]
PILOT_RUNGS, PILOTS = 14, 4
TOGETHER, CACHED = 10, 60_000  # seeds in one population at most, and numbers
JITTER = 1e-6  # of the cold start, where the prior has a pole at w*
APART = 3.0  # t between cold and hot halves: rungs from there on are left out
BLUR, VOID = 0.01, 0.05  # of t L, what rounding may change; of the draws, how many may have no loss at all
FEWEST = 12  # rungs that are left, or none is left out
LOWEST, PILOTED, HIGHEST = 10.0, 1e18, 1e75
ROUNDED = 8.0  # of how far the loss falls right beside w*: what counts as rounding
FAINT = 3e-3  # t times that, at most
ROUNDING = 1e-6  # of the loss at the top of the ladder: what a last digit of the weights adds to it, at most
TARGET = "lambda, corrected for multiplicity"


def corrected(problem: Problem, seed: int = 0, settings: Ladder | None = None) -> LearningCoefficient:
    """lambda of the problem's w*, or the reason why it cannot be had."""
    return corrected_over_seeds(problem, [seed], settings)[0]


@np.errstate(over="ignore", invalid="ignore")  # chains that diverge are told by `doubts`
def corrected_over_seeds(
    problem: Problem, seeds: Sequence[int], settings: Ladder | None = None
) -> list[LearningCoefficient]:
    """`corrected` for each seed; ladders of the same length are sampled in one population, at a fraction of the time."""
    begun = time.perf_counter()
    chosen = settings or Ladder()
    boxes = [_box_loss(problem, seed) for seed in seeds]
    ladders, pilot = _ladders(problem, seeds, chosen, boxes)
    found: dict[int, tuple[LearningCoefficient, int]] = {}
    spent = dict.fromkeys(range(len(seeds)), pilot)
    for attempt in range(chosen.attempts):
        left = [i for i in range(len(seeds)) if i not in found or attempt < found[i][1]]
        longer = replace(chosen, burn=chosen.burn * LONGER**attempt, draws=chosen.draws * LONGER**attempt)
        for same in _populations([ladders[i] for i in left], chosen.ensembles * problem.parameters):
            places = [left[i] for i in same]
            traces = _sampled(problem, [ladders[i] for i in places], [seeds[i] for i in places], longer)
            for i, trace in zip(places, traces):
                spent[i] += trace.gradients * len(trace.t) * chosen.ensembles
                found[i] = _judged(problem, seeds[i], longer, boxes[i], trace, attempt)
    seconds = (time.perf_counter() - begun) / len(seeds)
    return [replace(found[i][0], seconds=seconds, gradients=spent[i]) for i in range(len(seeds))]


def _sampled(
    problem: Problem, ladders: Sequence[Floats], seeds: Sequence[int], chosen: Ladder
) -> list[LadderTrace]:
    return sample_ladders(
        problem.loss,
        problem.parameters,
        np.stack(ladders),
        seeds,
        problem.prior,
        chosen.ensembles,
        chosen.burn,
        chosen.draws,
        problem.moves,
        JITTER if problem.log_prior else 0.0,
        problem.identities,
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
        blurred = _blurred(problem, trace)
        trace = _cut(trace, blurred)
        drowned = bool(blurred[: len(trace.t)].any())
        trace = _cut(trace, gaps(trace.first, trace.hot) > APART)
    rungs = trace.t
    curves, overall = trace.first, trace.first.mean(0)  # [e k], [k]
    squares = trace.second - 2 * overall * curves + overall**2
    finite = bool(np.isfinite(curves).all() and np.isfinite(squares).all())
    hats = np.array([r_hat(trace.loss[:, :, k].T) for k in range(len(rungs))])
    sizes = np.array([ess(trace.loss[:, :, k].T) for k in range(len(rungs))])
    fit = fit_ladder(trace.t, curves, squares, problem.n, box, problem.parameters) if finite else None
    if fit is not None:
        usual = RUNGS if problem.n is None else NOISY_RUNGS
        fit = replace(fit, stderr=fit.stderr * max(1.0, usual / asked) ** 2)
    stderr = curves.std(0, ddof=1) / math.sqrt(chosen.ensembles)
    # Chains that were cut or needed longer runs are asked for more: such ones passed 5% to 13% off. By chance 6% are near.
    if_near = attempt + 2 if attempt == 1 or (attempt == 0 and len(rungs) < asked) else 1
    checks, reason, worth = doubts(
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
        multiplicity=fit.multiplicity if fit else math.nan,
    )
    return told, worth


def _blurred(problem: Problem, trace: LadderTrace) -> NDArray[np.bool_]:
    """[k]: where a last digit of the weights changes the chains' own losses by more than `BLUR` of t L, or more than `VOID` of their
    losses are 0. Weights near 0 have digits to spare; what cancels between weights, or beside a constant, has not."""
    e, k, p = trace.last.shape
    w = problem.thetas(trace.last.reshape(e * k, p))
    signs = torch.from_numpy(stream(0, "llc blur").choice([-1.0, 1.0], (e * k, p)))
    with torch.no_grad():
        off = (problem.energy(w * (1 + 2.3e-16 * signs)) - problem.energy(w)).to(torch.float64)
    blur = trace.t * off.abs().nan_to_num(0.0, 0.0).view(e, k).mean(0).numpy()
    void = (trace.loss == 0).mean((0, 1)) > VOID
    return np.asarray((blur > BLUR * np.abs(trace.first.mean(0))) | void)


def _cut(trace: LadderTrace, wrong: NDArray[np.bool_]) -> LadderTrace:
    """The rungs below the first wrong one: higher up, digits and mixing fail first. All of them where fewer than `FEWEST` would be left:
    then the doubts say so."""
    keep = int(np.argmax(wrong)) if wrong.any() else len(trace.t)
    if keep < FEWEST or keep == len(trace.t):
        return trace
    return replace(
        trace,
        loss=trace.loss[:, :, :keep],
        burn_loss=trace.burn_loss[:, :, :keep],
        t=trace.t[:keep],
        acceptance=trace.acceptance[:keep],
        traded=trace.traded[: keep - 1],
        sizes=trace.sizes[:keep],
        first=trace.first[:, :keep],
        second=trace.second[:, :keep],
        last=trace.last[:, :keep],
    )


def _estimate(fit: LadderFit, chosen: Ladder, method: str, n: int) -> Estimate:
    half = float(student.ppf(0.5 + chosen.level / 2, chosen.ensembles - 1)) * fit.stderr
    return Estimate(fit.value, fit.value - half, fit.value + half, chosen.level, fit.stderr, method, n)


def _ladders(
    problem: Problem, seeds: Sequence[int], chosen: Ladder, boxes: Sequence[float]
) -> tuple[list[Floats], int]:
    """The rungs t [k] of each seed, and how many gradients a seed's pilot took."""
    ends = [_ends(problem, chosen, box) for box in boxes]
    tops = [min(highest, max(PILOTED / box, 10 * lowest)) for (lowest, highest), box in zip(ends, boxes)]
    wide = np.stack(
        [np.geomspace(lowest, top, PILOT_RUNGS) for (lowest, _), top in zip(ends, tops)]
    )  # a coarser one would start too high, where no chain reaches the walls of the box
    jitter = JITTER if problem.log_prior else 0.0
    names = [torch_seed(seed, "llc pilot") for seed in seeds]
    pilots = sample_ladders(
        problem.loss,
        problem.parameters,
        wide,
        names,
        problem.prior,
        PILOTS,
        150,
        60,
        problem.moves,
        jitter,
    )
    ladders = [
        _rungs(problem, chosen, pilot, min(highest, _told_from_rounding(problem, pilot)))
        for pilot, (_, highest) in zip(pilots, ends)
    ]
    return ladders, pilots[0].gradients * PILOT_RUNGS * PILOTS


def _told_from_rounding(problem: Problem, pilot: LadderTrace) -> float:
    """The t up to which a loss that goes below w* by what rounding does, and no further, is none; inf where that is not it.

    Rounding does the same close to w*, where no loss that is smooth can fall.
    """
    if problem.n is not None or not pilot.lowest < 0:
        return math.inf
    close = np.repeat([1e-12, 1e-11, 1e-10, 1e-9], 64)[:, None]
    z = torch.from_numpy(close * stream(0, "llc rounded").standard_normal((256, problem.parameters)))
    with torch.no_grad():
        deepest = -float(problem.loss(z).min())
    told = FAINT / -pilot.lowest
    return told if -pilot.lowest <= ROUNDED * deepest and told > 100 * pilot.t[0] else math.inf


def _rungs(problem: Problem, chosen: Ladder, pilot: LadderTrace, highest: float) -> Floats:
    wide = pilot.t
    lowest = float(wide[0])
    cold = pilot.loss[:, ~pilot.hot]  # the annealed half need not have arrived
    curve = wide * np.where(np.isfinite(cold), cold, np.nan).mean((0, 1))
    top = min(float(np.nanmedian(curve)), problem.parameters / 2) if np.isfinite(curve).any() else 1.0
    first = int(np.argmax(np.nan_to_num(curve) >= 0.4 * top))
    if chosen.lowest is None and first > 0:
        lowest = float(wide[min(first, len(wide) // 2)])
    rungs = [lowest]
    level = np.clip(np.nan_to_num(curve, nan=top), 0.05, max(2 * top, 0.1))
    while rungs[-1] < highest and len(rungs) < chosen.rungs:
        here = float(np.interp(math.log(rungs[-1]), np.log(wide), level))
        rungs.append(min(highest, rungs[-1] * _ratio(here)))
    fewest = chosen.rungs if problem.n is None else min(chosen.rungs, NOISY_RUNGS)
    return np.array(rungs) if len(rungs) >= fewest else np.geomspace(lowest, rungs[-1], fewest)


def _ratio(level: float) -> float:
    """Of neighbouring t, so that about .4 of exchanges are taken where Lambda is at most 1, and .2 to .4 above: t L is Gamma(Lambda)."""
    return math.exp(1.33 * level**-0.75) if level < 1 else 1 + 2.8 / math.sqrt(level)


def _ends(problem: Problem, chosen: Ladder, box: float) -> tuple[float, float]:
    """The lowest and highest t that are considered."""
    highest = chosen.highest if chosen.highest is not None else _highest(problem, box)
    return (chosen.lowest if chosen.lowest is not None else min(LOWEST, highest / 100)), highest


def _highest(problem: Problem, box: float) -> float:
    """The top of the ladder: n; without noise `HIGHEST` over the loss in the box, within what can be resolved."""
    if problem.n is not None:
        return float(problem.n)
    if problem.start_loss > 1e-25:
        resolved = 0.01 / problem.resolution
    else:
        resolved = ROUNDING / max(_rounding(problem), 1e-300)
    return max(1e3, min(HIGHEST / box, resolved))


def _rounding(problem: Problem) -> float:
    """What the loss at w* gains where every weight is off by a last digit: 0 where w* is 0."""
    signs = stream(0, "llc rounding").choice([-1.0, 1.0], (16, problem.parameters))
    with torch.no_grad():
        losses = problem.energy(problem.start * (1 + 2.3e-16 * torch.from_numpy(signs)))
    return float((losses.to(torch.float64) - problem.start_loss).abs().max())


def _box_loss(problem: Problem, seed: int) -> float:
    """The largest loss above w* among 256 points of the box: where its power law begins."""
    z = torch.from_numpy(stream(seed, "llc box").uniform(-1, 1, (256, problem.parameters)))
    with torch.no_grad():
        losses = problem.loss(z).numpy()
    sound = losses[np.isfinite(losses) & (losses > 0)]
    return float(sound.max()) if len(sound) else 1.0
