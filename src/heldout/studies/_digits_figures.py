"""The figures of `digits`, from stored rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from heldout.laboratory.study import DotRow, Dots, Figure, Lines, Mark, Role, Series
from heldout.studies._digits_judge import NETS, of, periods, single, whole

ROLES: dict[str, Role] = {
    "none": "other", "learned": "rote", "sinusoidal": "rote", "rotary": "rule", "alibi": "rule", "GRU": "chance",
}  # fmt: skip


def drawn(rows: list[dict[str, Any]], trained: int) -> list[Figure]:
    """Whole sums and digits right by number of digits, digits by place, the periods' p, and losses."""
    return [*_by_digits(rows, trained), *_by_place(rows), *_periods(rows), *_losses(rows)]


def _by_digits(rows: list[dict[str, Any]], trained: int) -> list[Figure]:
    found: list[Figure] = []
    marks = (Mark("x", trained, "trained to here"),)
    for share, title, name in (
        (whole, "Sums right in every digit", "share of sums"),
        (single, "Digits right", "share of digits"),
    ):
        series = []
        for net in NETS:
            longest = max((len(r["whole"]) for r in of(rows, net)), default=0)
            points = [(float(d), share(rows, net, d)) for d in range(1, longest + 1)]
            points = [(x, y) for x, y in points if y.ok]
            if points:
                x, y = [x for x, _ in points], [y.value for _, y in points]
                series.append(
                    Series(net, ROLES[net], x, y, [y.low for _, y in points], [y.high for _, y in points])
                )
        if series and share is whole:
            x = [float(v) for v in series[0].x if v is not None]
            series.append(Series("no carries", "chance", x, [0.55**v for v in x], thin=True))
        if series:
            caption = "Typical share over seeds, with its interval."
            found.append(Lines(title, caption, "digits", name, series=tuple(series), marks=marks))
    return found


def _by_place(rows: list[dict[str, Any]]) -> list[Figure]:
    series = []
    for net in NETS:
        mine = of(rows, net)
        x = [float(k + 1) for k in range(len(mine[0]["by_place"]))] if mine else []
        series += [
            Series(f"{net}, seed {r['seed']}", ROLES[net], x, r["by_place"], None, None, True, r.get("cell"))
            for r in mine
        ]
        if mine:
            series.append(
                Series(net, ROLES[net], x, [float(v) for v in np.mean([r["by_place"] for r in mine], 0)])
            )
    caption = "In the longest sums that were asked; place 1 is the least significant. Thin: each seed."
    return (
        [Lines("Digits right by place", caption, "place", "share of digits", series=tuple(series))]
        if series
        else []
    )


def _periods(rows: list[dict[str, Any]]) -> list[Figure]:
    dots = []
    for (net, axis), found in periods(rows).items():
        if found.status == "ok":
            dots.append(DotRow(f"{net} by {axis}, {found.period:.2g}", found.p_value, None, None, ROLES[net]))
    caption = "p of the strongest period (its length stands behind the name), larger of two nulls, before Holm's correction."
    marks = (Mark("x", 0.05, "0.05"),)
    return [Dots("A period in the digits?", caption, "p", True, tuple(dots), marks)] if dots else []


def _losses(rows: list[dict[str, Any]]) -> list[Figure]:
    series = []
    for net in NETS:
        mine = of(rows, net)
        x = [(k + 1) / 8 for k in range(8)]
        series += [
            Series(f"{net}, seed {r['seed']}", ROLES[net], x, r["losses"], None, None, True, r.get("cell"))
            for r in mine
        ]
        if mine:
            series.append(
                Series(net, ROLES[net], x, [float(v) for v in np.median([r["losses"] for r in mine], 0)])
            )
    caption = (
        "Mean training cross-entropy over each eighth of the steps; thin: each seed, thick: their median."
    )
    title = "Training loss"
    return (
        [Lines(title, caption, "share of the steps", "loss (nats)", log_y=True, series=tuple(series))]
        if series
        else []
    )
