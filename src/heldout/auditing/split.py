"""The split of the audited model itself, train against test, for audits without refits; and its rows in the table."""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import t as student

from heldout.auditing.facts import Facts
from heldout.core.errors import Withheld
from heldout.core.estimate import Estimate
from heldout.measures.rote import Split


def audited_split(facts: Facts) -> Split:
    """T from the training rows, O from fresh test rows, C from the trivial predictor on the same rows.

    "Rote" is then the audited model's own gap: it also holds whatever else differs between train and test, so it is
    called what it is. Errors: rows (groups) of each split, independent;
    degrees of freedom those of the split with fewer of them.
    """
    held = facts.held
    if (
        held is None
        or held.test is None
        or held.fresh is None
        or facts.chance is None
        or facts.chance_test is None
    ):
        raise Withheld("without refits the split needs a test set")
    if held.fresh.sum() < 2:
        raise Withheld("fewer than two test rows without a twin in train")
    t, ct = held.train.score, facts.chance
    o, co = held.test.score[held.fresh], facts.chance_test[held.fresh]
    groups_test = None if held.test.groups is None else held.test.groups[held.fresh]
    train = _Means({"t": t, "c": ct}, held.train.groups)
    test = _Means({"o": o, "c": co}, groups_test)
    method = "train against test rows, no refits"
    n = len(t) + len(o)
    T, O, C = train["t"], test["o"], test["c"]

    def estimate(value: float, on_train: dict[str, float], on_test: dict[str, float]) -> Estimate:
        variance = train.variance(on_train) + test.variance(on_test)
        df = min(side.count - 1 for side, used in ((train, on_train), (test, on_test)) if used)
        half = float(student.ppf(0.975, max(df, 1))) * math.sqrt(variance)
        # Where few rows differ their spread says little: never narrower than the rule of three.
        floor = sum(
            3.0 / side.count * max(abs(w) for w in weights.values())
            for side, weights in ((train, on_train), (test, on_test))
            if weights
        )
        half = max(half, floor)
        return Estimate(value, value - half, value + half, 0.95, math.sqrt(variance), method, n)

    room = max(1 - C, 1e-9)
    skill_value, fit_value = (O - C) / room, (T - train["c"]) / max(1 - train["c"], 1e-9)
    skill = estimate(skill_value, {}, {"o": 1 / room, "c": -(1 - skill_value) / room})
    room_train = max(1 - train["c"], 1e-9)
    fit = estimate(fit_value, {"t": 1 / room_train, "c": -(1 - fit_value) / room_train}, {})
    reach = T - C
    fit_raw = estimate(reach, {"t": 1}, {"c": -1})
    if float(fit_raw.low) > 0.02:
        value = (T - O) / reach
        share = estimate(value, {"t": (1 - value) / reach}, {"o": -1 / reach, "c": value / reach})
    else:
        share = Estimate.withheld("the model fits its training data no better than the trivial predictor")
    return Split(
        estimate(C, {}, {"c": 1}), estimate(O - C, {}, {"o": 1, "c": -1}), estimate(T - O, {"t": 1}, {"o": -1}),
        estimate(T, {"t": 1}, {}), estimate(O, {}, {"o": 1}), skill, fit, share,
        "the audited model's own gap: train rows against fresh test rows, nothing refitted",
    )  # fmt: skip


class _Means(dict[str, float]):
    """Means of several columns over the same rows, and the variance of any combination of these means."""

    def __init__(self, columns: dict[str, np.ndarray], groups: np.ndarray | None) -> None:
        super().__init__({name: float(values.mean()) for name, values in columns.items()})
        self.columns, self.groups = columns, groups
        self.count = len(next(iter(columns.values()))) if groups is None else len(np.unique(groups))

    def variance(self, weights: dict[str, float]) -> float:
        if not weights or self.count < 2:
            return 0.0
        e = sum(
            (w * (self.columns[name] - self[name]) for name, w in weights.items()),
            np.zeros(len(self.columns["c"])),
        )
        if self.groups is not None:
            e = np.bincount(np.unique(self.groups, return_inverse=True)[1], weights=e).astype(np.float64)
        return float((e**2).sum()) * self.count / (self.count - 1) / len(self.columns["c"]) ** 2


def enter_split(facts: Facts, found: Split) -> None:
    """The split's numbers, with the shuffled twin's as their control."""
    twin = facts.twin
    about = {
        "chance": "out-of-sample score of the trivial predictor",
        "rule": "O - C", "rote": "T - O", "share": "(T - O) / (T - C)",
        "skill": "(O - C) / (1 - C)", "fit": "(T - C) / (1 - C)",
    }  # fmt: skip
    for name, formula in about.items():
        control = None if twin is None else getattr(twin, name)
        label = f"rote {name}" if name == "share" else name
        facts.ledger.add(
            label, "measures", getattr(found, name), control=control, formula=formula, unit="score" if name != "share" else "share",
            source="Feldman & Zhang 2020", cost_seconds=facts.ledger.seconds.get("parts", 0.0) if name == "rote" else 0.0,
        )  # fmt: skip
