"""The nets of `reasoning_paradox`: training on puzzles, and answers to others.

AdamW (the cell's lr, reached after 100 steps, decay .01), batches of 256, gradient norm at most 1; each batch renames its predicates
at random, as the published puzzles take their words from a large vocabulary. What is looked at is an average of the weights over about the last 100
steps: with a constant learning rate, a look at half of the steps is the net that half the budget would have brought.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, cast

import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingClassifier
from torch import Tensor
from torch.nn import functional as F

from heldout.core.streams import torch_seed
from heldout.learners.adamw import adamw
from heldout.nets.logic_transformer import LogicTransformer
from heldout.tasks.logic_counts import logic_counts
from heldout.tasks.logic_puzzles import DISTRIBUTIONS, logic_puzzles
from heldout.tasks.logic_tokens import Tokens, logic_tokens

BATCH, GROUPS, WARM, KEPT = 256, 4, 100, 0.99

PREDICATES, HELD_OUT = 8, 100_000  # test puzzles have seeds of their own


def fit(
    net: LogicTransformer, theta: Tensor, data: Tokens, looks: Sequence[int], seed: int, lr: float = 1e-3
) -> Iterator[tuple[int, Tensor, float]]:
    """At each of the steps `looks`: the step, the averaged theta, and the mean training loss since the last look (nats)."""
    state = adamw().init(theta[None])
    draw = torch.Generator().manual_seed(torch_seed(seed, "batches"))
    mean, total, counted = theta.clone(), 0.0, 0
    order = torch.empty(0, dtype=torch.long)
    for step in range(max(looks) + 1):
        if step in looks:
            yield step, mean.clone(), total / max(counted, 1)
            total, counted = 0.0, 0
        if step == max(looks):
            return
        if len(order) < BATCH:
            order = torch.randperm(len(data.y), generator=draw)
        rows, order = order[:BATCH], order[BATCH:]
        names = torch.randperm(net.predicates, generator=draw)
        columns = torch.cat([names, names + net.predicates, 2 * net.predicates + torch.arange(3)])
        theta = state.thetas[0].requires_grad_()
        for part in rows[data.lengths[rows].argsort()].chunk(GROUPS):  # alike in length: little padding
            lengths = data.lengths[part]
            x = data.x[part, : int(lengths.max())][..., columns]
            with torch.enable_grad():
                loss = F.binary_cross_entropy_with_logits(
                    net.logits(theta, x, lengths), data.y[part], reduction="sum"
                )
                (loss / len(rows)).backward()  # type: ignore[no-untyped-call]
            total += float(loss.detach()) / len(rows)
        counted += 1
        gradient = cast(Tensor, theta.grad)
        gradient /= gradient.norm().clamp(min=1.0)
        state = adamw(lr * min(1.0, (step + 1) / WARM)).step(state, gradient[None])
        kept = min(KEPT, (step + 1) / (step + 10))
        mean.mul_(kept).add_(state.thetas[0], alpha=1 - kept)


def answers(net: LogicTransformer, theta: Tensor, data: Tokens) -> Tensor:
    """Whether the net says True [m]."""
    said = torch.empty(len(data.y), dtype=torch.bool)
    with torch.no_grad():
        for part in torch.split(data.lengths.argsort(), BATCH):
            lengths = data.lengths[part]
            said[part] = net.logits(theta, data.x[part, : int(lengths.max())], lengths) > 0
    return said


def rows_of(cell: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The rows of a cell: a net at each look on each distribution."""
    tests = {test: logic_puzzles(test, cell["test"], seed=cell["seed"] + HELD_OUT) for test in DISTRIBUTIONS}
    tokens = {test: logic_tokens(puzzles, PREDICATES) for test, puzzles in tests.items()}
    net = LogicTransformer(PREDICATES)
    place = {key: cell.get(key) for key in ("kind", "train", "seed")} | {"status": "ok"}

    def judged(
        theta: Tensor, look: str, step: int, probe: Any, more: dict[str, Any]
    ) -> Iterator[dict[str, Any]]:
        for test, puzzles in tests.items():
            says = answers(net, theta, tokens[test]).numpy()
            row = {**place, "look": look, "step": step, "test": test, **more}
            right = says == puzzles.label
            row["count"] = np.bincount(puzzles.depth, minlength=4).tolist()
            row["right"] = np.bincount(puzzles.depth[right], minlength=4).tolist()
            guess = puzzles.label if probe is None else probe.predict(logic_counts(puzzles))
            code = 4 * puzzles.label + 2 * says + guess.astype(bool)
            yield {**row, "table": np.bincount(code, minlength=8).reshape(2, 2, 2).tolist()}

    if cell["kind"] == "constructed":
        yield from judged(net.constructed(), "end", 0, None, {})
        return
    puzzles = logic_puzzles(cell["train"], cell["puzzles"], seed=cell["seed"])
    probe = HistGradientBoostingClassifier(max_iter=100, random_state=0)
    probe.fit(logic_counts(puzzles), puzzles.label)
    near = cell["noise"] > 0
    theta = net.near_construction(cell["seed"], cell["noise"]) if near else net.start(cell["seed"])
    looks = {0: "start", cell["steps"] // 2: "half", cell["steps"]: "end"}
    data = logic_tokens(puzzles, PREDICATES)
    for step, now, loss in fit(net, theta, data, list(looks), cell["seed"], cell["lr"]):
        if not math.isfinite(loss) or not bool(torch.isfinite(now).all()):
            yield {**place, "status": "diverged", "reason": f"the loss is {loss} at step {step}"}
            return
        yield from judged(now, looks[step], step, probe, {"loss": round(loss, 5)})
