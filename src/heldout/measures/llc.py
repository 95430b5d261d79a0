"""The local learning coefficient of a trained model: how fast the volume of parameters as good as w* shrinks.

Vol{w near w*: L(w) - L(w*) < eps} ~ eps^lambda (-log eps)^(m-1) (Watanabe 2009; Lau, Murfet, Wei et al. 2023). Two targets,
named in the result: "lambda", from a ladder of temperatures n beta with its multiplicity m; and "lambda(n beta)", what one
temperature shows, which is not lambda but can be had for networks of any size. Neither needs tuning: step sizes, scales,
radius, temperatures, burn-in and length are chosen from the problem and reported. Where the chains diverge, disagree, find a
lower loss than w*, or the curve has no plateau, the estimate is withheld with that reason.

>>> from torch import nn
>>> X = torch.randn(60, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
>>> y = X @ torch.tensor([1.0, -2.0], dtype=torch.float64) + 0.3 * torch.sin(torch.arange(60.0, dtype=torch.float64))
>>> model = nn.Sequential(nn.Linear(2, 1, bias=False), nn.Flatten(0)).double()
>>> model[0].weight.data = torch.linalg.lstsq(X, y[:, None]).solution.T.clone()
>>> subject = Subject.from_torch(model, train=(X, y), loss=lambda out, y: 0.5 * (out - y).square())
>>> print(llc(subject, target="lambda(n beta)", n_beta=3000.0))         # two parameters, a regular model: 1
0.97... [0.94..., 1.0...]
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from heldout.core.batch import Batch
from heldout.core.errors import InputError, Withheld
from heldout.core.estimate import Estimate
from heldout.core.options import check_real, check_whole
from heldout.core.products import differentiable
from heldout.core.second_order import parameters as parameters_of
from heldout.core.selection import Parameters
from heldout.core.subject import Subject
from heldout.measures.posterior.asked_once import Prior, check_on_rows
from heldout.measures.posterior.coefficient import LearningCoefficient, Progress
from heldout.measures.posterior.corrected import TARGET, corrected
from heldout.measures.posterior.mean_loss import (
    SEPARABLE,
    Energy,
    OnRows,
    chosen_rows,
    falls_as_they_grow,
    separated,
)
from heldout.measures.posterior.one_temperature import at_one_temperature
from heldout.measures.posterior.problem import problem_of_energy, problem_of_subject
from heldout.measures.posterior.settings import Ladder, OneTemperature

Target = Literal["lambda", "lambda(n beta)"]
LADDER_PARAMETERS = 200  # up to here, and
LADDER_WORK = 1_000_000  # parameters x examples, the ladder is the default


def llc(
    subject: Subject,
    seed: int = 0,
    *,
    target: Target | None = None,
    n_beta: float | None = None,
    gamma: float | None = None,
    radius: float | None = None,
    batch_size: int | None = None,
    rows: Tensor | None = None,
    parameters: Parameters = None,
    weight_decay: float | None = None,
    tensors: Sequence[int] | None = None,
    replica: int = 0,
    settings: Ladder | OneTemperature | None = None,
    progress: Progress | None = None,
) -> Estimate:
    """The learning coefficient at the subject's parameters on its training data; NaN and the reason where there is none.

    target     None: "lambda" for small models, else "lambda(n beta)"; the method of the estimate names it
    n_beta, batch_size, gamma: options of one temperature (they imply that target); gamma replaces the box by
               (gamma/2)|w - w*|^2
    radius     half-width of the box around w*, in units of the weights; None: one radius a module, of the size of its
               weights. tensors: the sizes of theta's parts, in the place of the subject's layout, each with its own radius
    rows [m]   the examples that count; parameters: those that move, by name ("0.weight", "0", "*.bias", "q.weight[0:8]":
               `core.selection`), mask [p] or indices
    weight_decay  of the posterior, (weight_decay/2)|w|^2 in the mean loss; None takes the recipe's
    settings   `Ladder` or `OneTemperature`, for everything else. Raises `InputError` for what cannot be used at all.
    progress   called with (steps done, steps in all) as the chains go on; a ladder that needs longer chains adds theirs
    """
    return llc_report(
        subject,
        seed,
        target=target,
        n_beta=n_beta,
        gamma=gamma,
        radius=radius,
        batch_size=batch_size,
        rows=rows,
        parameters=parameters,
        weight_decay=weight_decay,
        tensors=tensors,
        replica=replica,
        settings=settings,
        progress=progress,
    ).estimate


@differentiable()
def llc_report(
    subject: Subject,
    seed: int = 0,
    *,
    target: Target | None = None,
    n_beta: float | None = None,
    gamma: float | None = None,
    radius: float | None = None,
    batch_size: int | None = None,
    rows: Tensor | None = None,
    parameters: Parameters = None,
    weight_decay: float | None = None,
    tensors: Sequence[int] | None = None,
    replica: int = 0,
    settings: Ladder | OneTemperature | None = None,
    progress: Progress | None = None,
) -> LearningCoefficient:
    """What `llc` saw: the estimate with curves, traces, diagnostics and every choice. Options as in `llc`."""
    seed = _checked(settings, seed, progress)
    check_whole(or_none=True, batch_size=batch_size)
    check_real(or_none=True, n_beta=n_beta)
    n_beta = None if n_beta is None else float(n_beta)
    one = (
        n_beta is not None
        or batch_size is not None
        or gamma is not None
        or isinstance(settings, OneTemperature)
    )
    if target == "lambda" and one:
        raise InputError(
            "n_beta, batch_size and gamma belong to one temperature, and target is lambda",
            'leave them out, or ask for target="lambda(n beta)"',
        )
    if one and isinstance(settings, Ladder):
        raise InputError(
            "n_beta, batch_size and gamma belong to one temperature, and settings is a Ladder",
            "leave them out, or pass OneTemperature(...)",
        )
    if n_beta is not None and isinstance(settings, OneTemperature) and settings.n_beta not in (None, n_beta):
        raise InputError(f"n_beta is {n_beta} and {settings.n_beta}", "give it once")
    if target not in (None, "lambda", "lambda(n beta)"):
        raise InputError(f"target {target!r} is not known", 'use "lambda" or "lambda(n beta)"')
    base = settings if isinstance(settings, OneTemperature) else OneTemperature()
    chosen = replace(
        base,
        n_beta=base.n_beta if n_beta is None else n_beta,
        batch_size=base.batch_size if batch_size is None else batch_size,
    )
    name = str(target or ("lambda(n beta)" if one else ""))
    try:
        problem, prior = problem_of_subject(
            subject, replica, rows, parameters, weight_decay, tensors, radius, gamma
        )
        batch = chosen_rows(subject.train, rows)
        whole = problem.parameters == parameters_of(subject).shape[-1]
        apart = prior == "flat in the box" and separated(subject, _outputs(subject, batch), batch.y)
        if apart and (whole or falls_as_they_grow(problem.energy, problem.start)):
            raise Withheld(f"{SEPARABLE}; give weight_decay=, or a recipe that has one")
        small = (
            problem.parameters <= LADDER_PARAMETERS and problem.parameters * (problem.n or 1) <= LADDER_WORK
        )
        if name == "lambda" or (not name and small):
            ladder = settings if isinstance(settings, Ladder) else Ladder()
            found = corrected(problem, seed, ladder, progress)
        else:
            found = at_one_temperature(problem, seed, chosen, progress)
    except Withheld as reason:
        return _nothing(name or TARGET, str(reason))
    return replace(found, choices={**found.choices, "prior": prior})


@differentiable()
def llc_of_energy(
    energy: Energy,
    start: Tensor,
    n: int | None = None,
    seed: int = 0,
    *,
    settings: Ladder | OneTemperature | None = None,
    tensors: Sequence[int] | None = None,
    radius: float | None = None,
    gamma: float | None = None,
    log_prior: Prior | None = None,
    on_rows: OnRows | None = None,
    progress: Progress | None = None,
) -> LearningCoefficient:
    """lambda of a plain energy(thetas [r p]) -> [r], around its minimum `start` [p]: the mean loss over n examples, or (n None) an exact K.

    thetas are float64, in rows. The chains stay within `radius` of start, by default half the largest weight of each part, .5 where
    all are 0; `tensors` are the parts' sizes (None: found by trying), and a given radius holds for all of them. log_prior(thetas
    [r p]) -> [r]: the log of a prior density, up to a constant; with it lambda is that of K and the prior (a prior
    narrower than the box wants a radius of its own width, or the ladder begins where only the prior is seen). `settings` chooses the target: `Ladder()` (the default) lambda, `OneTemperature()` lambda(n beta). on_rows(thetas [r p],
    rows [r b]) -> [r] is the loss on given rows, for minibatches. progress: as in `llc`.
    """
    seed = _checked(settings, seed, progress)
    one = isinstance(settings, OneTemperature)
    if gamma is not None and radius is None and not one:
        raise InputError(
            "gamma belongs to one temperature", "pass settings=OneTemperature(...), or a radius in its place"
        )
    try:
        problem = problem_of_energy(energy, start, n, tensors, radius, log_prior, gamma, on_rows)
        if on_rows is not None:
            check_on_rows(on_rows, problem.start, n)
        if isinstance(settings, OneTemperature):
            return at_one_temperature(problem, seed, settings, progress)
        return corrected(problem, seed, settings, progress)
    except Withheld as reason:
        return _nothing("lambda(n beta)" if one else TARGET, str(reason))


def _checked(settings: object, seed: int, progress: object) -> int:
    """The seed as a plain int."""
    check_whole(seed=seed)
    if progress is not None and not callable(progress):
        raise InputError(f"progress is {progress!r:.60}", "pass a function of (steps done, steps in all)")
    if settings is not None and not isinstance(settings, (Ladder, OneTemperature)):
        raise InputError(
            f"settings is {settings!r:.60}",
            "pass Ladder(...) or OneTemperature(...), of measures.posterior.settings",
        )
    return operator.index(seed)


def _outputs(subject: Subject, batch: Batch) -> Tensor:
    with torch.no_grad():
        return subject.predict(batch.x)


def _nothing(target: str, reason: str) -> LearningCoefficient:
    none = np.empty(0)
    return LearningCoefficient(
        estimate=Estimate.withheld(reason),
        target=target,
        t=none,
        curve=none,
        curve_stderr=none,
        square=none,
        r_hat=none,
        ess=none,
        acceptance=none,
        loss_traces=np.empty((0, 0, 0), dtype=np.float32),
        loss_at_start=math.nan,
        lowest_loss=math.nan,
        choices={},
        checks={},
    )
