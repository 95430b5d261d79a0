"""What a cell of `delay_is_avoidable` runs: one setting over its seeds, or one branch from the reference run's checkpoint."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from heldout.core.batch import Batch
from heldout.learners.adamw import adamw
from heldout.learners.curves import curves
from heldout.learners.fixed_norm import fixed_norm
from heldout.learners.learner import Learner
from heldout.learners.penalized import penalized
from heldout.learners.perpendicular import perpendicular
from heldout.learners.proximal import proximal
from heldout.learners.slow_gradient import slow_gradient
from heldout.nets.two_layer import TwoLayer
from heldout.stats.regime_judge import Thresholds, reached
from heldout.studies._delay_settings import Setting, label
from heldout.studies._grokking_rows import CHECKPOINT, branch_curves
from heldout.tasks.modular import modular, one_hot, stack
from heldout.tasks.sparse_parity import sparse_parity

HELD = Thresholds(hold=5)  # the looks are 2 steps apart at first: two would pass a blip


def runs(cell: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A row a seed: both times, and the last accuracies."""
    net, train, test = _world(cell["task"], cell["seeds"])
    setting, seeds = cell["setting"], cell["seeds"]
    start = torch.cat([net.start(s, [0], setting["init"]) for s in seeds])
    if setting["penalty"] == "norm held":
        start = start * (setting["strength"] / start.norm(dim=1, keepdim=True))
    squared = setting["loss"] == "squared"

    def enough(fitted: Any, general: Any) -> bool:
        return len(general) > 5 and bool((general[-6:] >= 0.99).all() and (fitted[-6:] >= 0.99).all())

    last = cell["steps"]
    looks = sorted(
        {*range(0, min(last, 200), 2), *range(200, min(last, 500), 10), *range(500, last, 50), last}
    )
    loss, scale = ("squared", float(net.outputs)) if squared else ("cross_entropy", 1.0)
    learner = _learner(setting, net.layout.sizes)
    seen = curves(net, start, learner, train, test, looks, loss, scale, enough=enough)
    for k, seed in enumerate(seeds):
        row = {"part": "side", "task": cell["task"], "side": cell["side"], "setting": label(setting)}
        row |= {"loss": setting["loss"], "seed": seed, "tunes": 4 * k < len(seeds), "horizon": last}
        if bool(seen.diverged[k]):
            yield {**row, "status": "diverged"}
            continue
        a, b = seen.train[:, k].tolist(), seen.test[:, k].tolist()
        row |= {"status": "ok", "fit": reached(seen.steps, a, HELD), "general": reached(seen.steps, b, HELD)}
        yield {**row, "train": round(a[-1], 4), "test": round(b[-1], 4)}


def branches(cell: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A row a seed: the accuracy on test pairs after the checkpoint of the reference run, along one branch."""
    name, seeds, last = cell["branch"], cell["seeds"], cell["steps"]
    net, train, test = _world("addition", seeds)
    start = torch.cat([net.start(s, [0]) for s in seeds])
    if name.startswith("squared loss"):
        here = curves(net, start, adamw(1e-2, 1.0), train, test, [0, CHECKPOINT]).state
        learner = adamw(1e-2, 0.0 if name.endswith("off") else 1.0)
        at = list(range(0, last - CHECKPOINT + 1, 10))
        # The weights alone: the moments are in the other loss's unit.
        seen = curves(net, here.thetas, learner, train, test, at, "squared", float(net.outputs))
        steps = [s + CHECKPOINT for s in seen.steps]
    else:
        seen = branch_curves(name, net, start, train, test, last)
        steps = list(seen.steps)
    kept = sorted({round(float(k)) for k in torch.linspace(0, len(steps) - 1, 30)})
    for k, seed in enumerate(seeds):
        row = {"part": "branch", "branch": name, "seed": seed}
        if bool(seen.diverged[k]):
            yield {**row, "status": "diverged"}
            continue
        test_curve = [round(float(seen.test[i, k]), 3) for i in kept]
        yield {**row, "status": "ok", "step": [steps[i] for i in kept], "test": test_curve}


# Parts.


def _world(task: str, seeds: list[int]) -> tuple[TwoLayer, Batch, Batch]:
    """Net, training and test data of the seeds, stacked."""
    if task == "addition":
        sums = [modular(31, "add", 0.5, s) for s in seeds]
        train, test = (stack([getattr(t, key) for t in sums], one_hot, 31) for key in ("train", "test"))
        return TwoLayer(62, 64, 31, "quadratic"), train, test
    words = [sparse_parity(hidden=2, train=300, test=1000, seed=s) for s in seeds]
    train, test = (
        Batch(torch.stack([p.x for p in part]), torch.stack([p.y for p in part]))
        for part in ([w.train for w in words], [w.test for w in words])
    )
    return TwoLayer(30, 64, 2, "relu", bias=True), train, test


def _learner(setting: Setting, sizes: tuple[int, ...]) -> Learner:
    """Inside out: the optimizer with its decay, what it does to the gradient, and what is done to the weights."""
    lr, strength, penalty = setting["lr"], setting["strength"], setting["penalty"]
    learner = adamw(lr, strength if penalty == "decay" else 0.0)
    if setting["optimizer"] == "slow gradient":
        learner = slow_gradient(learner)
    if setting["optimizer"] == "perpendicular":
        learner = perpendicular(learner, sizes)
    if penalty == "L1":
        return proximal(learner, lr, l1=strength)
    if penalty == "L2 in the gradient":
        return penalized(learner, l2=strength)
    return fixed_norm(learner) if penalty == "norm held" else learner
