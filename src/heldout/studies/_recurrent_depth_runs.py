"""The training runs of `recurrent_depth`: one architecture on one task, several seeds as one population."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from heldout.core.batch import Batch
from heldout.nets.causal_transformer import CausalTransformer
from heldout.nets.gru import GRU
from heldout.nets.min_gru import MinGRU
from heldout.nets.min_lstm import MinLSTM
from heldout.studies._sequence_training import right, stacked, trained
from heldout.tasks.parity import parity
from heldout.tasks.selective_copy import selective_copy

# The lowest last training loss of two pilot seeds among .003, .01 and .03, at 1 to 3 layers; GRU on parity: no difference.
RATES = {
    "copy": {"minGRU": 1e-2, "minLSTM": 1e-2, "GRU": 1e-2, "transformer": 3e-3},
    "parity": {"minGRU": 3e-3, "minLSTM": 3e-3, "GRU": 1e-2, "transformer": 3e-3},
}
WIDTH, BATCH, TESTED, LOOKS = 32, 16, 512, 8
BITS, SPAN, ITEMS, SYMBOLS = 12, 12, 4, 6


def runs(cell: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A row for each seed, at the rate tuned for this net and task."""
    net, rate = _net(cell["net"], cell["task"], cell["layers"]), RATES[cell["task"]][cell["net"]]
    place = {key: cell[key] for key in ("task", "net", "layers")}
    for row in _trained(net, cell):
        yield {**place, "parameters": net.layout.size, "rate": rate, **row}


def _net(name: str, task: str, layers: int) -> Any:
    tokens = 2 if task == "parity" else SYMBOLS + 2
    if name == "transformer":
        return CausalTransformer(tokens, WIDTH, layers, heads=4, positions="rotary")
    return {"minGRU": MinGRU, "minLSTM": MinLSTM, "GRU": GRU}[name](tokens, WIDTH, layers)


def _draw(task: str) -> Callable[[int, int, str, int], Batch]:
    if task == "parity":
        return lambda count, seed, name, step: parity(
            count, 4 * BITS if name == "long" else BITS, seed, name, step
        )
    return lambda count, seed, name, step: selective_copy(count, SPAN, ITEMS, SYMBOLS, seed, name, step)


def _trained(net: Any, cell: dict[str, Any]) -> Iterator[dict[str, Any]]:
    draw, seeds = _draw(cell["task"]), cell["seeds"]
    rates = [RATES[cell["task"]][cell["net"]]] * len(seeds)

    def batch(step: int) -> Batch:
        return stacked([draw(BATCH, seed, "train", step) for seed in seeds])

    steps, start = cell["steps"], torch.cat([net.start(seed, [0]) for seed in seeds])
    at = [steps * k // LOOKS for k in range(1, LOOKS + 1)]
    losses, thetas = [], start
    for look in trained(net, start, rates, batch, steps, at):
        losses.append(look.losses)
        thetas = look.thetas
    history = torch.stack(losses, 1)  # [r looks]
    answers = right(net, thetas, stacked([draw(TESTED, s, "test", 0) for s in seeds]))
    long = None
    if cell["task"] == "parity":
        long = right(net, thetas, stacked([draw(TESTED, s, "long", 0) for s in seeds]))
    for k, seed in enumerate(seeds):
        row: dict[str, Any] = {"seed": seed}
        if not bool(torch.isfinite(history[k]).all() and torch.isfinite(thetas[k]).all()):
            yield {**row, "status": "diverged", "reason": "the loss or a weight is not finite"}
            continue
        row |= {"status": "ok", "losses": [round(v, 5) for v in history[k].tolist()]}
        if long is None:
            row["in"] = _counts(answers[k][~answers[k].isnan()])
        else:
            row["in"], row["out"] = _counts(answers[k, :, -1]), _counts(long[k, :, 2 * BITS - 1])
            row["by_place"] = [round(v, 3) for v in long[k].mean(0).tolist()]
        yield row


def _counts(hits: Tensor) -> list[int]:
    """Right answers, and how many were asked."""
    return [int(hits.sum()), hits.numel()]
