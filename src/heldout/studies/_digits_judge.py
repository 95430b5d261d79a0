"""What `digits` reads from stored rows: shares of right sums by number of digits, their fall, and the test for a period.

>>> row = {"status": "ok", "net": "rotary", "trained": 2, "tested": 100, "whole": [100, 90, 50], "right": [200, 290, 350], "by_place": [1.0, 0.9, 0.8, 0.5]}
>>> rows = [row, {**row, "whole": [100, 92, 46]}]
>>> fall = fallen(whole(rows, "rotary", 2), whole(rows, "rotary", 3))
>>> round(fall.value, 2), fall.low < 0.43 < fall.high
(0.43, True)
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from heldout.stats.interval import Interval
from heldout.stats.period import Period, period
from heldout.stats.typical_share import typical_share

ENCODINGS = ("none", "learned", "sinusoidal", "rotary", "alibi")
NETS = (*ENCODINGS, "GRU")
DRAWS = 999


def of(rows: list[dict[str, Any]], net: str) -> list[dict[str, Any]]:
    """Rows of one net that did not diverge."""
    return [r for r in rows if r.get("status") == "ok" and r["net"] == net]


def whole(rows: list[dict[str, Any]], net: str, digits: int) -> Interval:
    """The typical share of sums with every digit right, over seeds."""
    mine = [r for r in of(rows, net) if len(r["whole"]) >= digits]
    return typical_share([r["whole"][digits - 1] for r in mine], [r["tested"] for r in mine])


def single(rows: list[dict[str, Any]], net: str, digits: int) -> Interval:
    """The typical share of right digits (given the right ones before), over seeds."""
    mine = [r for r in of(rows, net) if len(r["right"]) >= digits]
    return typical_share([r["right"][digits - 1] for r in mine], [r["tested"] * (digits + 1) for r in mine])


def fallen(short: Interval, long: Interval) -> Interval:
    """short - long with the interval of two independent ones: d - hypot(s - s_low, l_high - l), d + hypot(s_high - s, l - l_low)."""
    if not (short.ok and long.ok):
        return Interval.withheld("a number of digits has too few seeds", short.level)
    d = short.value - long.value
    low = d - math.hypot(short.value - short.low, long.high - long.value)
    high = d + math.hypot(short.high - short.value, long.value - long.low)
    return replace(
        short,
        value=d,
        low=low,
        high=high,
        stderr=math.hypot(short.stderr, long.stderr),
        method="MOVER of two intervals",
    )


def periods(rows: list[dict[str, Any]]) -> dict[tuple[str, str], Period]:
    """By net and axis: the test on log odds of a right digit, mean over seeds, for numbers of digits beyond training, and for places of the longest sums."""
    found = {}
    for net in NETS:
        mine = of(rows, net)
        if mine:
            beyond = range(mine[0]["trained"] + 1, len(mine[0]["right"]) + 1)
            n = mine[0]["tested"]
            by_digits = [_log_odds([r["right"][d - 1] for r in mine], n * (d + 1)) for d in beyond]
            by_place = [
                _log_odds([n * r["by_place"][d] for r in mine], n)
                for d in range(mine[0]["trained"], len(mine[0]["by_place"]) - 1)
            ]
            found[net, "digits"], found[net, "place"] = period(by_digits, DRAWS), period(by_place, DRAWS)
    return found


def _log_odds(right: list[float], trials: int) -> float:
    k = np.asarray(right, np.float64)
    return float(np.log((k + 0.5) / (trials - k + 0.5)).mean())
