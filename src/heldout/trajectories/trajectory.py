"""`trajectory`: loss, learning coefficient and trace of the Hessian at every checkpoint of a training run.

Each checkpoint is measured by itself (`measures.llc_along`, `measures.trace`): its numbers do not depend on how many others
there are, nor on where a run was interrupted. A checkpoint is one row; where a measure has no answer, its value is NaN and
its status is the reason.

>>> from torch import nn
>>> X = torch.randn(60, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
>>> model = nn.Sequential(nn.Linear(2, 1, bias=False), nn.Flatten(0)).double()
>>> subject = Subject.from_torch(model, train=(X, X.sum(1) + 0.1 * X[:, 0].sin()), loss=lambda out, y: 0.5 * (out - y).square())
>>> best = torch.linalg.lstsq(X, subject.train.y[:, None]).solution.T
>>> found = trajectory(subject, torch.cat([best + 1.0, best]), steps=[0, 500], options=Options(n_beta=3000.0, draws=2500))
>>> found["step"].tolist(), found["llc_status"][0].split(":")[0], abs(float(found["llc"][1]) - 1) < 0.2
([0, 500], 'w* is no minimum', True)
>>> bool(abs(found["trace"] - float(X.square().mean(0).sum())).max() < 1e-9)                       # quadratic: the same everywhere
True
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import norm
from torch import Tensor

from heldout.core.batch import Batch
from heldout.core.errors import InputError, Withheld
from heldout.core.estimate import Estimate
from heldout.core.options import check_whole
from heldout.core.second_order import Matrix, parameters
from heldout.core.selection import select
from heldout.core.subject import Subject
from heldout.measures.llc_along import SETTINGS, llc_along
from heldout.measures.posterior.mean_loss import chosen_rows, decay_of
from heldout.measures.posterior.settings import OneTemperature, check_localization
from heldout.measures.trace import FEWEST as FEWEST_PRODUCTS
from heldout.measures.trace import trace

MEASURES = ("llc", "trace")
AT_ONCE = 8  # checkpoints between two looks at the clock: what an interruption can cost


@dataclass(frozen=True)
class Options:
    """What is measured, and how; plain numbers and text, so that a run is known by them.

    measures      of "llc" and "trace"; the losses are always taken
    n_beta, gamma, radius, weight_decay, parameters (names): as in `measures.llc`
    products      of each trace
    """

    measures: tuple[str, ...] = MEASURES
    n_beta: float | None = None
    gamma: float | None = None
    radius: float | None = None
    weight_decay: float | None = None
    parameters: tuple[str, ...] | None = None
    chains: int = SETTINGS.chains
    burn: int = SETTINGS.burn_in
    draws: int = SETTINGS.draws
    products: int = 30
    level: float = 0.95

    def __post_init__(self) -> None:
        unknown = [name for name in self.measures if name not in MEASURES]
        if unknown:
            raise InputError(f"there is no measure {unknown[0]!r}", f"use {', '.join(MEASURES)}")
        check_whole(products=self.products)
        if self.products < FEWEST_PRODUCTS:
            raise InputError(
                f"products is {self.products}",
                f"give at least {FEWEST_PRODUCTS}: the error needs several random parts",
            )
        check_localization(self.gamma, self.radius)
        _ = self.settings  # refuses what is out of range

    @property
    def settings(self) -> OneTemperature:
        """Of the chains."""
        return OneTemperature(self.n_beta, "langevin", None, self.chains, self.burn, self.draws, self.level)


@dataclass(frozen=True)
class Trajectory:
    """One row a checkpoint. `found["llc"]` is a column [t]; `found.estimate("llc")` an `Estimate` of t values."""

    rows: tuple[dict[str, Any], ...]

    def __getitem__(self, name: str) -> NDArray[Any]:
        return np.array([row.get(name, math.nan) for row in self.rows])

    def estimate(self, name: str) -> Estimate:
        """llc, trace, train_loss or test_loss with intervals; NaN where it was withheld."""
        joined = Estimate.joined([_estimate(row, name) for row in self.rows])
        if joined.value.ndim:
            return joined
        none = torch.full((len(self.rows),), math.nan, dtype=torch.float64)
        return Estimate(none, none, none, joined.level, none, joined.method, joined.n, joined.status)


def trajectory(
    subject: Subject,
    thetas: Tensor,
    steps: Sequence[int] | None = None,
    options: Options | None = None,
    seed: int = 0,
    tick: Callable[[int, int], None] | None = None,
) -> Trajectory:
    """Rows of every checkpoint of thetas [t p], at training steps `steps` (default: 0, 1, ...).

    tick(done, total) is called as checkpoints are finished. Raises `InputError` before anything is measured for
    thetas, steps or options that cannot be used.
    """
    rows: list[dict[str, Any]] = []
    for some in measured(subject, thetas, steps, options, seed):
        rows += some
        if tick is not None:
            tick(len(rows), len(thetas))
    return Trajectory(tuple(rows))


def measured(
    subject: Subject,
    thetas: Tensor,
    steps: Sequence[int] | None = None,
    options: Options | None = None,
    seed: int = 0,
    done: Collection[int] = (),
) -> Iterator[list[dict[str, Any]]]:
    """The rows of a few checkpoints at a time, without those whose number is in `done`."""
    options = options or Options()
    numbers = checked(subject, thetas, steps, options, seed)
    for start in range(0, len(thetas), AT_ONCE):
        waiting = [k for k in range(start, min(start + AT_ONCE, len(thetas))) if k not in done]
        if waiting:
            yield _rows(subject, thetas, waiting, numbers, options, seed)


def checked(
    subject: Subject, thetas: Tensor, steps: Sequence[int] | None, options: Options, seed: int
) -> list[int]:
    """The steps of the checkpoints; `InputError` for everything that `measured` would refuse, before it measures anything."""
    check_whole(seed=seed)
    p = parameters(subject).shape[-1]
    if not isinstance(thetas, Tensor):
        raise InputError(
            f"thetas are a {type(thetas).__name__}", f"give a tensor [t {p}], one row a checkpoint"
        )
    if thetas.ndim != 2 or thetas.shape[1] != p or len(thetas) == 0:
        raise InputError(f"thetas have shape {tuple(thetas.shape)}", f"give one row a checkpoint: [t {p}]")
    if thetas.dtype not in (torch.float32, torch.float64):
        raise InputError(f"thetas are {thetas.dtype}", "convert model and data to float32 or float64")
    for step in () if steps is None else steps:
        check_whole(step=step)
    numbers = list(range(len(thetas))) if steps is None else [int(step) for step in steps]
    if len(numbers) != len(thetas) or numbers != sorted(set(numbers)):
        raise InputError(
            f"{len(numbers)} steps for {len(thetas)} checkpoints, or not in order",
            "give one step a checkpoint, each larger than the one before",
        )
    if "llc" in options.measures:
        chosen_rows(subject.train, None)
        select(options.parameters, p, subject.layout)
        decay_of(subject, options.weight_decay)
    return numbers


def _rows(
    subject: Subject, thetas: Tensor, waiting: list[int], steps: list[int], options: Options, seed: int
) -> list[dict[str, Any]]:
    begun = time.perf_counter()
    rows: list[dict[str, Any]] = [{"checkpoint": k, "step": steps[k]} for k in waiting]
    some = thetas[waiting]
    finite = torch.isfinite(some).all(1)
    for row, theta, sound in zip(rows, some, finite.tolist(), strict=True):
        for split, batch in (("train", subject.train), ("test", subject.test)):
            if batch is not None:
                row.update(_columns(f"{split}_loss", _loss(subject, theta, batch, options.level)))
        if "trace" in options.measures:
            row.update(_columns("trace", _trace(subject, theta, options, seed)))
        if "llc" in options.measures and not sound:
            row.update(_columns("llc", Estimate.withheld("theta is not finite: the training diverged")))
    if "llc" in options.measures and bool(finite.any()):
        along = llc_along(
            subject, some[finite], seed, gamma=options.gamma, radius=options.radius,
            parameters=options.parameters, weight_decay=options.weight_decay, settings=options.settings,
        )  # fmt: skip
        for i, row in enumerate(row for row, sound in zip(rows, finite.tolist()) if sound):
            row.update(_columns("llc", _row_of(along.estimate, i, along.reasons[i])))
            row.update(
                llc_raw=float(along.raw[i]),
                llc_raw_stderr=float(along.raw_stderr[i]),
                llc_r_hat=float(along.r_hat[i]),
                llc_ess=float(along.ess[i]),
                llc_target=f"lambda(n beta = {along.choices['n beta']:.4g}), {along.choices['localization']}, {along.choices['prior']}",
            )
    seconds = (time.perf_counter() - begun) / len(rows)
    return [{**row, "seconds": seconds} for row in rows]


def _loss(subject: Subject, theta: Tensor, batch: Batch, level: float) -> Estimate:
    assert subject.loss is not None
    with torch.no_grad():
        losses = subject.loss(theta, batch).to(torch.float64)
    n, value = len(losses), float(losses.mean())
    if not math.isfinite(value):
        return Estimate.withheld("the loss is not finite", n=n)
    if n < 2:
        return Estimate.withheld("one example has no error", n=n)
    stderr = float(losses.std()) / math.sqrt(n)
    half = float(norm.ppf(0.5 + level / 2)) * stderr
    return Estimate(
        value, value - half, value + half, level, stderr, "mean loss, normal interval over examples", n
    )


def _trace(subject: Subject, theta: Tensor, options: Options, seed: int) -> Estimate:
    try:
        return trace(subject, Matrix(route="backward"), theta, options.products, seed, options.level)
    except Withheld as reason:
        return Estimate.withheld(str(reason))


def _row_of(found: Estimate, k: int, status: str) -> Estimate:
    if status != "ok":
        return Estimate.withheld(status, found.method, found.n)
    stderr = None if found.stderr is None else found.stderr[k]
    return Estimate(
        found.value[k], found.low[k], found.high[k], found.level, stderr, found.method, found.n, status
    )


def _columns(name: str, found: Estimate) -> dict[str, Any]:
    return {
        name: float(found.value),
        f"{name}_low": float(found.low),
        f"{name}_high": float(found.high),
        f"{name}_stderr": math.nan if found.stderr is None else float(found.stderr),
        f"{name}_status": found.status,
    }


def _estimate(row: dict[str, Any], name: str) -> Estimate:
    status = row.get(f"{name}_status", f"{name} was not measured")
    if status != "ok":
        return Estimate.withheld(status)
    value, low, high, stderr = (row[key] for key in (name, f"{name}_low", f"{name}_high", f"{name}_stderr"))
    return Estimate(value, low, high, stderr=stderr)
