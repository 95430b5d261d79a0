"""What `coefficient_in_grokking` makes of stored rows: ratios with their intervals, and its figures."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from heldout.laboratory.study import DotRow, Dots, Figure, Lines, Mark, Role, Series
from heldout.stats.interval import Interval
from heldout.stats.mean_interval import bootstrap_mean

SHAPE = "rises while memorizing, then falls smoothly and flattens with the test loss"
LEVEL = 0.95
ROTE, CONTROL = ("early", "no decay"), "permuted labels"
FITS = ("generalizing", *ROTE, CONTROL)
_ROLES: dict[str, Role] = {"generalizing": "rule", "early": "rote", "no decay": "rote", CONTROL: "other"}
OTHERS = ((10, 100.0), (1000, 100.0), (100, 30.0), (100, 300.0))
RATIO, GAMMA = 100, 100.0  # t / n, and the prior, of the rule
_TWO: tuple[tuple[str, Role], ...] = (("train", "rote"), ("test", "rule"))


def by_seed(rows: list[dict[str, Any]]) -> dict[int, dict[str, dict[str, Any]]]:
    found: dict[int, dict[str, dict[str, Any]]] = {}
    for r in rows:
        if r.get("part") == "compare" and "fit" in r:
            found.setdefault(r["seed"], {})[r["fit"]] = r
    return found


def at_setting(row: dict[str, Any], ratio: float, gamma: float) -> dict[str, Any] | None:
    """Lambda of a fit at t = ratio n (n answers of p units each)."""
    same = [v for v in row.get("lambdas", ()) if v["gamma"] == gamma and v["ratio"] == ratio]
    return same[0] if same else None


def main_of(row: dict[str, Any]) -> dict[str, Any]:
    return at_setting(row, RATIO, GAMMA) or {"reason": "not measured", "value": None}


def usable(row: dict[str, Any] | None) -> bool:
    return row is not None and row.get("status") == "ok" and not main_of(row)["reason"]


def ratios_of(fits: dict[int, dict[str, dict[str, Any]]], other: str) -> list[float | None]:
    """A ratio a seed; None where the pair is left out."""
    found: list[float | None] = []
    for one in fits.values():
        a, b = one.get("generalizing"), one.get(other)
        fits_both = a is not None and b is not None and usable(a) and usable(b)
        if a is None or b is None or not fits_both or a["fit_test"] < 0.99:
            found.append(None)
        else:
            by_rote = other not in ROTE or b["fit_test"] <= 0.25
            found.append(main_of(a)["value"] / main_of(b)["value"] if by_rote else None)
    return found


def pooled_ratio(ratios: list[float]) -> Interval:
    if len(ratios) < 3:
        return Interval.withheld(f"{len(ratios)} pairs can be compared", n=len(ratios))
    mean = bootstrap_mean(np.log(ratios), level=LEVEL)
    if not mean.ok:
        return mean
    value, low, high = (math.exp(v) for v in (mean.value, mean.low, mean.high))
    return dataclasses.replace(
        mean,
        value=value,
        low=low,
        high=high,
        stderr=value * mean.stderr,
        method=f"geometric mean, {mean.method}",
    )


def ratio_dots(fits: dict[int, dict[str, dict[str, Any]]]) -> Dots:
    rows = []
    for other in (*ROTE, CONTROL):
        found = ratios_of(fits, other)
        pooled = pooled_ratio([r for r in found if r is not None])
        value, low, high = (pooled.value, pooled.low, pooled.high) if pooled.ok else (None, None, None)
        rows.append(DotRow(f"generalizing, of {other}", value, low, high, "rule"))
        rows += [
            DotRow(f"seed {seed}, of {other}", r, None, None, _ROLES[other], fits[seed][other].get("cell"))
            for seed, r in zip(fits, found)
            if r is not None
        ]
    caption = f"Ratio of Lambda(t) at t = 100 n, gamma = 100, loss 0 on both sides: geometric mean over {len(fits)} seeds with its 95% interval, and each seed."
    return Dots(
        "How much simpler the generalizing fit is",
        caption,
        "ratio",
        rows=tuple(rows),
        marks=(Mark("x", 0.95, "margin"), Mark("x", 1.0, "no difference")),
    )


def fit_dots(fits: dict[int, dict[str, dict[str, Any]]]) -> Dots:
    rows = []
    for name in FITS:
        mine = [one[name] for one in fits.values() if usable(one.get(name))]
        values = [main_of(r)["value"] for r in mine]
        mean = bootstrap_mean(values) if len(values) > 2 else None
        if mean is not None and mean.ok:
            seen = np.mean([main_of(r)["test_along"] for r in mine])
            rows.append(
                DotRow(
                    f"{name} (n {len(values)}; {seen:.0%})",
                    mean.value,
                    mean.low,
                    mean.high,
                    _ROLES[name],
                )
            )
    caption = "Mean Lambda(t) over seeds with its 95% interval; in brackets how many, and the share of test pairs that draws of the chains answer."
    return Dots("Lambda of the four fits", caption, "Lambda", rows=tuple(rows))


def setting_dots(fits: dict[int, dict[str, dict[str, Any]]]) -> list[Figure]:
    """Ratios at other t and gamma, a seed at a time, with the chains' own intervals."""
    rows = []
    for ratio, gamma in OTHERS:
        for seed, one in fits.items():
            a = at_setting(one.get("generalizing", {}), ratio, gamma)
            for other in (*ROTE, CONTROL):
                b = at_setting(one.get(other, {}), ratio, gamma)
                if a is None or b is None or a["reason"] or b["reason"]:
                    continue
                value = a["value"] / b["value"]
                half = 1.96 * value * math.hypot(a["stderr"] / a["value"], b["stderr"] / b["value"])
                name = f"{other}, t {ratio} n, gamma {gamma:g}, {seed}"
                cell = one[other].get("cell")
                rows.append(DotRow(name, value, value - half, value + half, _ROLES[other], cell))
    caption = "The same ratio where t or gamma is another one; 95% intervals of the chains. Wider priors (gamma 30) let draws leave the fit they started from."
    mark = Mark("x", 1.0, "no difference")
    return (
        [Dots("At other temperatures and priors", caption, "ratio", rows=tuple(rows), marks=(mark,))]
        if rows
        else []
    )


