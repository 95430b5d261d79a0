"""What a cell of `coefficient_in_grokking` runs: fits compared at loss 0, fits near checkpoints, and checkpoints as they are."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from heldout.core.batch import Batch
from heldout.core.errors import Withheld
from heldout.core.streams import stream
from heldout.learners.adamw import adamw
from heldout.learners.curves import Curves, curves
from heldout.measures.posterior.many import langevin_many
from heldout.measures.posterior.summary import doubts, summary
from heldout.nets.two_layer import TwoLayer
from heldout.studies._exact_fits import Addition, axes_of, exact_fit, lambdas, onehot
from heldout.tasks.modular import ModularTask, modular, one_hot, stack

LR, DECAY = 1e-2, 1.0
LARGEST_R_HAT, FEWEST_DRAWS = 1.05, 100  # along cross-entropy training, as in `measures.llc_along`


class Trained:
    """One seed of the recipe: the task, the net, and training by squared error or cross-entropy with looks kept."""

    def __init__(self, cell: dict[str, Any]) -> None:
        self.seed, self.p, self.hidden = cell["seed"], cell["p"], cell["hidden"]
        self.task: ModularTask = modular(self.p, "add", cell["share"], self.seed)
        self.net = TwoLayer(2 * self.p, self.hidden, self.p, "quadratic")
        self.train = stack([self.task.train], one_hot, self.p)
        self.test = stack([self.task.test], one_hot, self.p)
        self.on = Addition(self.p, self.hidden, self.task.train.x)
        self.unseen = Addition(self.p, self.hidden, self.task.test.x)

    def run(
        self, decay: float, looks: list[int], y: Tensor | None = None, loss: str = "squared"
    ) -> tuple[Curves, dict[int, Tensor]]:
        """The curves, and thetas [q] at every look; y [n]: other labels for the training pairs."""
        kept: dict[int, Tensor] = {}
        train = self.train if y is None else Batch(self.train.x, y[None])
        seen = curves(
            self.net, self.net.start(self.seed, [0]), adamw(LR, decay), train, self.test, looks, loss=loss,
            look=lambda state: kept.__setitem__(state.steps, state.thetas[0].clone()),
        )  # fmt: skip
        return seen, kept


def compare_rows(cell: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A row for each of four fits: the generalizing one, the same run early, without decay, with permuted labels."""
    one, steps = Trained(cell), cell["steps"]
    y = one.task.train.y
    permuted = y[torch.from_numpy(stream(one.seed, "permuted labels").permutation(len(y)))]
    _, kept = one.run(DECAY, [0, cell["early"], steps])
    nets = {
        "generalizing": (kept[steps], y),
        "early": (kept[cell["early"]], y),
        "no decay": (one.run(0.0, [0, steps])[1][steps], y),
        "permuted labels": (one.run(DECAY, [0, steps], permuted)[1][steps], permuted),
    }
    for name, (theta, labels) in nets.items():
        row = {"part": "compare", "seed": one.seed, "fit": name}
        if not bool(torch.isfinite(theta).all()):
            yield row | {"status": "diverged"}
            continue
        yield row | _fitted(one, theta, labels, cell)


