"""Which temperatures a ladder has: a pilot finds where Lambda(t) leaves the box and how fast neighbours part, then ratios at which
neighbours trade lead up to n with noise, without noise as far as the loss is resolved.

>>> from heldout.measures.posterior.problem import problem_of_energy
>>> bowl = problem_of_energy(lambda w: w.square().sum(1), torch.zeros(2))
>>> (rungs,), gradients = ladders(bowl, [0], Ladder(), [box_loss(bowl, 0)])
>>> len(rungs), bool((np.diff(np.log(rungs)) > 0).all())
(26, True)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from heldout.core.errors import InputError, Withheld
from heldout.core.streams import stream, torch_seed
from heldout.learners.hessian_walk import HessianWalk
from heldout.learners.ladder import LadderTrace, sample_ladders
from heldout.measures.posterior.problem import Problem
from heldout.measures.posterior.settings import NOISY_RUNGS, Ladder
from heldout.measures.posterior.summary import CONSTANT

Floats = NDArray[np.float64]
PILOT_RUNGS, PILOTS, PILOT_BURN, PILOT_DRAWS = 14, 4, 150, 60
JITTER = 1e-6  # of the cold start, where the prior has a pole at w*
LOWEST, PILOTED, HIGHEST = 10.0, 1e18, 1e75
WALKED, WIDE_ARMS = 1e40, 0.09  # where arms may lie across the axes, and Lambda is above: see `_walked`
ROUNDED = 8.0  # of how far the loss falls right beside w*: what counts as rounding
FAINT = 3e-3  # t times that, at most
ROUNDING = 1e-6  # of the loss at the top of the ladder: what a last digit of the weights adds to it, at most


def ladders(
    problem: Problem,
    seeds: Sequence[int],
    chosen: Ladder,
    boxes: Sequence[float],
    step_done: Callable[[], None] | None = None,
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
        PILOT_BURN,
        PILOT_DRAWS,
        problem.moves,
        jitter,
        step_done=step_done,
    )
    chosen_rungs = [
        _rungs(
            problem,
            chosen,
            pilot,
            min(highest, _told_from_rounding(problem, pilot), _walked(problem, chosen, pilot, box)),
        )
        for pilot, (_, highest), box in zip(pilots, ends, boxes)
    ]
    return chosen_rungs, pilots[0].gradients * PILOT_RUNGS * PILOTS


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


def _walked(problem: Problem, chosen: Ladder, pilot: LadderTrace, box: float) -> float:
    """The t up to which the Hessian walk keeps pace with arms that lie across the axes; inf where weights are scaled one by one.

    Arms are about t^-Lambda wide. At 1e-8 of the box the top rungs of `w1^4 w2^6` turned were up to 17% high. Where Lambda is small
    the ladder must be long to tell poles apart, and arms are wide enough up to its end. (A bound that moves with Lambda was tried: the
    pilot's Lambda is too rough for it.)
    """
    walks = any(isinstance(move, HessianWalk) for move in problem.moves)
    if chosen.highest is not None or problem.n is not None or not walks or max(problem.tensors) == 1:
        return math.inf
    level = float(np.median(_curve(pilot)[5:]))
    return math.inf if level < WIDE_ARMS else WALKED / box


def _curve(pilot: LadderTrace) -> Floats:
    """Lambda [k], NaN where a chain met no finite loss."""
    cold = pilot.loss[:, ~pilot.hot]  # the annealed half need not have arrived
    curve: Floats = pilot.t * np.where(np.isfinite(cold), cold, np.nan).mean((0, 1))
    return curve


def _rungs(problem: Problem, chosen: Ladder, pilot: LadderTrace, highest: float) -> Floats:
    wide = pilot.t
    lowest = float(wide[0])
    curve = _curve(pilot)
    top = min(float(np.nanmedian(curve)), problem.parameters / 2) if np.isfinite(curve).any() else 1.0
    first = int(np.argmax(np.nan_to_num(curve) >= 0.4 * top))
    if chosen.lowest is None and first > 0:
        later = float(wide[min(first, len(wide) // 2)])
        lowest = later if later < highest / 4 else lowest
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
    lowest = chosen.lowest if chosen.lowest is not None else min(LOWEST, highest / 100)
    if not 4 * lowest <= highest:
        end = f"n = {problem.n}" if problem.n is not None else "what the loss resolves"
        raise InputError(
            f"the ladder would reach from t = {lowest:.4g} to {highest:.4g} ({end if chosen.highest is None else 'as asked for'})",
            "give a lowest t of at most a quarter of the highest",
        )
    return lowest, highest


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


def box_loss(problem: Problem, seed: int) -> float:
    """The largest loss above w* among 256 points of the box: where its power law begins. Raises `Withheld` where it does not change at all."""
    z = torch.from_numpy(stream(seed, "llc box").uniform(-1, 1, (256, problem.parameters)))
    with torch.no_grad():
        losses = problem.loss(z).numpy()
    if not losses.any():
        raise Withheld(CONSTANT)
    sound = losses[np.isfinite(losses) & (losses > 0)]
    return float(sound.max()) if len(sound) else 1.0