def over_t(fits: dict[int, dict[str, dict[str, Any]]]) -> tuple[Series, ...]:
    found = []
    for seed, one in fits.items():
        for name, row in one.items():
            mine = sorted(
                (v for v in row.get("lambdas", ()) if v["gamma"] == GAMMA and not v["reason"]),
                key=lambda v: v["t"],
            )
            if len(mine) > 1:
                y, half = [v["value"] for v in mine], [1.96 * v["stderr"] for v in mine]
                low, high = [a - b for a, b in zip(y, half)], [a + b for a, b in zip(y, half)]
                x = [v["ratio"] for v in mine]
                found.append(
                    Series(
                        f"{name}, seed {seed}", _ROLES[name], x, y, low, high, thin=True, cell=row.get("cell")
                    )
                )
    return tuple(found)


def nearest_figures(rows: list[dict[str, Any]]) -> list[Figure]:
    """Lambda of the exact fit nearest to each checkpoint, and the accuracies beside."""
    mine = [r for r in rows if r.get("part") == "nearest"]
    if not mine:
        return []
    series, seen = [], []
    for seed in sorted({r["seed"] for r in mine}):
        one = [r for r in mine if r["seed"] == seed]
        x = [max(1, r["step"]) for r in one]
        good = [main_of(r) if usable(r) else None for r in one]
        y = [v["value"] if v else None for v in good]
        low, high = ([v["value"] + s * 1.96 * v["stderr"] if v else None for v in good] for s in (-1, 1))
        series.append(Series(f"seed {seed}", "rule", x, y, low, high, cell=one[0].get("cell")))
        for key, role in _TWO:
            seen.append(
                Series(
                    f"{key}, seed {seed}",
                    role,
                    x,
                    [r.get(key) for r in one],
                    thin=True,
                    cell=one[0].get("cell"),
                )
            )
    lost = sum(not usable(r) for r in mine)
    caption = f"Squared error, p = 11, decay 1: each checkpoint is moved to the nearest fit of loss 0; {lost} of {len(mine)} withheld."
    return [
        Lines(
            "Lambda of the fit nearest to each checkpoint",
            caption,
            "step",
            "Lambda",
            log_x=True,
            series=tuple(series),
        ),
        Lines(
            "Accuracies of that run",
            "Of the checkpoints themselves.",
            "step",
            "accuracy",
            log_x=True,
            series=tuple(seen),
        ),
    ]


def along_figures(rows: list[dict[str, Any]]) -> list[Figure]:
    """Around the checkpoints themselves under cross-entropy, as the published trajectory has it."""
    mine = [r for r in rows if r.get("part") == "along" and r.get("status") == "ok"]
    if not mine:
        return []
    parts: dict[str, list[Series]] = {"value": [], "trace": [], "loss": []}
    for seed in sorted({r["seed"] for r in mine}):
        one = [r for r in mine if r["seed"] == seed]
        x, cell = [max(1, r["step"]) for r in one], one[0].get("cell")
        good = [not r["reason"] for r in one]
        y = [r["value"] if g else None for r, g in zip(one, good)]
        low, high = (
            [r["value"] + s * 1.96 * r["stderr"] if g else None for r, g in zip(one, good)] for s in (-1, 1)
        )
        parts["value"].append(Series(f"seed {seed}", "rule", x, y, low, high, cell=cell))
        parts["trace"].append(Series(f"seed {seed}", "rule", x, [r["trace"] for r in one], cell=cell))
        for key, role in _TWO:
            parts["loss"].append(
                Series(
                    f"{key} loss, seed {seed}",
                    role,
                    x,
                    [r[f"{key}_loss"] for r in one],
                    thin=True,
                    cell=cell,
                )
            )
    lost = sum(bool(r["reason"]) for r in mine)
    shape = f"Published shape: {SHAPE}."
    caption = f"Cross-entropy, p = 31: t (E[L] - L(w)), t = n / log n, gamma = 100, with the chains' 95% intervals; {lost} of {len(mine)} withheld. {shape} No minimum, so no learning coefficient: it falls with the loss."
    return [
        Lines(
            "What chains see around the checkpoints of cross-entropy training",
            caption,
            "step",
            "t (E[L] - L(w))",
            log_x=True,
            series=tuple(parts["value"]),
        ),
        Lines(
            "Trace of the Hessian of the cross-entropy",
            "Exact, at the same checkpoints.",
            "step",
            "trace",
            log_x=True,
            log_y=True,
            series=tuple(parts["trace"]),
        ),
        Lines(
            "Losses of these runs",
            "Cross-entropy in nats.",
            "step",
            "loss",
            log_x=True,
            log_y=True,
            series=tuple(parts["loss"]),
        ),
    ]
