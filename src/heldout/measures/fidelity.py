"""Fidelity gate: do refits by the stated recipe resemble the audited model?

K full-data refits; statistics a of the audited model against their mean m and standard deviation s:
    t = (a - m) / (s sqrt(1 + 1/K)),  K - 1 degrees of freedom, Bonferroni over the statistics,
with s floored at 1e-4 of the scale. Train and test score, log loss on both, median log-odds on both, and agreement of
predictions on test (`agreement`); and whatever the spread, scores that differ by more than .1 withhold. A gate on accuracy alone misses a model trained
five times longer (fires at .05); this one fires (1.00). Below `withhold` everything that rests on refitting is withheld.

>>> import numpy as np
>>> rows = fidelity({"train score": 1.0}, {"train score": np.array([0.90, 0.91, 0.92, 0.90, 0.91])})
>>> rows.status
'withheld: refits by this recipe do not resemble the audited model (train score 1 against 0.908, p = 0.00055)'
>>> fidelity({"train score": .91}, {"train score": np.array([0.90, 0.91, 0.92, 0.90, 0.91])}).status
'ok'
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

FAR = 0.1  # of a score: refits that differ by more say nothing of this model, however much they vary


@dataclass(frozen=True)
class GateRow:
    """One statistic: the audited model's value, the refits' mean and standard deviation, its p-value (uncorrected)."""

    statistic: str
    audited: float
    refits_mean: float
    refits_sd: float
    p_value: float


@dataclass(frozen=True)
class Gate:
    """The gate's rows and its status: "ok", "warning: ..." or "withheld: ..."."""

    rows: tuple[GateRow, ...]
    status: str

    @property
    def open(self) -> bool:
        """True where measures that rest on refits may be believed."""
        return not self.status.startswith("withheld")


def agreement(audited: np.ndarray, refits: np.ndarray, tolerance: float = 0.0) -> tuple[float, np.ndarray]:
    """How often the audited model's answers [m] are those of the refits [k m], k >= 3, and the refits' own rates [k].

    Rates of refit j against the other k - 1 are spread too little: if two models agree at the rate u_i + u_j, their
    deviations from the mean are (k - 2) / (k - 1) times those of u_j. They are stretched by the inverse.

    >>> value, rates = agreement(np.array([0, 1, 1, 0]), np.array([[0, 1, 1, 1], [0, 1, 1, 1], [0, 1, 0, 1]]))
    >>> round(value, 3), rates.round(3).tolist()                     # pairs of refits agree on 1, .75 and .75 of the rows
    (0.667, [0.917, 0.917, 0.667])
    """
    rate = (np.abs(refits[:, None].astype(np.float64) - refits[None]) <= tolerance).mean(-1)
    k = len(refits)
    own = (rate.sum(1) - 1) / (k - 1)
    stretched = own.mean() + (own - own.mean()) * (k - 1) / (k - 2)
    return float((np.abs(refits - audited) <= tolerance).mean()), stretched


def fidelity(
    audited: dict[str, float],
    refits: dict[str, np.ndarray],
    warn: float = 0.05,
    withhold: float = 0.01,
    floor: float = 1e-4,
) -> Gate:
    """`Gate` from statistics of the audited model and, for each, the values [k] of k full refits."""
    rows = []
    for name, value in audited.items():
        values = refits[name][np.isfinite(refits[name])]
        if not np.isfinite(value) or len(values) == 0:
            continue
        mean = float(values.mean())
        scale = max(1.0, abs(mean))
        if len(values) == 1:
            sd, p = 0.0, 1.0 if abs(value - mean) <= 1e-3 * scale else 0.0
        else:
            # Deterministic recipes repeat exactly: s is then the floor, which leaves room for rounding only.
            sd = max(float(values.std(ddof=1)), floor * scale)
            t = (value - mean) / (sd * np.sqrt(1 + 1 / len(values)))
            p = float(2 * student.sf(abs(t), len(values) - 1))
        rows.append(GateRow(name, float(value), mean, sd, p))
    if not rows:
        return Gate((), "withheld: no statistic of the refits could be compared")
    for (
        row
    ) in rows:  # where refits vary much a t test has no power: what counts then is the difference itself
        if row.statistic.endswith(" score") and abs(row.audited - row.refits_mean) > FAR:
            what = f"({row.statistic} {row.audited:.4g} against {row.refits_mean:.4g})"
            return Gate(
                tuple(rows), f"withheld: refits by this recipe do not resemble the audited model {what}"
            )
    worst = min(rows, key=lambda row: row.p_value)
    corrected = min(1.0, worst.p_value * len(rows))
    what = f"({worst.statistic} {worst.audited:.4g} against {worst.refits_mean:.4g}, p = {corrected:.2g})"
    if corrected < withhold:
        return Gate(tuple(rows), f"withheld: refits by this recipe do not resemble the audited model {what}")
    if corrected < warn:
        return Gate(tuple(rows), f"warning: refits by this recipe may not resemble the audited model {what}")
    return Gate(tuple(rows), "ok")
