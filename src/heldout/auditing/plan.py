"""Budgets: how many models to train again, chosen by what fits in about two minutes.

| budget      | refits                                                                       |
| predictions | none                                                                         |
| folds       | 5 held-out folds, 5 on all data (fidelity), 3 on shuffled labels             |
| subsets     | 100 (or 50) on 50/70/90% of the data, 5 on all data, 10 on shuffled labels    |

>>> choose(seconds_per_refit=0.3, budget=None, limit=90).subsets
{0.5: 40, 0.7: 40, 0.9: 20}
>>> choose(seconds_per_refit=5.0, budget=None, limit=90).budget
'folds'
>>> choose(seconds_per_refit=600.0, budget=None, limit=90).budget
'predictions'
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Budget = Literal["predictions", "folds", "subsets"]


@dataclass(frozen=True)
class Plan:
    """What is trained: held-out folds or subsets {fraction: models}, full refits, shuffled twins; `next_seconds` None: unknown."""

    budget: Budget
    folds: int = 0
    subsets: dict[float, int] = field(default_factory=dict)
    full: int = 0
    shuffled: int = 0
    next_budget: Budget | None = None
    next_adds: str = ""
    next_seconds: float | None = None

    @property
    def refits(self) -> int:
        """All models trained."""
        return self.folds + sum(self.subsets.values()) + self.full + self.shuffled


_SUBSETS = ({0.5: 40, 0.7: 40, 0.9: 20}, {0.5: 20, 0.7: 20, 0.9: 10})
_ADDS_SUBSETS = "memorization of each example with its error, the learning curve, influence and membership leakage (65 or 115 refits)"
_ADDS_FOLDS = "the chance / rule / rote split from models that did not see the example (13 refits)"


def seconds_of(subsets: dict[float, int], full: int, shuffled: int, per_refit: float) -> float:
    """Cost of a design where a refit on all data takes `per_refit` seconds of wall time."""
    return per_refit * (sum(f * k for f, k in subsets.items()) + full + 0.9 * shuffled)


def choose(seconds_per_refit: float | None, budget: Budget | None, limit: float) -> Plan:
    """The plan for a stated budget, or the largest that fits in `limit` seconds. None seconds: the cost is unknown.

    A stated `subsets` takes 100 models where that costs at most twice the limit, else 50.
    """
    known = seconds_per_refit is not None
    each = seconds_per_refit or 0.0
    large, small = (Plan("subsets", subsets=dict(s), full=5, shuffled=10) for s in _SUBSETS)
    cost, cost_small = (seconds_of(p.subsets, p.full, p.shuffled, each) for p in (large, small))
    cost_folds = seconds_of({0.8: 5}, 5, 3, each)
    nothing = Plan(
        "predictions", next_budget="folds", next_adds=_ADDS_FOLDS, next_seconds=cost_folds if known else None
    )
    folds = Plan(
        "folds",
        folds=5,
        full=5,
        shuffled=3,
        next_budget="subsets",
        next_adds=_ADDS_SUBSETS,
        next_seconds=cost_small,
    )
    if budget == "predictions" or not known:
        return nothing
    if budget == "folds":
        return folds
    if budget == "subsets":
        return large if cost <= 2 * limit else small
    for plan, price in ((large, cost), (small, cost_small), (folds, cost_folds)):
        if price <= limit:
            return plan
    return nothing
