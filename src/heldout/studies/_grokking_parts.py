"""What `grokking` makes of its branches and pairs: numbers, dots and maps from stored rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from heldout.laboratory.study import DotRow, Figure, HeatMap, Lines, Mark, Named, Role, Series
from heldout.stats.mean_interval import paired_difference
from heldout.stats.proportion import clopper_pearson
from heldout.stats.survival import survival
from heldout.studies._grokking_rows import CHECKPOINT, P

BRANCHES = (
    "as it was",
    "decay off",
    "norm held",
    "perpendicular",
    "L1",
    "L2 in the gradient",
    "slow gradient",
    "cut strongest",
    "cut weakest",
    "more data",
)


def runs_of(rows: list[dict[str, Any]], part: str) -> list[dict[str, Any]]:
    return [r for r in rows if r.get("part") == part and r.get("status") == "ok"]


def curve_of(rows: list[dict[str, Any]], key: str) -> Any:
    return survival(
        [r[key] if r[key] is not None else r["steps"] for r in rows], [r[key] is not None for r in rows]
    )


def recipe_figures(runs: list[dict[str, Any]], title: str, p: int, marks: tuple[Mark, ...]) -> list[Figure]:
    """Survival curves of both times, accuracies and weight norms of one recipe."""
    if not runs:
        return []
    waiting: tuple[tuple[str, str, Role], ...] = (
        ("fit", "not yet 99% of the training pairs", "rote"),
        ("general", "not yet 99% of the test pairs", "rule"),
    )
    series = []
    for key, name, role in waiting:
        c = curve_of(runs, key)
        ends = ([1.0, *c.low], [1.0, *c.high])
        series.append(Series(name, role, [1.0, *c.times], [1.0, *c.share], *ends))
    caption = f"Kaplan-Meier over {len(runs)} seeds with 95% intervals; runs that ended are censored."
    survivors = Lines(
        f"{title}: share of runs still waiting", caption, "step", "share", True, False, tuple(series), marks
    )
    shown = [r for r in runs if r.get("curve")]
    lines: dict[str, list[Series]] = {"train": [], "test": [], "norm": []}
    roles: dict[str, Role] = {"train": "rote", "test": "rule", "norm": "other"}
    for r in shown:
        for key, mine in lines.items():
            x, y = r["curve"]["step"], r["curve"][key]
            mine.append(Series(f"{key} of seed {r['seed']}", roles[key], x, y, thin=True, cell=r.get("cell")))
    accuracy = Lines(
        f"{title}: accuracy along training",
        "Two lines a seed: training pairs and test pairs.",
        "step",
        "accuracy",
        log_x=True,
        series=(*lines["train"], *lines["test"]),
        marks=(Mark("y", 1 / p, "chance"),),
    )
    norm = Lines(
        f"{title}: length of the weights",
        "The Euclidean norm of all weights, one line a seed.",
        "step",
        "|theta|",
        log_x=True,
        series=tuple(lines["norm"]),
    )
    return [survivors, accuracy, norm] if shown else [survivors]


def branch_numbers(rows: list[dict[str, Any]]) -> list[Named]:
    found = []
    by = {b: [r for r in runs_of(rows, "branch") if r["branch"] == b] for b in BRANCHES}
    base = by["as it was"]
    for name, mine in by.items():
        if mine:
            share = clopper_pearson(sum(r["general"] is not None for r in mine), len(mine))
            found += [
                Named.of(f"branch {name}: share that reaches 99% test accuracy", share),
                Named.of(f"branch {name}: median step", curve_of(mine, "general").quantile()),
            ]
            if name != "as it was" and base:
                last = {r["seed"]: r["test"] for r in base}
                both = [(r["test"], last[r["seed"]]) for r in mine if r["seed"] in last]
                gap = paired_difference([a for a, _ in both], [b for _, b in both])
                found.append(
                    Named.of(f"branch {name}: last test accuracy, less that of the same seeds as it was", gap)
                )
    return found


def branch_dots(rows: list[dict[str, Any]]) -> Iterator[DotRow]:
    for name in BRANCHES:
        mine = [r for r in runs_of(rows, "branch") if r["branch"] == name]
        if mine:
            median = curve_of(mine, "general").quantile()
            ends = [v if np.isfinite(v) else None for v in (median.value, median.low, median.high)]
            done = sum(r["general"] is not None for r in mine)
            yield DotRow(
                f"{name} ({done} of {len(mine)})", ends[0], ends[1], ends[2], "rule", mine[0].get("cell")
            )


def pair_maps(rows: list[dict[str, Any]]) -> list[Figure]:
    """Memorization of each pair: its accuracy in runs that trained on it, less that in runs that did not."""
    counts = [r for r in rows if r.get("part") == "pairs"]
    if not counts:
        return []
    trained = sum(_digits(r["trained"]) for r in counts)
    runs, label = sum(r["runs"] for r in counts), [str(k) for k in range(P)]
    maps: list[Figure] = []
    for when in ("before", "after"):
        inside, outside = (sum(_digits(r[f"{when}_{key}"]) for r in counts) for key in ("in", "out"))
        with np.errstate(divide="ignore", invalid="ignore"):
            score = inside / trained - outside / (runs - trained)
        grid = [
            [round(float(v), 2) if np.isfinite(v) else None for v in line] for line in score.reshape(P, P)
        ]
        step = f"at step {CHECKPOINT}" if when == "before" else "at the end"
        maps.append(
            HeatMap(
                f"Memorization of each pair (a, b) {step}",
                f"Share right in the runs that trained on the pair, less the share right in those that did not; {runs} runs, mean {np.nanmean(score):.3f}.",
                "b",
                "a",
                label,
                label,
                grid,
                "memorization",
            )
        )
    return maps


def _digits(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), np.uint8).astype(int) - ord("0")
