"""When to stop: the advice of `heldout.watch` beside early stopping by patience, on runs of families left out of the fit.

Every policy watches the same looks (eight an octave) and keeps the checkpoint with the lowest test loss. It stops
    never        at the last step
    patience a   when that checkpoint is older than a steps
    patience x   when the run is more than x times as old as that checkpoint
    advice       at the first "stop" or "you are past the best", asked every half octave from step 128
    first, k     as advice, but at the k-th such word in a row
Cost: steps done over the steps of the whole run. Error: that of the kept checkpoint on fresh rows, 1 - score, beside that of "never".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench.watch_points import best_loss, decision_looks

Policy = Callable[[dict[str, Any]], int]


def patience(steps: int) -> Policy:
    """Stops when the best checkpoint is older than that many steps."""
    return lambda row: _first(row, lambda step, best: step - best > steps)


def relative_patience(times: float) -> Policy:
    """Stops when the run is more than so many times as old as its best checkpoint (and 16 steps)."""
    return lambda row: _first(row, lambda step, best: step > 16 and step > times * max(best, 1))


def by_advice(said: dict[int, bool], in_a_row: int = 1) -> Policy:
    """Stops at the first look of `said` {look: whether it said to stop} that ends so many in a row."""

    def stop(row: dict[str, Any]) -> int:
        count = 0
        for k in decision_looks(row["steps"], most=1.0):
            count = count + 1 if said.get(k) else 0
            if count == in_a_row:
                return k
        return len(row["steps"]) - 1

    return stop


def outcome(row: dict[str, Any], stop: int) -> tuple[float, float, float]:
    """(share of the steps done, fresh error, fresh loss) of the checkpoint kept by a policy that stops at look `stop`."""
    kept = best_loss(row, stop)
    score, loss = row["fresh score"][kept], row["fresh loss"][kept]
    return row["steps"][stop] / row["steps"][-1], 1.0 - (score or 0.0), float("nan") if loss is None else loss


def _first(row: dict[str, Any], done: Callable[[int, int], bool]) -> int:
    for k, step in enumerate(row["steps"]):
        if done(step, row["steps"][best_loss(row, k)]):
            return k
    return len(row["steps"]) - 1
