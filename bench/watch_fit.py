"""Fitting the forecaster of `heldout.watch`: small boosted trees and family scores, as the JSON object that the watch reads.

Every family of runs weighs the same, every run within it, and every point of a run. Trees: scikit-learn's gradient boosting,
60 of two levels, rate .1, leaves of at least 1% of the weight. Family scores: multinomial logistic regression (C = .1) on
features cut to their 1% and 99% quantiles and standardized. Ranges: .2% to 99.8% quantiles.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from bench.watch_points import Points
from heldout.stats.mean_interval import bootstrap_mean
from heldout.watching.features import NAMES
from heldout.watching.forecaster import SCHEMA, TARGETS, probability

EDGES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
TREES, RATE, FEWEST_RUNS = 60, 0.1, 10


def balanced(points: Points) -> NDArray[np.float64]:
    """Weights [n], mean 1: families equal, runs of a family equal, points of a run equal."""
    weight = points.weight.copy()
    for family in np.unique(points.family):
        weight[points.family == family] /= weight[points.family == family].sum()
    return weight * len(weight) / weight.sum()


def fitted(points: Points, targets: tuple[str, ...] = TARGETS) -> dict[str, Any]:
    """A forecaster without its record: ranges, trees (of these targets), base rates, family scores."""
    weight = balanced(points)
    low, cut_low, cut_high, high = np.quantile(points.x, [0.002, 0.01, 0.99, 0.998], axis=0)
    cut = np.clip(points.x, cut_low, cut_high)
    mean, sd = cut.mean(0), np.maximum(cut.std(0), 1e-9)
    parts = [low, high, cut_low, cut_high, mean, sd]
    keys = ("low", "high", "cut low", "cut high", "mean", "sd")
    scores = LogisticRegression(C=0.1, max_iter=1000).fit((cut - mean) / sd, points.family, weight)
    return {
        "schema": SCHEMA, "horizon": 2,
        "features": [
            {"name": name, **{key: _short(part[k]) for key, part in zip(keys, parts)}} for k, name in enumerate(NAMES)
        ],
        "targets": {
            name: {"bins": [], **(_trees(points.x, points.truth[name], weight) if name in targets else {"start": 0.0, "trees": []})}
            for name in TARGETS
        },
        "families": {
            str(name): {"start": _short(scores.intercept_[k]), "weights": [_short(w) for w in scores.coef_[k]]}
            for k, name in enumerate(scores.classes_)
        },
        "distrusted": {"go on": [], "stop": []},
    }  # fmt: skip


def forecast(made: dict[str, Any], target: str, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Forecasts [n] by the very code of the watch."""
    return np.array([probability(made["targets"][target], row) for row in x.tolist()])


def bins(
    p: NDArray[np.float64], came: NDArray[np.float64], run: NDArray[np.int64], weight: Any, keep: Any
) -> list[dict[str, Any]]:
    """The calibration curve: what came true of the forecasts p [n] kept between the edges; a run's points are one unit."""
    found, low = [], -1.0
    for edge in EDGES:
        inside = (p > low) & (p <= edge) & keep
        low = edge
        runs = len(np.unique(run[inside]))
        interval = bootstrap_mean(came[inside], run[inside], weight[inside]) if runs >= FEWEST_RUNS else None
        said = (
            [None] * 3
            if interval is None or not interval.ok
            else [_short(v) for v in (interval.value, interval.low, interval.high)]
        )
        mean = _short(np.average(p[inside], weights=weight[inside])) if runs else None
        found.append({"to": edge, "forecast": mean, "came": said, "runs": runs, "points": int(inside.sum())})
    return found


def _trees(x: NDArray[np.float64], y: NDArray[np.float64], weight: NDArray[np.float64]) -> dict[str, Any]:
    base = float(np.average(y, weights=weight))
    model = GradientBoostingClassifier(
        n_estimators=TREES, max_depth=2, learning_rate=RATE, min_weight_fraction_leaf=0.01, random_state=0
    ).fit(x, y, weight)
    trees = [_node(of[0].tree_, 0) for of in model.estimators_]
    return {"base rate": _short(base), "start": _short(math.log(base / (1 - base))), "trees": trees}


def _node(tree: Any, k: int) -> Any:
    if tree.children_left[k] < 0:
        return _short(RATE * tree.value[k, 0, 0])
    branches = [_node(tree, int(of[k])) for of in (tree.children_left, tree.children_right)]
    return [int(tree.feature[k]), float(f"{tree.threshold[k]:.6g}"), *branches]


def _short(value: Any) -> float:
    return float(f"{float(value):.4g}")
