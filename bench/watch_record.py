"""The record of the forecaster of `heldout.watch`: its forecasts for families of runs that were left out of the fit.

Skill: 1 - Brier score / Brier score of the base rate of the other families, intervals from 2,000 bootstrap resamples of
whole runs. The calibration curve of a forecaster is that of forecasts for its own families, each left out of the fit, on points
that it would not refuse: inside the ranges, for forecasts up to .5 none where a rule may form late, and not like a family on which the word has no record ("distrusted": no skill over
the base rate, or a lower loss in more than .05 after a forecast below .05, or fewer than half after one above .5).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.watch_fit import bins, fitted, forecast
from bench.watch_points import Points
from heldout.core.streams import stream
from heldout.watching.advice import STOP_BELOW, UNLIKE, may_form_late
from heldout.watching.features import NAMES
from heldout.watching.forecaster import TARGETS

Floats = NDArray[np.float64]


class Record:
    """Forecasts for families left out: made {left out: forecaster}, p {(left out, target): [n], NaN for other families}."""

    def __init__(self, points: Points) -> None:
        self.points = points
        self.families = sorted(set(points.family.tolist()))
        self.made: dict[str, dict[str, Any]] = {}
        self.p: dict[tuple[str, str], Floats] = {}

    def leave_out(self, family: str) -> None:
        """Fit without this family, and forecast its points."""
        mine = self.points.family == family
        self.made[family] = made = fitted(self.points.where(~mine))
        for target in TARGETS:
            self.p[family, target] = np.full(len(mine), np.nan)
            self.p[family, target][mine] = forecast(made, target, self.points.x[mine])

    def complete(self, but: str | None) -> dict[str, Any]:
        """The forecaster for all families but one: its curve and its distrusted families, from forecasts without it."""
        points = self.points
        others = [family for family in self.families if family != but]
        p = {target: np.full(len(points.x), np.nan) for target in TARGETS}
        for family in others:
            mine = points.family == family
            for target in TARGETS:
                p[target][mine] = self.p[family, target][mine]
        made = dict(self.made[but] if but else fitted(points))
        made["distrusted"] = {
            word: [f for f in others if self._distrusted(word, f, p["loss"])] for word in ("go on", "stop")
        }
        stop, go_on = (self._trusted(made, word, others, but) for word in ("stop", "go on"))
        made["targets"] = {
            target: {
                **made["targets"][target],
                "bins": bins(
                    p[target],
                    points.truth[target],
                    points.run,
                    points.weight,
                    np.where(p[target] <= 0.5, stop, go_on),
                ),
            }
            for target in TARGETS
        }
        return made

    def _distrusted(self, word: str, family: str, p: Floats) -> bool:
        """No skill over the base rate, or what the word says came wrong too often."""
        mine = self.points.family == family
        said = mine & (p < STOP_BELOW if word == "stop" else p > 0.5)
        _value, low, _ = skill(self, family, "loss", p)
        if low <= 0:
            return True
        if not said.any():
            return False
        came = np.average(self.points.truth["loss"][said], weights=self.points.weight[said])
        return bool(came > STOP_BELOW if word == "stop" else came < 0.5)

    def _trusted(
        self, made: dict[str, Any], word: str, others: list[str], but: str | None
    ) -> NDArray[np.bool_]:
        """Points inside the ranges, and not like the distrusted families, by a forecaster that left their family out."""
        points, keep = self.points, np.zeros(len(self.points.x), dtype=bool)
        for family in others:
            mine = points.family == family
            judge = self.made[family]
            like = resembling(judge, points.x[mine])
            share = sum(like[name] for name in made["distrusted"][word] if name in like)
            keep[mine] = inside_ranges(judge, points.x[mine]) & (share <= UNLIKE)
        if word == "stop":
            keep &= [not may_form_late(dict(zip(NAMES, row))) for row in points.x.tolist()]
        return keep


def inside_ranges(made: dict[str, Any], x: Floats) -> NDArray[np.bool_]:
    """`Forecaster.outside` for features [n f]: whether none lies outside."""
    low, high = (np.array([of[key] for of in made["features"]]) for key in ("low", "high"))
    found: NDArray[np.bool_] = ((x >= low) & (x <= high)).all(1)
    return found


def resembling(made: dict[str, Any], x: Floats) -> dict[str, Floats]:
    """`Forecaster.resembles` for features [n f]: [n] by family."""
    low, high, mean, sd = (
        np.array([of[k] for of in made["features"]]) for k in ("cut low", "cut high", "mean", "sd")
    )
    z = (np.clip(x, low, high) - mean) / sd
    scores = np.stack([of["start"] + z @ np.array(of["weights"]) for of in made["families"].values()])
    parts = np.exp(scores - scores.max(0))
    return dict(zip(made["families"], parts / parts.sum(0)))


def skill(record: Record, family: str, target: str, p: Floats | None = None) -> tuple[float, float, float]:
    """Brier skill against the others' base rate for a left-out family, with its interval over runs."""
    points = record.points
    mine = points.family == family
    base = record.made[family]["targets"][target]["base rate"]
    p = record.p[family, target] if p is None else p
    errors = np.stack([(p[mine] - points.truth[target][mine]) ** 2, (base - points.truth[target][mine]) ** 2])
    return ratio(errors, points.run[mine], points.weight[mine], family + target)


def ratio(errors: Floats, run: NDArray[np.int64], weight: Floats, name: str) -> tuple[float, float, float]:
    """1 - the first over the second row of errors [2 n], weighted, with its interval over resampled runs."""
    number = np.unique(run, return_inverse=True)[1]
    sums = np.stack([np.bincount(number, weight * of) for of in errors])
    counts = stream(0, "skill", name).multinomial(
        sums.shape[1], np.full(sums.shape[1], 1 / sums.shape[1]), 2000
    )
    drawn = counts @ sums.T
    low, high = np.percentile(1 - drawn[:, 0] / np.maximum(drawn[:, 1], 1e-12), [2.5, 97.5])
    total = sums.sum(1)
    return float(1 - total[0] / total[1]), float(low), float(high)
