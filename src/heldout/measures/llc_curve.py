"""Lambda(t, R): t (E_{t,R}[L] - L(w*)) over temperatures t = n beta and boxes of half-width R, and whether it has a plateau.

A learning coefficient is the height of a plateau: where Lambda depends neither on t nor on R. Trained networks as a rule
have none; then there is no number to report, and two networks are compared by their curves, at the same loss.

    log Lambda = a + b log t + c log R    on a block of the grid that holds the largest t, chain by chain
It is a plateau where |b| and |c| with their errors change Lambda by at most `FLAT` over the block: shown to be flat, not merely
not shown to be steep. A plateau does not show multiplicity 1: with m > 1 the curve rises as log log, and is found too steep only
where the grid is wide enough.

>>> bowl = lambda w: (torch.arange(1.0, 5.0) * w.square()).sum(1) / 2
>>> found = curve_of_energy(bowl, torch.zeros(4), t=[1e3, 4e3, 16e3], radii=[0.5, 1.0])
>>> found.value.shape, abs(float(found.plateau.value) - 2.0) < 0.1                                 # regular: p/2
((3, 2), True)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import t as student
from torch import Tensor

from heldout.core.batch import Batch, len_of
from heldout.core.errors import InputError
from heldout.core.estimate import Estimate
from heldout.core.options import check_whole
from heldout.core.products import differentiable
from heldout.core.second_order import parameters as parameters_of
from heldout.core.selection import Parameters, select
from heldout.core.subject import Subject
from heldout.learners.ladder import sample_ladder
from heldout.learners.rescaling import Rescaling
from heldout.measures.posterior.asked_once import check_precision, check_steady, checked_start, loss_at
from heldout.measures.posterior.many import langevin_many
from heldout.measures.posterior.mean_loss import Energy, chosen_rows, decay_of, mean_loss
from heldout.measures.posterior.parts import radii as radii_of
from heldout.measures.posterior.summary import doubts, summary

Floats = NDArray[np.float64]
FLAT = 0.1
TIMES = (1 / 3, 1.0, 3.0, 9.0)  # n/log n: the temperatures
RADII = (0.125, 0.25, 0.5, 1.0)  # of each module's largest weight
CHAINS, BURN, DRAWS = 8, 400, 1200
Chains = Literal["langevin", "hamiltonian"]
LARGEST_R_HAT, FEWEST_DRAWS = 1.05, 100


@dataclass(frozen=True)
class LambdaCurve:
    """value [k m] with stderr at t [k] and R [m] (in units of each module's weights); chains [k m c]: each chain's value.

    status [k m]: "ok", or why a cell counts for nothing; plateau: lambda where there is one, else the reason; losses [n] of the
    training examples at w* (None for a plain energy), loss: their mean with what the prior adds.
    """

    t: Floats
    radii: Floats
    value: Floats
    stderr: Floats
    chains: Floats
    r_hat: Floats
    ess: Floats
    status: NDArray[np.str_]
    plateau: Estimate
    loss: float
    losses: Floats | None
    prior: str

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Cells [k m] whose chains can be believed."""
        return self.status == "ok"


@differentiable()
def llc_curve(
    subject: Subject,
    seed: int = 0,
    t: Sequence[float] | None = None,
    radii: Sequence[float] = RADII,
    parameters: Parameters = None,
    weight_decay: float | None = None,
    replica: int = 0,
    chains: int = CHAINS,
    burn: int = BURN,
    draws: int = DRAWS,
    sampler: Chains = "langevin",
) -> LambdaCurve:
    """The curve on the training data at the subject's parameters. t: default n/log n times 1/3, 1, 3, 9.

    radii: half-widths of the box as a share of the largest weight of each module. sampler: Langevin steps for models of any
    size; Hamiltonian chains with exchange cross valleys of small ones where those disagree. Other options as in `measures.llc`.
    """
    thetas = parameters_of(subject)
    check_precision(thetas)
    assert subject.loss is not None
    batch = chosen_rows(subject.train, None)
    n = len_of(batch)
    check_whole(replica=replica)
    if not 0 <= replica < len(thetas):
        raise InputError(f"replica is {replica} of {len(thetas)}", "count them from 0")
    _check(
        seed,
        grid := [n / math.log(n) * factor for factor in TIMES] if t is None else t,
        radii,
        chains,
        burn,
        draws,
        sampler,
    )
    chosen = select(parameters, thetas.shape[1], subject.layout)
    decay, prior = decay_of(subject, weight_decay)
    start = thetas[replica]
    energy, _ = mean_loss(subject.loss, batch, start, chosen.index, decay)
    w = start[chosen.index].to(torch.float64)
    unit = radii_of(w, chosen.sizes, 1.0, chosen.groups)
    eps = torch.finfo(start.dtype).eps
    with torch.no_grad():
        losses = _losses(subject, start, batch)
    return _curve(energy, w, unit, n, seed, grid, radii, chains, burn, draws, losses, prior, eps, sampler)


@differentiable()
def curve_of_energy(
    energy: Energy,
    start: Tensor,
    t: Sequence[float],
    radii: Sequence[float] = RADII,
    n: int | None = None,
    seed: int = 0,
    chains: int = CHAINS,
    burn: int = BURN,
    draws: int = DRAWS,
    sampler: Chains = "langevin",
) -> LambdaCurve:
    """The same for a plain energy(thetas [r p]) -> [r] around start [p]; radii in units of the weights."""
    w = checked_start(energy, start, n)
    _check(seed, t, radii, chains, burn, draws, sampler)
    loss = loss_at(energy, w)
    check_steady("the energy", energy, w, torch.full_like(w, float(radii[-1])))
    eps = torch.finfo(loss.dtype).eps
    return _curve(
        energy,
        w,
        torch.ones_like(w),
        n,
        seed,
        t,
        radii,
        chains,
        burn,
        draws,
        None,
        "flat in the box",
        eps,
        sampler,
    )


def _check(
    seed: int, t: Sequence[float], radii: Sequence[float], chains: int, burn: int, draws: int, sampler: str
) -> None:
    check_whole(seed=seed, chains=chains, burn=burn, draws=draws)
    for name, axis in (("t", t), ("radii", radii)):
        try:
            values = np.asarray(axis, dtype=np.float64)
        except (TypeError, ValueError):
            values = np.empty(0)
        sound = values.ndim == 1 and len(values) >= 2 and bool((np.diff(values) > 0).all())
        if not sound or not 0 < values[0] <= values[-1] < math.inf:
            raise InputError(f"{name} is {axis!r:.60}", "give at least two positive numbers, rising")
    if chains < 4 or burn < 50 or draws < 100:
        raise InputError(
            f"chains={chains}, burn={burn}, draws={draws}", "give at least 4 chains, 50 steps and 100 draws"
        )
    if sampler not in get_args(Chains):
        raise InputError(f"sampler is {sampler!r}", 'use "langevin" or "hamiltonian"')


def _losses(subject: Subject, theta: Tensor, batch: Batch) -> Floats:
    assert subject.loss is not None
    return subject.loss(theta, batch).to("cpu", torch.float64).numpy()


def _curve(
    energy: Energy, w: Tensor, unit: Tensor, n: int | None, seed: int, t: Sequence[float], radii: Sequence[float],
    chains: int, burn: int, draws: int, losses: Floats | None, prior: str, eps: float, sampler: Chains,
) -> LambdaCurve:  # fmt: skip
    ts, rs = np.array(t, dtype=np.float64), np.array(radii, dtype=np.float64)
    k, m = len(ts), len(rs)
    sample = _exact if sampler == "hamiltonian" else _langevin
    losses_of, bias, start_loss = sample(energy, w, unit, seed, ts, rs, chains, burn, draws)
    found = []
    coarse = eps * max(abs(start_loss), 1e-12)
    for i in range(k):
        for j in range(m):
            loss = losses_of[i, j] if np.isfinite(losses_of[i, j]).all() else losses_of[i, j] * np.nan
            value, stderr, checks = summary(loss, np.zeros_like(loss), bias[i, j], float(ts[i]), sampler)
            reason = doubts(
                checks, value, stderr, len(w), n, coarse, lambda: 0.0, LARGEST_R_HAT, FEWEST_DRAWS
            )
            each = ts[i] * loss.mean(0) - bias[i, j]
            found.append((value, stderr, checks["R-hat"], checks["ESS"], reason or "ok", each))

    def grid(place: int) -> Floats:
        return np.array([cell[place] for cell in found]).reshape(k, m)

    status = np.array([cell[4] for cell in found]).reshape(k, m)
    each = np.array([cell[5] for cell in found]).reshape(k, m, chains)
    plateau = _plateau(ts, rs, each, grid(0), status, n or 0)
    return LambdaCurve(
        ts, rs, grid(0), grid(1), each, grid(2), grid(3), status, plateau, start_loss, losses, prior
    )  # fmt: skip


def _langevin(
    energy: Energy, w: Tensor, unit: Tensor, seed: int, t: Floats, radii: Floats, chains: int, burn: int, draws: int
) -> tuple[Floats, Floats, float]:  # fmt: skip
    """Losses above w* [k m draws c], the step-size bias [k m c], and the loss at w*; all cells in one population."""
    k, m = len(t), len(radii)
    boxes = torch.from_numpy(np.tile(radii, k))[:, None] * unit
    levels = torch.from_numpy(np.repeat(t, m))
    run = langevin_many(energy, w.expand(k * m, -1), boxes, levels, seed, None, chains, burn, draws)
    losses = run.loss.transpose(1, 0, 2).reshape(k, m, draws, chains)
    return losses, run.bias.reshape(k, m, chains), float(run.start_loss[0])


def _exact(
    energy: Energy, w: Tensor, unit: Tensor, seed: int, t: Floats, radii: Floats, chains: int, burn: int, draws: int
) -> tuple[Floats, Floats, float]:  # fmt: skip
    """The same by Hamiltonian chains with exchange between temperatures, for one radius after the other."""
    with torch.no_grad():
        base = float(energy(w[None])[0])
    found = []
    for radius in radii:
        box = radius * unit
        moves = (Rescaling(w / box, torch.eye(len(w), dtype=torch.float64), (len(w),)),)
        trace = sample_ladder(
            lambda z, box=box: energy(w + box * z).to(torch.float64) - base,  # type: ignore[misc]
            len(w), t, seed, ensembles=chains, burn=burn, draws=draws, moves=moves,
        )  # fmt: skip
        found.append(trace.loss.transpose(2, 0, 1))
    losses = np.stack(found, 1)
    return losses, np.zeros((len(t), len(radii), chains)), base


def _plateau(
    t: Floats, radii: Floats, chains: Floats, value: Floats, status: NDArray[np.str_], n: int
) -> Estimate:
    """lambda of the largest flat block of at least three temperatures and two radii, or why there is none."""
    method, usable = f"plateau of Lambda(t, R), flat within {FLAT:.0%}", status == "ok"
    blocks = [
        (slice(a, len(t)), slice(b, e))
        for a in range(len(t) - 2)
        for b in range(len(radii) - 1)
        for e in range(b + 2, len(radii) + 1)
    ]
    if not blocks:
        return Estimate.withheld(
            "a plateau needs at least three temperatures and two radii on the grid", method, n
        )
    sound = [block for block in blocks if usable[block].all() and (chains[block] > 0).all()]
    if not sound:
        reasons = status[~usable]
        first = str(reasons[0]) if reasons.size else "single chains fall below w*"
        return Estimate.withheld(
            f"no block of three temperatures and two radii can be measured, so there is no plateau and no learning coefficient: {first}",
            method,
            n,
        )
    sizes = [usable[block].size for block in sound]
    drifts = []
    for place in np.argsort(sizes)[::-1]:
        rows, columns = sound[place]
        height, drift = _flatness(t[rows], radii[columns], chains[rows, columns])
        if drift <= FLAT:
            centre = float(np.exp(height.mean()))
            stderr = math.hypot(
                float(height.std(ddof=1)) / math.sqrt(len(height)), drift / 2 / 1.96
            )  # what may still drift
            half = centre * float(student.ppf(0.975, len(height) - 1)) * stderr
            where = (
                f"t {t[rows][0]:.4g} to {t[-1]:.4g}, R {radii[columns][0]:.3g} to {radii[columns][-1]:.3g}"
            )
            return Estimate(
                centre, centre - half, centre + half, 0.95, centre * stderr, f"{method}, {where}", n
            )
        drifts.append(drift)
    good = value[usable]
    return Estimate.withheld(
        f"no plateau, so no learning coefficient exists to report: Lambda(t, R) goes from {good.min():.4g} to {good.max():.4g}, "
        f"and its flattest part changes by up to {min(drifts):.0%}; compare the curve with another network's at the same loss",
        method,
        n,
    )


def _flatness(t: Floats, radii: Floats, chains: Floats) -> tuple[Floats, float]:
    """log height of each chain's plane at the block's centre [c], and how much it may change over the block."""
    x, y = np.meshgrid(np.log(t) - np.log(t).mean(), np.log(radii) - np.log(radii).mean(), indexing="ij")
    design = np.stack([np.ones(x.size), x.ravel(), y.ravel()], 1)
    planes = np.linalg.lstsq(design, np.log(chains).reshape(x.size, -1), rcond=None)[0]  # [3 c]
    c = planes.shape[1]
    wide = float(student.ppf(0.95, c - 1)) * planes.std(1, ddof=1) / math.sqrt(c)
    slopes = np.abs(planes.mean(1)) + wide
    return planes[0], float(slopes[1] * np.ptp(np.log(t)) + slopes[2] * np.ptp(np.log(radii)))
