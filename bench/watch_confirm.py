"""The advice of `heldout.watch` on runs that no rule, threshold or tree was chosen on (`bench.watch_fresh`); nothing is fitted to them.

    python -m bench.watch_forecast --fresh

Each family of the fit is judged by the forecaster that was made without it, as in the record on the runs of the fit; families that
the fit never had, by the shipped one. Printed: skill by family beside that on the runs of the fit, and that of the shipped
forecaster, which knows the family; Brier scores by part; the calibration curve; the words with what came after them; the stops.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.watch_fit import bins, forecast
from bench.watch_forecast import print_words
from bench.watch_fresh import PARTS
from bench.watch_points import Points, points_of
from bench.watch_record import Record, ratio, skill
from bench.watch_runs import newest, read_runs
from heldout.watching.advice import UNLIKE, may_form_late
from heldout.watching.features import NAMES
from heldout.watching.forecaster import TARGETS, Forecaster

Floats = NDArray[np.float64]


def confirm(first: Record) -> None:
    """Print the tables. first: the record of the runs of the fit."""
    head, runs = read_runs(newest("fresh"))
    points, without = points_of(runs)
    part = np.array([runs[n]["part"] for n in points.run])
    _say(
        f"\n{head['command']}, {head['date']}, {head['machine']}, {head['processor seconds']} s of processor time"
    )
    _say(
        f"{len(runs)} fresh runs, {len(points.x)} points, {without} more without features (losses not finite)"
    )
    told = {
        family: Forecaster(first.complete(family)) if family in first.families else Forecaster.shipped()
        for family in sorted(set(points.family.tolist()))
    }
    judged = judged_by(told, points)
    shipped = judged_by(dict.fromkeys(told, Forecaster.shipped()), points)
    print_by_family(judged, shipped, first)
    for name, record in (("family left out", judged), ("shipped", shipped)):
        print_by_part(name, record, part)
    print_by_part("runs of the fit", first, np.full(len(first.points.x), "seeds"))
    print_curves(told, judged)
    for chosen in (*PARTS, "all"):
        _say(f"\nwords, {chosen}")
        some = [dict(row, family=row["family"] if chosen in (row["part"], "all") else "") for row in runs]
        mine = points.where((part == chosen) | (chosen == "all"))
        print_words({f: t for f, t in told.items() if f in set(mine.family.tolist())}, mine, some)


def judged_by(told: dict[str, Forecaster], points: Points) -> Record:
    """The forecasts of these forecasters, by family, for the points."""
    record = Record(points)
    for family, forecaster in told.items():
        mine = points.family == family
        record.made[family] = made = dict(forecaster.made)
        for target in TARGETS:
            record.p[family, target] = np.full(len(mine), np.nan)
            record.p[family, target][mine] = forecast(made, target, points.x[mine])
    return record


def print_by_family(judged: Record, shipped: Record, first: Record) -> None:
    """Skill by family and target with intervals over runs: fresh, on the runs of the fit, and of the shipped forecaster."""
    _say(
        "family           runs  lower  "
        + "".join(f"{t + ': fresh, runs of the fit, shipped':>66}" for t in TARGETS)
    )
    points = judged.points
    for family in judged.families:
        mine = points.family == family
        rate = np.average(points.truth["loss"][mine], weights=points.weight[mine])
        cells = ""
        for target in TARGETS:
            for record in (judged, first, shipped):
                known = family in record.families
                cells += (
                    "{:8.2f} [{:5.2f}, {:4.2f}]".format(*skill(record, family, target)) if known else " " * 22
                )
        _say(f"{family:15} {len(np.unique(points.run[mine])):5}  {rate:5.2f} {cells}")


def print_by_part(name: str, record: Record, part: NDArray[np.str_]) -> None:
    """Brier score, that of the base rate, and skill, families equal, by part of the corpus; intervals over runs."""
    points = record.points
    for target in TARGETS:
        errors = np.full((2, len(points.x)), np.nan)
        for family in record.families:
            mine = points.family == family
            base = record.made[family]["targets"][target]["base rate"]
            truth = points.truth[target][mine]
            errors[:, mine] = (record.p[family, target][mine] - truth) ** 2, (base - truth) ** 2
        for chosen in (*PARTS, "all"):
            mine = (part == chosen) | (chosen == "all")
            if not mine.any():
                continue
            weight = points.weight.copy()
            for family in set(points.family[mine].tolist()):
                own = mine & (points.family == family)
                weight[own] /= weight[own].sum()
            brier, base = (np.average(of[mine], weights=weight[mine]) for of in errors)
            value, low, high = ratio(errors[:, mine], points.run[mine], weight[mine], name + chosen + target)
            _say(
                f"{name:16} {target:7} {chosen:9} Brier {brier:.4f}, base rate {base:.4f}, skill {value:.3f} [{low:.3f}, {high:.3f}]"
            )


def print_curves(told: dict[str, Forecaster], judged: Record) -> None:
    """The calibration curve of points that are not refused, as in the record."""
    points = judged.points
    p = {t: np.nansum([judged.p[family, t] for family in judged.families], 0) for t in TARGETS}
    keep = np.array(
        [
            _kept(told[str(f)], x, q)
            for f, x, q in zip(points.family, points.x.tolist(), p["loss"], strict=True)
        ]
    )
    for target in TARGETS:
        _say(f"\n{target}: forecast up to, mean forecast, came true (95%), runs, points")
        for b in bins(p[target], points.truth[target], points.run, points.weight, keep):
            _say(f"  {b['to']:.2f}  {b['forecast']}  {b['came']}  {b['runs']}  {b['points']}")


def _kept(told: Forecaster, x: list[float], p: float) -> bool:
    """Whether the forecast p of a lower loss is none of those that are refused."""
    seen: dict[str, Any] = dict(zip(NAMES, x, strict=True))
    low = p <= 0.5
    share, _ = told.distrusted("stop" if low else "go on", seen)
    return not told.outside(seen) and share <= UNLIKE and not (low and may_form_late(seen))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
