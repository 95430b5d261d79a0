"""What `recurrent_depth` reads from stored rows: shares by net, depth and question, and whether a depth solves a question.

>>> row = {"status": "ok", "task": "parity", "net": "GRU", "layers": 1, "losses": [0.6] * 8}
>>> rows = [row | {"in": [512, 512], "out": [260, 512]} for _ in range(4)]
>>> asked = {a: share(rows, "GRU", 1, a) for a in ASKED[1:]}
>>> found = {("GRU", 1, a): interval for a, interval in asked.items()}
>>> [solves(rows, found, "GRU", 1, a) for a in asked]
[True, False]
"""

from __future__ import annotations

from typing import Any

import numpy as np

from heldout.stats.interval import Interval
from heldout.stats.typical_share import typical_share

SOLVED, FALLS = 0.95, 0.1
NETS = ("minGRU", "minLSTM", "GRU", "transformer")
ASKED = ("selective copying", "parity", "longer parity")
LAYERS = (1, 2, 3, 4)


def judged(rows: list[dict[str, Any]], net: str, layers: int, asked: str) -> list[dict[str, Any]]:
    """Rows of the runs that did not diverge."""
    task = "copy" if asked == ASKED[0] else "parity"
    return [
        r
        for r in rows
        if r.get("status") == "ok" and (r["task"], r["net"], r["layers"]) == (task, net, layers)
    ]


def share(rows: list[dict[str, Any]], net: str, layers: int, asked: str) -> Interval:
    """The typical share of right answers over seeds."""
    mine = [r["out" if asked == ASKED[2] else "in"] for r in judged(rows, net, layers, asked)]
    return typical_share([k for k, _ in mine], [n for _, n in mine], 0.95)


def _falls(row: dict[str, Any]) -> bool:
    """Whether the loss of the last quarter of the steps is more than a tenth below that of the quarter before."""
    before, last = float(np.mean(row["losses"][-4:-2])), float(np.mean(row["losses"][-2:]))
    return last < (1.0 - FALLS) * before


def undertrained(rows: list[dict[str, Any]], net: str, layers: int, asked: str) -> bool:
    """Whether the loss still falls in half of the seeds or more."""
    mine = judged(rows, net, layers, asked)
    return 2 * sum(_falls(r) for r in mine) >= len(mine)


def solves(
    rows: list[dict[str, Any]], shares: dict[Any, Interval], net: str, layers: int, asked: str
) -> bool | None:
    """Whether it does; None where the interval covers the margin or the net is undertrained."""
    found = shares[net, layers, asked]
    if not found.ok or found.low <= SOLVED <= found.high:
        return None
    if found.low > SOLVED:
        return True
    fitted = asked == ASKED[2] and shares[net, layers, ASKED[1]].low > SOLVED
    return None if undertrained(rows, net, layers, asked) and not fitted else False
