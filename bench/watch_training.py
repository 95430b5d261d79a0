"""Training runs for the forecaster of `heldout.watch`: a population of replicas in one batch, read as a watch reads.

A cohort is a set of runs of one shape: rows of one pool of inputs, layers of one size, one number of steps. Everything
else (rows, labels, learning rate, weight decay, schedule, scale of the first weights) belongs to the replica.
Looks are eight an octave of steps: 0, and the whole numbers next to 2^(k/8).
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from heldout.core.streams import stream, torch_seed

MOST = {"train": 256, "test": 512, "fresh": 500}  # rows a look
READINGS = (
    "train loss", "train score", "train log-odds", "test loss", "test score", "test log-odds",
    "fresh loss", "fresh score", "norm",
)  # fmt: skip


@dataclass(frozen=True)
class Cohort:
    """Replicas r on a pool x [N d]. rows: {"train" [r n], "test" [r m], "fresh" [r f]} places in the pool; labels: the same
    shapes; `fresh` rows are seen by no advice, they say what was gained. decay, lr, init: [r]; schedule: r of
    "constant", "cosine", "drop" (lr / 10 after half of the steps)."""

    family: str
    kinds: list[str]
    x: Tensor
    rows: dict[str, Tensor]
    labels: dict[str, Tensor]
    classes: int
    hidden: tuple[int, ...]
    steps: int
    batch: int
    lr: Tensor
    decay: Tensor
    init: Tensor
    schedule: list[str]
    activation: str = "relu"
    rule: str = "adamw"
    betas: tuple[float, float] = (0.9, 0.98)
    seed: int = 0
    said: list[dict[str, Any]] = field(default_factory=list)


def look_steps(steps: int) -> list[int]:
    """The steps of the looks of a run.

    >>> look_steps(4), len(look_steps(4096))
    ([0, 1, 2, 3, 4], 99)
    """
    places = {round(2 ** (k / 8)) for k in range(int(8 * math.log2(steps)) + 1)}
    return [0, *sorted(places | {steps})]


def trained(cohort: Cohort) -> list[dict[str, Any]]:
    """One row a replica: family, kind, settings, steps [k] and each reading [k], to four digits (None: not finite)."""
    run, looks = _Run(cohort), look_steps(cohort.steps)
    seen, probes = set(looks), {split: _probes(cohort, split) for split in MOST}
    found: dict[str, list[list[float]]] = {name: [] for name in READINGS}
    for step in range(cohort.steps + 1):
        if step in seen:
            for name, value in _read(cohort, run, probes).items():
                found[name].append(value.tolist())
        if step < cohort.steps:
            run.step(step)
    return [
        {
            "family": cohort.family, "kind": cohort.kinds[k], **cohort.said[k], "steps": looks,
            **{name: [_short(look[k]) for look in values] for name, values in found.items()},
        }
        for k in range(len(cohort.lr))
    ]  # fmt: skip


class _Run:
    """The replicas in training. flat [r p]: all parameters, of which `theta` (weights [r i o], biases [r 1 o]) are views."""

    def __init__(self, cohort: Cohort) -> None:
        self.cohort = cohort
        self.flat, self.theta = _first(cohort)
        self.m, self.v = torch.zeros_like(self.flat), torch.zeros_like(self.flat)
        self.batches = _Batches(
            cohort.rows["train"].shape, cohort.batch, stream(cohort.seed, "order", cohort.family)
        )
        factor = [
            [_factor(kind, step / cohort.steps) for kind in cohort.schedule] for step in range(cohort.steps)
        ]
        self.rate = torch.tensor(factor).unsqueeze(-1) * cohort.lr.reshape(1, -1, 1)

    def step(self, step: int) -> None:
        """One step of AdamW (Loshchilov & Hutter 2019), or of gradient descent with momentum .9 and decoupled decay."""
        chosen, (a, b), of = self.batches.next(), self.cohort.betas, self.cohort
        rows, y = (
            t if chosen is None else t.gather(1, chosen) for t in (of.rows["train"], of.labels["train"])
        )
        live = [t.detach().requires_grad_() for t in self.theta]
        outputs = _forward(live, of.x[rows], of.activation)
        loss = F.cross_entropy(outputs.reshape(-1, of.classes), y.reshape(-1), reduction="sum") / y.shape[1]
        g = torch.cat([part.flatten(1) for part in torch.autograd.grad(loss, live)], 1)
        rate = self.rate[step]
        self.flat.mul_(1 - rate * of.decay.unsqueeze(-1))
        if of.rule == "sgd":
            self.flat.sub_(rate * self.m.mul_(0.9).add_(g))
            return
        self.m.lerp_(g, 1 - a)
        self.v.mul_(b).addcmul_(g, g, value=1 - b)
        below = self.v.sqrt().div_(math.sqrt(1 - b ** (step + 1))).add_(1e-8)
        self.flat.sub_(torch.div(self.m, below, out=below).mul_(rate / (1 - a ** (step + 1))))


class _Batches:
    """Batches [r b] of places, epoch by epoch, the same order for all replicas; None: the whole set every time."""

    def __init__(self, shape: Any, batch: int, rng: Any) -> None:
        (self.r, self.n), self.batch, self.rng = shape, batch, rng
        self.order: Tensor = torch.zeros(0, dtype=torch.long)

    def next(self) -> Tensor | None:
        if self.batch >= self.n:
            return None
        if len(self.order) < self.batch:
            self.order = torch.from_numpy(self.rng.permutation(self.n))
        chosen, self.order = self.order[: self.batch], self.order[self.batch :]
        return chosen.expand(self.r, -1)


def _first(cohort: Cohort) -> tuple[Tensor, list[Tensor]]:
    """Weights and biases by layer, uniform in +-init/sqrt(i) as torch.nn.Linear for init 1: in one row, and as views."""
    torch.manual_seed(torch_seed(cohort.seed, "init", cohort.family))
    sizes, r = [cohort.x.shape[1], *cohort.hidden, cohort.classes], len(cohort.lr)
    flat = torch.zeros(r, sum((i + 1) * o for i, o in itertools.pairwise(sizes)))
    theta: list[Tensor] = []
    at = 0
    for i, o in itertools.pairwise(sizes):
        bound = cohort.init.reshape(-1, 1, 1) / math.sqrt(i)
        for size in (i, 1):
            theta.append(flat[:, at : at + size * o].view(r, size, o))
            theta[-1].copy_((2 * torch.rand(r, size, o) - 1) * bound)
            at += size * o
    return flat, theta


def _forward(theta: list[Tensor], x: Tensor, activation: str) -> Tensor:
    for k in range(0, len(theta), 2):
        x = torch.baddbmm(theta[k + 1], x, theta[k])
        if k + 2 < len(theta):
            x = x.square() if activation == "square" else x.relu()
    return x


def _probes(cohort: Cohort, split: str) -> tuple[Tensor, Tensor]:
    rows, y = (of[split][:, : MOST[split]] for of in (cohort.rows, cohort.labels))
    return cohort.x[rows], y


def _read(cohort: Cohort, run: _Run, probes: dict[str, tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
    found = {"norm": run.flat.double().norm(dim=1)}
    for split, (x, y) in probes.items():
        z = _forward(run.theta, x, cohort.activation).double()
        logp = z.log_softmax(-1)
        own = logp.gather(-1, y.unsqueeze(-1)).squeeze(-1)
        found[f"{split} loss"] = -own.mean(1)
        found[f"{split} score"] = (z.argmax(-1) == y).double().mean(1) + 0 * own.mean(1)
        if split != "fresh":
            others = logp.scatter(-1, y.unsqueeze(-1), -math.inf).logsumexp(-1)
            found[f"{split} log-odds"] = (own - others).mean(1)
    return found


def _factor(kind: str, part: float) -> float:
    if kind == "cosine":
        return 0.5 * (1 + math.cos(math.pi * part))
    return 0.1 if kind == "drop" and part >= 0.5 else 1.0


def _short(value: float) -> float | None:
    return float(f"{value:.4g}") if math.isfinite(value) else None