def nearest_rows(cell: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A row a checkpoint of the decayed run: its accuracies, and Lambda of the exact fit nearest to it."""
    one = Trained(cell)
    seen, kept = one.run(DECAY, cell["looks"])
    for i, step in enumerate(seen.steps):
        row: dict[str, Any] = {"part": "nearest", "seed": one.seed, "step": step}
        row |= {"train": float(seen.train[i, 0]), "test": float(seen.test[i, 0])}
        row |= {
            "trace_here": _short(one.on.hessian_trace(kept[step].double(), onehot(one.task.train.y, one.p)))
        }
        yield row | _fitted(one, kept[step], one.task.train.y, cell)


def along_rows(cell: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A row a checkpoint of cross-entropy training: losses, trace, and what chains around the checkpoint itself see."""
    one = Trained(cell)
    seen, kept = one.run(DECAY, cell["looks"], loss="cross_entropy")
    thetas = torch.stack([kept[s] for s in seen.steps]).double()
    found = cross_entropy_lambdas(
        one.on, one.task.train.y, thetas, cell["gamma"], one.seed, cell["burn"], cell["draws"]
    )
    for i, step in enumerate(seen.steps):
        row = {"part": "along", "status": "ok", "seed": one.seed, "step": step}
        curve = {
            "train": seen.train,
            "test": seen.test,
            "train_loss": seen.train_loss,
            "test_loss": seen.test_loss,
        }
        row |= {key: _short(float(v[i, 0])) for key, v in curve.items()}
        yield row | {"trace": cross_entropy_trace(one.on, one.task.train.y, thetas[i])} | found[i]


def cross_entropy_lambdas(
    net: Addition, y: Tensor, thetas: Tensor, gamma: float, seed: int, burn: int, draws: int, chains: int = 4
) -> list[dict[str, Any]]:
    """t (E_t[L] - L(w)) with t = n / log n for each checkpoint w of thetas [k q], a minimum or not; `reason` "" where it is one.

    As a published trajectory does, it takes every checkpoint as w*; only what the chains say of themselves withholds it.
    """
    n = len(y)
    t = n / math.log(n)
    every = torch.arange(n)

    def energy(at: Tensor) -> Tensor:
        return -torch.log_softmax(net.outputs(at), -1)[:, every, y].mean(1)

    unit = torch.full_like(thetas, gamma**-0.5)
    run = langevin_many(energy, thetas, unit, t, seed, gamma, chains, burn, draws)
    rows = []
    for k in range(len(thetas)):
        value, stderr, checks = summary(run.loss[:, k], run.prior[:, k], run.bias[k], t, "langevin")
        reason = doubts(
            checks, value, stderr, thetas.shape[1], n, 1e-12, lambda: 0.0, LARGEST_R_HAT, FEWEST_DRAWS
        )
        row = {
            "t": t,
            "gamma": gamma,
            "value": value,
            "stderr": stderr,
            "r_hat": checks["R-hat"],
            "ess": checks["ESS"],
        }
        rows.append({key: _short(v) for key, v in row.items()} | {"reason": reason})
    return rows


def cross_entropy_trace(net: Addition, y: Tensor, theta: Tensor) -> float | None:
    """Trace of the Hessian of the mean cross-entropy at theta [q]: exact, without a Jacobian.

    With u = W1[a] + W1[p + b] and shares s = softmax(z): the mean over examples of sum_c s_c |dz_c|^2 - |sum_c s_c dz_c|^2, where
    dz_c is 2 u_h W2[h, c] for both inputs and u_h^2 for W2[h, c], and 4 sum_h W2[h, c] (s - y)_c for the bend of the outputs.
    """
    inner, outs = net.inner(theta[None])
    u, out = inner[0], outs[0]  # [n h], [h p]
    share = torch.softmax(u.square() @ out, -1)  # [n p]
    into = 8.0 * (u.square() * (share @ out.square().T - (share @ out.T).square())).sum()
    last = (u.square().square().sum(1) * (1.0 - share.square().sum(1))).sum()
    bend = 4.0 * ((share - onehot(y, net.p)).sum(0) * out.sum(0)).sum()
    return _short(float((into + last + bend) / len(y)))


def _fitted(one: Trained, theta: Tensor, y: Tensor, cell: dict[str, Any]) -> dict[str, Any]:
    """The exact fit near theta, and Lambda there at each of the cell's settings."""
    wanted, test_y = onehot(y, one.p), one.task.test.y
    try:
        fit = exact_fit(theta, one.on, wanted)
    except Withheld as reason:
        return {"status": "withheld", "reason": str(reason)}
    axes = axes_of(fit, one.on)
    found: list[dict[str, Any]] = []
    for gamma, ratios in cell["settings"]:
        ts = [ratio * len(y) for ratio in ratios]
        new = lambdas(
            fit, one.on, wanted, one.unseen, test_y, axes, ts, gamma, one.seed, cell["chains"], cell["burn"], cell["draws"]
        )  # fmt: skip
        found += [{"ratio": ratio, **row} for ratio, row in zip(ratios, new)]
    return {
        "status": "ok",
        "fit_test": _short(one.unseen.right(fit[None], test_y)),
        "moved": _short(float((fit - theta).norm())),
        "norm": _short(float(fit.norm())),
        "answers": len(y) * one.p,
        "rank": int((axes[0] > 1e-9 * float(axes[0].max())).sum()),
        "trace": _short(one.on.hessian_trace(fit, wanted)),
        "lambdas": found,
    }


def _short(value: float) -> float | None:
    return float(f"{value:.4g}") if math.isfinite(value) else None
