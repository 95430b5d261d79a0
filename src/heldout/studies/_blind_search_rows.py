"""What `blind_search` reads off its stored rows: differences at equal loss, costs and their growth, figures.

>>> rows = [{"part": "cost", "pair": [3, 8], "seed": s, "n": n, "width": 32, "labels": "true", "fits": 1, "guesses": 2 ** n + s}
...     for s in range(4) for n in LABELS["true"]]
>>> abs(slope(rows, "true").value - 1) < 0.1
True
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from heldout.laboratory.study import DotRow, Dots, Figure, Lines, Mark, Named, Role, Series
from heldout.stats.interval import Interval
from heldout.stats.mean_interval import bootstrap_mean

Setting = tuple[int, tuple[int, ...]]
Rows = list[dict[str, Any]]
PAIRS = ((0, 1), (3, 8))
SETTINGS: tuple[Setting, ...] = (
    (4, (32,)),
    (8, (32,)),
    (16, (32,)),
    (8, (8,)),
    (8, (128,)),
    (8, (32, 32)),
    (8, (32, 32, 32)),
)
LABELS = {"true": (2, 4, 6, 8, 12, 16), "shuffled": (2, 4, 6, 8, 10)}
WIDTHS = (8, 32, 128)
BITS = 18
LEARNERS: dict[str, Role] = {"guessed": "rote", "descent": "rule", "evolved": "other"}
NAMES = {"guessed": "guessed", "descent": "SGD", "evolved": "evolved"}


def ended(rows: Rows) -> Rows:
    """Rows of cells that did not diverge."""
    return [r for r in rows if r.get("status") != "diverged"]


def at_equal_loss(rows: Rows, one: str, two: str, settings: tuple[Setting, ...] = SETTINGS) -> Interval:
    """Mean over seeds of accuracy of `one` less that of `two`: over shared bins, then settings of both tasks."""
    by: dict[int, list[float]] = {}
    for r in rows:
        if r.get("part") == "compare" and r["status"] == "ok" and (r["n"], tuple(r["hidden"])) in settings:
            gaps = [a - b for a, b in zip(r[one], r[two]) if a is not None and b is not None]
            if gaps:
                by.setdefault(r["seed"], []).append(float(np.mean(gaps)))
    if len(by) < 3:
        return Interval.withheld("fewer than 3 seeds")
    return bootstrap_mean([float(np.mean(v)) for v in by.values()])


def learner_means(rows: Rows) -> dict[str, Interval]:
    """Mean test accuracy at 8 images and one layer of 32, whatever the loss, over both tasks."""
    mine = [r for r in rows if r.get("part") == "compare" and r["n"] == 8 and r["hidden"] == [32]]
    keys = {"guessed, all fits": "all", "SGD, last step": "last", "1-NN": "one_nn"}
    found = {}
    for name, key in keys.items():
        by: dict[int, list[float]] = {}
        for r in mine:
            if key in r:
                by.setdefault(r["seed"], []).append(r[key])
        found[name] = bootstrap_mean([float(np.mean(v)) for v in by.values()], bounds=(0.0, 1.0))
    return found


def bits_of(row: dict[str, Any]) -> float:
    """log2 of guesses a fit; no fit counts as half a fit."""
    return math.log2(row["guesses"] / max(row["fits"], 0.5))


def width_cost(rows: Rows) -> Interval:
    """(b): bits at the widest less those at the narrowest, mean over tasks, by seed."""
    ends = [_by_seed(rows, width=w) for w in (WIDTHS[0], WIDTHS[-1])]
    both = sorted(set(ends[0]) & set(ends[1]))
    if len(both) < 3:
        return Interval.withheld("fewer than 3 seeds")
    return bootstrap_mean([ends[1][s] - ends[0][s] for s in both])


def slope(rows: Rows, kind: str) -> Interval:
    """Bits of cost a label: slope of a straight line through log2 cost, mean over tasks, by seed."""
    lines = _curves(rows, kind)
    if len(lines) < 3:
        return Interval.withheld("fewer than 3 seeds")
    return bootstrap_mean([float(np.polyfit(LABELS[kind], y, 1)[0]) for y in lines.values()])


def growth(rows: Rows, kind: str) -> Interval:
    """Squared error of log2 cost about a line in labels (exponential) over that about a line in log labels (a power), by seed."""
    ratios = []
    for y in _curves(rows, kind).values():
        errors = [
            float(np.polyfit(x, y, 1, full=True)[1].sum()) for x in (LABELS[kind], np.log(LABELS[kind]))
        ]
        ratios.append(errors[0] / max(errors[1], 1e-9))
    return (
        bootstrap_mean(ratios, bounds=(0.0, math.inf))
        if len(ratios) > 2
        else Interval.withheld("fewer than 3 seeds")
    )


def exact_numbers(rows: Rows) -> list[Named]:
    """Of the one-bit nets: entropy, simplicity of what is likely, cost by hidden units."""
    found = []
    for r in (r for r in rows if r.get("part") == "one-bit"):
        found += [
            _exact("one-bit nets: entropy of the function, of 16 bits", r["entropy"], r["nets"]),
            _exact("one-bit nets: rank correlation of log2 P and complexity", r["spearman"], r["functions"]),
            _exact("mean complexity of a one-bit net's function, bits", r["k_of_nets"], r["nets"]),
            _exact("mean complexity of a random table, bits", r["k_of_tables"], 2**16),
        ]
    for r in (r for r in rows if r.get("part") == "one-bit cost"):
        name = (
            f"one-bit nets, 3 inputs: bits of cost with {r['units']} units ({r['bits']} bits of parameters)"
        )
        found.append(_exact(name, r["needed"], 2 ** r["bits"]))
    return found


def setting_name(setting: Setting) -> str:
    """Images and layers."""
    n, hidden = setting
    return f"{n} images, {' + '.join(map(str, hidden))} units"


def pictures(rows: Rows) -> list[Figure]:
    """The figures of the study."""
    rows = ended(rows)
    found: list[Figure] = []
    for pair in PAIRS:
        series = []
        mine = [
            r for r in rows if r.get("part") == "compare" and r["status"] == "ok" and tuple(r["pair"]) == pair
        ]
        mine = [r for r in mine if (r["n"], tuple(r["hidden"])) == SETTINGS[1]]
        for learner, role in LEARNERS.items():
            values = [[r[learner][k] for r in mine if r[learner][k] is not None] for k in range(6)]
            means = [bootstrap_mean(v, bounds=(0.0, 1.0)) if v else Interval.withheld("none") for v in values]
            if any(m.ok for m in means):
                ends = [[m.low if m.ok else None for m in means], [m.high if m.ok else None for m in means]]
                series.append(
                    Series(
                        NAMES[learner],
                        role,
                        list(range(1, 7)),
                        [m.value if m.ok else None for m in means],
                        low=ends[0],
                        high=ends[1],
                    )
                )
        if series:
            caption = "8 images, one layer of 32. Bin 1 has the least normalized loss; bins are sextiles of the guesses' losses. Bands: 95% over seeds."
            found.append(
                Lines(
                    f"{pair[0]} v {pair[1]}: accuracy at equal loss",
                    caption,
                    "bin of normalized loss",
                    "test accuracy",
                    series=tuple(series),
                )
            )
    dots = []
    for setting in SETTINGS:
        for learner in ("guessed", "evolved"):
            gap = at_equal_loss(rows, learner, "descent", (setting,))
            if gap.ok:
                dots.append(
                    DotRow(
                        f"{NAMES[learner]}, {setting_name(setting)}",
                        gap.value,
                        gap.low,
                        gap.high,
                        LEARNERS[learner],
                    )
                )
    if dots:
        marks = (Mark("x", -0.02, "margin"),)
        found.append(
            Dots(
                "Test accuracy less that of SGD, at equal loss",
                "Both tasks.",
                "difference",
                rows=tuple(dots),
                marks=marks,
            )
        )
    costs = []
    for kind, role in (("true", "rule"), ("shuffled", "rote")):
        lines = _curves(rows, kind)
        costs += [
            Series(f"{kind}, seed {s}", role, LABELS[kind], [float(v) for v in y], thin=True)
            for s, y in lines.items()
        ]
        if lines:
            mean = np.mean(list(lines.values()), 0)
            costs.append(Series(f"{kind} labels", role, LABELS[kind], [float(v) for v in mean]))
    if costs:
        found.append(
            Lines(
                "Cost by the number of labels",
                "One layer of 32, both tasks; a straight line is exponential growth.",
                "training images",
                "log2 guesses a fit",
                series=tuple(costs),
            )
        )
    widths = [bootstrap_mean(list(_by_seed(rows, width=w).values())) for w in WIDTHS]
    dots = [
        DotRow(f"{w} hidden units", v.value, v.low, v.high, "other") for w, v in zip(WIDTHS, widths) if v.ok
    ]
    if dots:
        found.append(
            Dots(
                "Cost by the number of parameters",
                "8 images, both tasks; parameters are 66 a unit.",
                "log2 guesses a fit",
                rows=tuple(dots),
            )
        )
    for r in (r for r in rows if r.get("part") == "one-bit"):
        likely = (
            Series("one-bit nets", "rote", r["k"], r["share_of_nets"]),
            Series("all tables", "chance", r["k"], r["share_of_tables"]),
        )
        caption = f"All {r['nets']:,} nets of 4 inputs and 3 hidden units compute {r['functions']:,} of 65,536 functions."
        found.append(
            Lines(
                "How simple is what blind search finds?",
                caption,
                "Lempel-Ziv complexity, bits",
                "share",
                series=likely,
            )
        )
    return found


# Parts.


def _by_seed(rows: Rows, width: int = 32, n: int = 8, kind: str = "true") -> dict[int, float]:
    """Bits of cost by seed, mean over the tasks that were run."""
    by: dict[int, list[float]] = {}
    for r in rows:
        if r.get("part") == "cost" and (r["width"], r["n"], r["labels"]) == (width, n, kind):
            by.setdefault(r["seed"], []).append(bits_of(r))
    return {seed: float(np.mean(v)) for seed, v in by.items()}


def _curves(rows: Rows, kind: str) -> dict[int, list[float]]:
    """Bits of cost [labels] by seed, of seeds that have all."""
    columns = [_by_seed(rows, n=n, kind=kind) for n in LABELS[kind]]
    return {s: [c[s] for c in columns] for s in sorted(set.intersection(*map(set, columns)))}


def _exact(name: str, value: float, n: int) -> Named:
    fields = {"value": value, "low": value, "high": value, "level": 1.0}
    return Named(name, {**fields, "method": "exact enumeration", "n": n, "status": "ok"})
