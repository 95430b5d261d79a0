"""The training runs of `digits`: one net, several seeds as one population, then sums of 1 to 24 digits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from heldout.core.batch import Batch
from heldout.core.streams import stream
from heldout.nets.causal_transformer import CausalTransformer
from heldout.nets.gru import GRU
from heldout.studies._sequence_training import right, stacked, trained
from heldout.tasks.addition import addends, in_columns

WIDTH, LAYERS, BATCH, LOOKS, TOKENS = 32, 2, 16, 8, 111


def runs(cell: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A row for each seed: whole sums and digits right by number of digits, digits right by place in the longest sums, losses."""
    seeds, steps, longest = cell["seeds"], cell["steps"], cell["longest"]
    net = _net(cell["net"], longest)
    rates = [cell["rate"]] * len(seeds)
    at = [steps * k // LOOKS for k in range(1, LOOKS + 1)]
    losses, thetas = [], torch.cat([net.start(seed, [0]) for seed in seeds])
    for look in trained(
        net, thetas, rates, lambda k: stacked([_batch(s, k, cell["digits"]) for s in seeds]), steps, at
    ):
        losses.append(look.losses)
        thetas = look.thetas
    history = torch.stack(losses, 1)
    whole: list[list[int]] = [[] for _ in seeds]
    digits: list[list[int]] = [[] for _ in seeds]
    by_place: list[list[float]] = [[] for _ in seeds]
    for d in range(1, longest + 1):
        sums = stacked([in_columns(*addends(cell["tested"], d, seed, "test")) for seed in seeds])
        hits = right(net, thetas, sums)[..., ::2]  # [r n d+1]
        for k in range(len(seeds)):
            whole[k].append(int(hits[k].amin(1).sum()))
            digits[k].append(int(hits[k].sum()))
            by_place[k] = [round(v, 4) for v in hits[k].mean(0).tolist()]
    for k, seed in enumerate(seeds):
        row: dict[str, Any] = {"net": cell["net"], "seed": seed, "parameters": net.layout.size}
        if not bool(torch.isfinite(history[k]).all() and torch.isfinite(thetas[k]).all()):
            yield {**row, "status": "diverged", "reason": "the loss or a weight is not finite"}
            continue
        row |= {
            "status": "ok",
            "losses": [round(v, 5) for v in history[k].tolist()],
            "trained": cell["digits"],
        }
        yield row | {"tested": cell["tested"], "whole": whole[k], "right": digits[k], "by_place": by_place[k]}


def _net(name: str, longest: int) -> Any:
    if name == "GRU":
        return GRU(TOKENS, WIDTH, LAYERS)
    return CausalTransformer(TOKENS, WIDTH, LAYERS, 4, positions=name, length=2 * longest + 1)  # type: ignore[arg-type]


def _batch(seed: int, step: int, digits: int) -> Batch:
    """BATCH sums of 1 to `digits` digits, every number of digits as likely."""
    lengths = stream(seed, "lengths", step).integers(1, digits + 1, BATCH).tolist()
    parts = [
        in_columns(*addends(lengths.count(d), d, seed, "train", step), length=2 * digits + 1)
        for d in range(1, digits + 1)
        if d in lengths
    ]
    return Batch(torch.cat([p.x for p in parts]), torch.cat([p.y for p in parts]))
