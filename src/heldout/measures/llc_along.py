"""lambda(n beta) at each of many checkpoints of one training run, their chains stacked as one population.

    t (E_t[L] - L(w_s)),  t = n beta, around each checkpoint w_s: as `measures.llc` at one temperature, for all of them
Checkpoints see the same noise, so that what they have in common cancels in differences along the run; the intervals are those of
single checkpoints. A checkpoint that is no minimum has no learning coefficient: its estimate is withheld, and `raw` keeps what its
chains saw. With the default localization (a box of the size of each module's weights) the box grows with the weights; give
`radius` or `gamma` to hold it fixed.

>>> from torch import nn
>>> X = torch.randn(60, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
>>> model = nn.Sequential(nn.Linear(2, 1, bias=False), nn.Flatten(0)).double()
>>> subject = Subject.from_torch(model, train=(X, X.sum(1) + 0.1 * X[:, 0].sin()), loss=lambda out, y: 0.5 * (out - y).square())
>>> best = torch.linalg.lstsq(X, subject.train.y[:, None]).solution.T
>>> found = llc_along(subject, torch.cat([best, best + 1.0]), n_beta=3000.0, settings=replace(SETTINGS, draws=2500))
>>> abs(float(found.estimate.value[0]) - 1.0) < 0.2, found.reasons[1].split(":")[0]                # two parameters: 1
(True, 'w* is no minimum')
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import t as student
from torch import Tensor

from heldout.core.batch import Batch, len_of
from heldout.core.errors import InputError, Withheld
from heldout.core.estimate import Estimate
from heldout.core.options import check_whole
from heldout.core.population import bytes_made
from heldout.core.products import differentiable
from heldout.core.second_order import parameters as parameters_of
from heldout.core.selection import Parameters, select
from heldout.core.subject import Subject
from heldout.measures.posterior.many import Many, langevin_many
from heldout.measures.posterior.mean_loss import (
    SEPARABLE,
    chosen_rows,
    decay_of,
    falls_as_they_grow,
    mean_loss,
    separated,
)
from heldout.measures.posterior.parts import radii
from heldout.measures.posterior.problem import NOISY_RADIUS
from heldout.measures.posterior.settings import OneTemperature, check_localization
from heldout.measures.posterior.summary import doubts, summary

SETTINGS = OneTemperature(chains=4, burn=300, draws=400)
LARGEST_R_HAT, FEWEST_DRAWS = 1.05, 100  # shorter chains than those of one checkpoint, and a wider error
POPULATION_BYTES = 64 << 20  # of one chunk


@dataclass(frozen=True)
class Along:
    """estimate [t], NaN where `reasons` [t] is not "ok"; raw [t] with raw_stderr: the chains' value whatever it means.

    loss [t] of the sampled energy at each checkpoint; r_hat, ess, step_size [t]; choices: every setting by name.
    """

    estimate: Estimate
    reasons: tuple[str, ...]
    raw: NDArray[np.float64]
    raw_stderr: NDArray[np.float64]
    loss: NDArray[np.float64]
    r_hat: NDArray[np.float64]
    ess: NDArray[np.float64]
    step_size: NDArray[np.float64]
    choices: dict[str, float | int | str]
    gradients: int


@differentiable()
def llc_along(
    subject: Subject,
    thetas: Tensor,
    seed: int = 0,
    *,
    n_beta: float | None = None,
    gamma: float | None = None,
    radius: float | None = None,
    rows: Tensor | None = None,
    parameters: Parameters = None,
    weight_decay: float | None = None,
    settings: OneTemperature = SETTINGS,
) -> Along:
    """lambda(n beta) on the training data at every row of thetas [t p]; options as in `measures.llc`.

    The result of a checkpoint depends on its own parameters, the options and the seed alone. Raises `InputError` for
    options or thetas that cannot be used and for a subject without parameters.
    """
    p = int(parameters_of(subject).shape[-1])
    check_whole(seed=seed)
    _check(thetas, p, gamma, radius, settings)
    gamma, radius = (None if one is None else float(one) for one in (gamma, radius))
    assert subject.loss is not None
    batch = chosen_rows(subject.train, rows)
    n = len_of(batch)
    settings = replace(settings, n_beta=n_beta if n_beta is not None else settings.n_beta or n / math.log(n))
    t = settings.n_beta
    assert t is not None
    selection = select(parameters, p, subject.layout)
    decay, prior = decay_of(subject, weight_decay)
    results: list[tuple[Estimate, dict[str, float]]] = []
    gradients = 0
    for part in _chunks(subject, thetas, batch, settings.chains, len(selection.index)):
        # A checkpoint's frozen coordinates are its own, so that restricted chains run one checkpoint at a time.
        energy, _ = mean_loss(subject.loss, batch, part[0], selection.index, decay)
        starts = part[:, selection.index].to(torch.float64)
        sizes = [
            torch.full_like(w, radius)
            if radius is not None
            else radii(w, selection.sizes, NOISY_RADIUS, selection.groups)
            for w in starts
        ]
        run = langevin_many(
            energy,
            starts,
            torch.stack(sizes),
            t,
            seed,
            gamma,
            settings.chains,
            settings.burn_in,
            settings.draws,
        )
        gradients += run.gradients
        for k, theta in enumerate(part):
            apart = decay == 0.0 and separated(subject, _outputs(subject, theta, batch), batch.y)
            apart = apart and (len(selection.index) == p or falls_as_they_grow(energy, starts[k]))
            results.append(_judged(run, k, t, n, len(selection.index), part.dtype, settings, apart))
    column = {name: np.array([seen[name] for _, seen in results]) for name in results[0][1]}
    choices: dict[str, float | int | str] = {
        "n beta": t,
        "sampler": "langevin",
        "chains": settings.chains,
        "burn": settings.burn_in,
        "draws": settings.draws,
        "localization": f"gamma = {gamma:g}"
        if gamma is not None
        else (f"box of {radius:g}" if radius else "box of each module's largest weight"),
        "prior": prior,
        "parameters": len(selection.index),
        "seed": seed,
    }
    return Along(
        Estimate.joined([found for found, _ in results]),
        tuple(found.status for found, _ in results),
        column["value"],
        column["stderr"],
        column["loss"],
        column["R-hat"],
        column["ESS"],
        column["step size"],
        choices,
        gradients,
    )


def _check(
    thetas: Tensor, p: int, gamma: float | None, radius: float | None, settings: OneTemperature
) -> None:
    if not isinstance(settings, OneTemperature):
        raise InputError(f"settings is {settings!r:.60}", "pass OneTemperature(...)")
    if not isinstance(thetas, Tensor):
        raise InputError(
            f"thetas are a {type(thetas).__name__}", f"give a tensor [t {p}], one row a checkpoint"
        )
    if thetas.ndim != 2 or thetas.shape[0] == 0 or thetas.shape[1] != p:
        raise InputError(f"thetas have shape {tuple(thetas.shape)}", f"give one row a checkpoint: [t {p}]")
    if thetas.dtype not in (torch.float32, torch.float64):
        raise InputError(f"thetas are {thetas.dtype}", "convert model and data to float32 or float64")
    bad = (~torch.isfinite(thetas).all(1)).nonzero().flatten().tolist()
    if bad:
        raise InputError(
            f"checkpoint {bad[0]} is not finite ({len(bad)} of {len(thetas)} are not)", "leave it out"
        )
    check_localization(gamma, radius)
    if settings.sampler not in (None, "langevin") or settings.batch_size is not None:
        raise InputError(
            f"sampler {settings.sampler!r} with batch_size {settings.batch_size}",
            "along a trajectory chains are Langevin steps on all data; measure a single checkpoint by llc, or give rows=",
        )


def _chunks(subject: Subject, thetas: Tensor, batch: Batch, chains: int, moving: int) -> Iterator[Tensor]:
    """As many checkpoints at a time as fit the memory; one where only some parameters move."""
    loss = subject.loss
    assert loss is not None
    with torch.no_grad():
        try:
            each = bytes_made(lambda: loss(thetas[0], batch))
        except RuntimeError as error:
            raise Withheld(f"the loss cannot be computed: {error}") from error
    together = max(1, POPULATION_BYTES // max(1, 2 * each * chains)) if moving == thetas.shape[1] else 1
    yield from torch.split(thetas, min(together, len(thetas)))


def _outputs(subject: Subject, theta: Tensor, batch: Batch) -> Tensor:
    if subject.forward is None:
        return torch.empty(0)
    with torch.no_grad():
        return subject.forward(theta, batch.x)


def _judged(
    run: Many, k: int, t: float, n: int, p: int, dtype: torch.dtype, settings: OneTemperature, apart: bool
) -> tuple[Estimate, dict[str, float]]:
    method = f"lambda(n beta = {t:.4g}), {settings.chains} langevin chains"
    loss = run.loss[:, k]
    if not np.isfinite(loss).all():
        loss = np.full_like(loss, np.nan)
    value, stderr, checks = summary(loss, run.prior[:, k], run.bias[k], t, "langevin")
    coarse = torch.finfo(dtype).eps * max(abs(float(run.start_loss[k])), 1e-12)
    reason = doubts(
        checks, value, stderr, p, n, coarse, lambda: 0.0, LARGEST_R_HAT, FEWEST_DRAWS
    )  # the fall is what the chains saw
    if apart:
        reason = f"{SEPARABLE}; give weight_decay="
    half = float(student.ppf(0.5 + settings.level / 2, settings.chains - 1)) * stderr
    found = (
        Estimate.withheld(reason, method, n)
        if reason
        else Estimate(value, value - half, value + half, settings.level, stderr, method, n)
    )
    seen = {
        "value": value,
        "stderr": stderr,
        "loss": float(run.start_loss[k]),
        "step size": float(run.size[k]),
    }
    return found, {**seen, "R-hat": checks["R-hat"], "ESS": checks["ESS"]}
