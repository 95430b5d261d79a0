"""What `delay_is_avoidable` draws: sides, settings and branches, from stored rows."""

from __future__ import annotations

import math
from typing import Any

from heldout.laboratory.study import DotRow, Dots, Figure, Lines, Mark, Role, Series
from heldout.stats.mean_interval import bootstrap_mean
from heldout.stats.regime_judge import reached
from heldout.stats.survival import Survival, survival
from heldout.studies._delay_settings import BRANCHES, SETTINGS, SIDES, label

Rows = list[dict[str, Any]]
_DRAWN: dict[str, Role] = {
    "as it was": "rote",
    "decay off": "chance",
    "norm held": "other",
    "squared loss": "rule",
    "squared loss, decay off": "rule",
    "more data": "other",
}


def times(mine: Rows, key: str) -> Survival:
    """Kaplan-Meier over runs: of the delay's ratio, or of the step of an event, censored at the last step."""
    if key == "ratio":
        return survival([r["ratio"] for r in mine], [r["ratio_seen"] for r in mine])
    return survival(
        [r["horizon"] if r[key] is None else r[key] for r in mine], [r[key] is not None for r in mine]
    )


def sides_figure(sides: dict[str, dict[str, Rows]]) -> list[Figure]:
    """Delay and steps of the reference and of each tuned side, over the judging seeds."""
    found: list[Figure] = []
    roles: dict[str, Role] = {"reference": "rote", "tuned rate and decay": "chance"}
    for title, keys in (
        ("Delay: test over training steps", ("ratio",)),
        ("Steps to 99%", ("fit", "general")),
    ):
        dots = []
        for task, parts in sides.items():
            for name, mine in parts.items():
                for key in keys:
                    what = {"ratio": "", "fit": ", training", "general": ", test"}[key]
                    said = f"{task}, {name}{what}"
                    role = roles.get(name, "rule")
                    dots.append(_dot(said, times(mine, key), role, mine[0].get("cell")))
        if dots:
            caption = "Judging seeds at the setting that was tuned; median with its 95% interval (Kaplan-Meier); no dot: fewer than half got there."
            marks = (Mark("x", 2.0, "margin"),) if keys == ("ratio",) else ()
            found.append(Dots(title, caption, "ratio" if marks else "step", True, tuple(dots), marks))
    return found


def settings_figures(task: str, runs: Rows) -> list[Figure]:
    """The delay and the step of 99% test accuracy of every setting, over all seeds."""
    found: list[Figure] = []
    for key, title, x in (
        ("ratio", "delay of every setting", "ratio"),
        ("general", "steps to 99% test accuracy of every setting", "step"),
    ):
        dots = []
        for side in SIDES:
            for setting in SETTINGS[task, side]:
                mine = [r for r in runs if (r["side"], r["setting"]) == (side, label(setting))]
                if mine:
                    role: Role = "rote" if side == "plain" else "rule"
                    name = label(setting).replace("squared loss", "squared").replace(" in the gradient", "")
                    dots.append(_dot(name, times(mine, key), role, mine[0].get("cell")))
        if dots:
            caption = "First the plain side, then the careful one; all seeds; median with its 95% interval (Kaplan-Meier); no dot: fewer than half got there."
            marks = (Mark("x", 2.0, "margin"),) if key == "ratio" else ()
            found.append(Dots(f"{task}: {title}", caption, x, True, tuple(dots), marks))
    return found


def branch_figures(rows: Rows) -> list[Figure]:
    """Mean test accuracy along branches from one checkpoint, and the step at which each branch generalizes."""
    by = {b: [r for r in rows if r.get("branch") == b and r.get("status") == "ok"] for b in BRANCHES}
    by = {b: mine for b, mine in by.items() if mine}
    if not by:
        return []
    series, dots = [], []
    for name, mine in by.items():
        means = [bootstrap_mean(column, bounds=(0, 1)) for column in zip(*(r["test"] for r in mine))]
        cell = mine[0].get("cell")
        if name in _DRAWN:
            y, low, high = ([_or_none(getattr(m, end)) for m in means] for end in ("value", "low", "high"))
            series.append(Series(name, _DRAWN[name], mine[0]["step"], y, low, high, cell=cell))
        dots.append(_dot(name, _general(mine), _DRAWN.get(name, "other"), cell))
    start = next(iter(by.values()))[0]["step"][0]
    caption = f"Addition, the reference run branched at step {start}; mean over seeds with its 95% interval (bootstrap)."
    return [
        Lines(
            "From one checkpoint: test accuracy of the branches",
            caption,
            "step",
            "test accuracy",
            log_x=True,
            series=tuple(series),
        ),
        Dots(
            "From one checkpoint: when the branches generalize",
            f"Step of 99% test accuracy, looked at every {mine[0]['step'][1] - start} steps; median with its 95% interval (Kaplan-Meier); no dot: fewer than half got there.",
            "step",
            True,
            tuple(dots),
        ),
    ]


# Parts.


def _dot(name: str, curve: Survival, role: Role, cell: str | None) -> DotRow:
    median = curve.quantile()
    ends = [_or_none(v) for v in (median.value, median.low, median.high)]
    if curve.events < curve.n:
        name += f" ({curve.events} of {curve.n})"
    return DotRow(name, ends[0], ends[1], ends[2], role, cell)


def _general(mine: Rows) -> Survival:
    """The step of 99% test accuracy on a branch, censored at its last step."""
    found = [reached(r["step"], r["test"]) for r in mine]
    return survival(
        [r["step"][-1] if at is None else at for at, r in zip(found, mine)], [at is not None for at in found]
    )


def _or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None
