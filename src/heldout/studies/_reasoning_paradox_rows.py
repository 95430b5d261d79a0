"""What the rows of `reasoning_paradox` say: accuracies by depth, agreement with the probe beyond that of both being right.

A row holds counts for one net on one distribution: puzzles and right answers by depth, and how often the labels and the answers of net and
probe were which: `table`[label][net][probe].
"""

from __future__ import annotations

from typing import Any

import numpy as np

from heldout.stats.interval import Interval
from heldout.stats.mean_interval import bootstrap_mean

TESTS = ("RP", "RP_b", "LP", "LP*")
Rows = list[dict[str, Any]]


def nets(rows: Rows, kind: str, train: str | None, test: str, look: str = "end") -> Rows:
    """The rows of one kind of net on one distribution, in the order of their seeds."""
    found = [
        r
        for r in rows
        if r.get("status") == "ok"
        and (r["kind"], r["train"], r["test"], r["look"]) == (kind, train, test, look)
    ]
    return sorted(found, key=lambda r: r["seed"])


def accuracy(row: dict[str, Any], depth: int | None = None) -> float:
    """Share of right answers: at a depth, or over all puzzles."""
    right, count = row["right"], row["count"]
    return float(sum(right) / sum(count)) if depth is None else float(right[depth] / count[depth])


def probe_accuracy(row: dict[str, Any]) -> float:
    """Share of puzzles that the probe answers rightly."""
    table = np.array(row["table"])
    return float((table[0, :, 0].sum() + table[1, :, 1].sum()) / table.sum())


def excess_agreement(row: dict[str, Any]) -> float:
    """(agreement - chance)/(1 - chance); chance: among puzzles of a label, errors of both are independent. NaN where chance is 1.

    >>> alike = {"table": [[[30, 0], [0, 20]], [[10, 0], [0, 40]]]}
    >>> apart = {"table": [[[18, 12], [12, 8]], [[2, 8], [8, 32]]]}     # in each label the product of the shares
    >>> round(excess_agreement(alike), 9), abs(round(excess_agreement(apart), 9))
    (1.0, 0.0)
    """
    table = np.array(row["table"], float)
    each = table.sum((1, 2))
    net, probe = table.sum(2)[:, 1] / np.maximum(each, 1), table.sum(1)[:, 1] / np.maximum(each, 1)
    chance = float((each * (net * probe + (1 - net) * (1 - probe))).sum() / each.sum())
    agreed = float((table[:, 0, 0] + table[:, 1, 1]).sum() / each.sum())
    return (agreed - chance) / (1 - chance) if chance < 1 else float("nan")


def wrong_given(row: dict[str, Any], probe_right: bool) -> float | None:
    """Share of the net's wrong answers among the puzzles that the probe gets right (or wrong); None where there are none."""
    table = np.array(row["table"])
    sides = [table[label, :, label if probe_right else 1 - label] for label in (0, 1)]
    count = sum(int(side.sum()) for side in sides)
    return (int(sides[0][1]) + int(sides[1][0])) / count if count else None


def mean(values: list[float], bounds: tuple[float, float] = (0.0, 1.0), level: float = 0.95) -> Interval:
    """Mean over seeds with its interval; values that are missing are left out."""
    kept = [v for v in values if v == v]
    if len(kept) < 3:
        return Interval.withheld(f"{len(kept)} seeds are too few", level, n=len(kept))
    return bootstrap_mean(kept, level=level, bounds=bounds)
