"""What `mirage` reads off its stored rows: shapes of each metric, ratios to the nulls, local exponents, lines of its figures.

>>> standard_error([0.0, 0.0, 0.0], 300) > 0.003
True
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from heldout.laboratory.study import Named, Role, Series
from heldout.stats.emergence import RUNGS, Emergence, emergence
from heldout.stats.mean_interval import bootstrap_mean

STRICT = {"exact": "exact match", "ten": "ten in a row"}
SMOOTH = {
    "token": "digits right",
    "edit": "1 - edit distance / 3",
    "brier": "Brier score",
    "cross_entropy": "cross-entropy",
}
NULLS = {
    "null_token": "digits right ^ 3",
    "null_nats": "exp(-3 cross-entropy)",
    "null_sequence": "answer's probability",
}
ITEMS = {"exact": 3000, "ten": 300, "choice": 3000}
MARGIN = 0.25
LEVEL = 0.95


def by_width(rows: list[dict[str, Any]], metric: str) -> dict[int, dict[int, float]]:
    """Values by width and seed; widths of which fewer than half of the seeds ended, or fewer than 2, are left out."""
    tried: dict[int, int] = {}
    kept: dict[int, dict[int, float]] = {}
    for r in rows:
        if "width" in r:
            tried[r["width"]] = tried.get(r["width"], 0) + 1
            if r.get("status") == "ok":
                kept.setdefault(r["width"], {})[r["seed"]] = r[metric]
    return {w: kept[w] for w in sorted(kept) if len(kept[w]) >= max(2, tried[w] / 2)}


def shape_of(rows: list[dict[str, Any]], metric: str) -> Emergence | None:
    values = by_width(rows, metric)
    if len(values) < RUNGS:
        return None
    means = [float(np.mean(list(v.values()))) for v in values.values()]
    errors = [standard_error(list(v.values()), ITEMS.get(metric)) for v in values.values()]
    return emergence(np.log(list(values)), means, errors, MARGIN, LEVEL)


def standard_error(values: list[float], items: int | None) -> float:
    """Between seeds, widened as Student's t asks for, and that of the items (a share of 0 has one too)."""
    from scipy.stats import norm, t

    r = len(values)
    between = float(np.std(values, ddof=1)) / math.sqrt(r) * float(t.ppf(0.975, r - 1) / norm.ppf(0.975))
    if items is None:
        return max(between, 1e-6)
    p = (float(np.mean(values)) * items + 1) / (items + 2)
    return math.hypot(between, math.sqrt(p * (1 - p) / items))


def against_nulls(rows: list[dict[str, Any]]) -> list[Named]:
    """Exact match over each null, at the widths where at least 3% and at most 97% are right: geometric mean a seed."""
    exact = by_width(rows, "exact")
    middle = [w for w, v in exact.items() if 0.03 <= float(np.mean(list(v.values()))) <= 0.97]
    numbers = []
    for metric, name in NULLS.items():
        null = by_width(rows, metric)
        seeds = set.intersection(*(set(exact[w]) for w in middle)) if middle else set()
        logs = [
            np.mean([math.log2(max(exact[w][s], 1e-4) / max(null[w][s], 1e-9)) for w in middle])
            for s in sorted(seeds)
        ]
        numbers.append(Named.of(f"log2 of exact match over {name}", bootstrap_mean(logs)))
    return numbers


def slopes_of(rows: list[dict[str, Any]]) -> list[tuple[float, Any]]:
    """(middle width, exponent a of cross-entropy ~ width^-a) between neighbouring widths."""
    values = by_width(rows, "cross_entropy")
    widths = list(values)
    found = []
    for one, two in itertools.pairwise(widths):
        both = sorted(set(values[one]) & set(values[two]))
        slopes = [math.log(values[one][s] / values[two][s]) / math.log(two / one) for s in both]
        found.append((math.sqrt(one * two), bootstrap_mean(slopes)))
    return found


def exponents(rows: list[dict[str, Any]]) -> list[Named]:
    """The smallest and the largest local exponent, each with its own interval."""
    slopes = [s for s in slopes_of(rows) if s[1].ok]
    if not slopes:
        return []
    ends = {
        "smallest": min(slopes, key=lambda s: s[1].value),
        "largest": max(slopes, key=lambda s: s[1].value),
    }
    return [
        Named.of(f"cross-entropy's {name} exponent, at width {at:.0f}", slope)
        for name, (at, slope) in ends.items()
    ]


def line(rows: list[dict[str, Any]], metric: str, name: str, role: Role) -> Series:
    """Means by width with 1.96 standard errors, cut to the metric's range."""
    values = [list(v.values()) for v in by_width(rows, metric).values()]
    top = 1.0 if metric not in ("cross_entropy", "brier") else math.inf
    means = [float(np.mean(v)) for v in values]
    half = [1.96 * standard_error(v, ITEMS.get(metric)) for v in values]
    low = [max(0.0, m - h) for m, h in zip(means, half)]
    high = [min(top, m + h) for m, h in zip(means, half)]
    return Series(name, role, list(by_width(rows, metric)), means, low, high)
