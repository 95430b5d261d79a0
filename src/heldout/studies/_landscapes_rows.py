"""Reading the rows of `landscapes`: which belong to a kind, and mean advantages with their intervals."""

from __future__ import annotations

from typing import Any

import numpy as np

from heldout.laboratory.study import Role
from heldout.stats.mean_interval import bootstrap_mean
from heldout.studies._landscapes_parts import HASHED

EVALUATIONS = (64, 256, 1024)
LEVEL = 0.95
EVOLUTION = ("(1+lambda)", "genetic algorithm", "OpenAI-ES")
SEARCHERS = (*EVOLUTION, "simulated annealing", "pattern search")
BLIND = "blind search"
HASHES = tuple(f"hash of {kind}" for kind in HASHED)
ROLES: dict[str, Role] = {**dict.fromkeys(EVOLUTION, "rule"), BLIND: "chance"}
BOUNDS = (-18.0, 18.0)
Rows = list[dict[str, Any]]


def of(rows: Rows, *kinds: str) -> Rows:
    """The rows of these kinds of landscape that have results."""
    return [r for r in rows if r.get("kind") in kinds and "results" in r]


def role(name: str) -> Role:
    """A searcher's colour."""
    return ROLES.get(name, "other")


def advantages(rows: Rows, kinds: tuple[str, ...], name: str, together: int = 1, at: int = 2) -> Any:
    """A searcher's advantage after EVALUATIONS[at]: mean over seeds of the mean over kinds; None below 3 seeds.

    `together`: how many such intervals shall hold at once.
    """
    by_seed: dict[int, list[float]] = {}
    for row in of(rows, *kinds):
        by_seed.setdefault(row["seed"], []).append(row["results"][name][at])
    values = [float(np.mean(mine)) for mine in by_seed.values()]
    if len(values) < 3:
        return None
    return bootstrap_mean(values, level=1 - (1 - LEVEL) / together, bounds=BOUNDS)
