"""`heldout.conformal`: prediction sets that hold the answer as often as promised, from a file of predictions.

Rows of one split that neither training nor any choice has seen ("test") calibrate the threshold (T17): the score of a
row is 1 - p of its label (Sadinle et al. 2019), or |label - value|. The set of a new row is every class with 1 - p up to
the threshold, or value +- threshold. Before that the promise is rehearsed: half of the rows calibrate, the other half
shows what share of sets hold the answer, with its exact interval. Coverage is no risk bound: large sets cover well.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from heldout.auditing.prediction_table import SPLITS, Table, read_table
from heldout.certificates.conformal import Calibration, conformal_threshold
from heldout.core.errors import InputError
from heldout.core.estimate import Estimate
from heldout.core.streams import stream
from heldout.stats.proportion import clopper_pearson


@dataclass(frozen=True)
class Conformal:
    """`calibration` from all rows; `rehearsed` coverage of half of them; `size`: mean number of classes in a set, or the
    width of the interval; `empty` and `single`: shares of sets with no class and with one (NaN for values)."""

    calibration: Calibration
    delta: float
    rehearsed: Estimate
    size: float
    empty: float
    single: float
    split: str
    score: str

    def as_json(self) -> dict[str, Any]:
        """A plain dictionary; what is not finite becomes None."""
        c = self.calibration
        return {
            "alpha": c.alpha,
            "n": c.n,
            "k": c.k,
            "threshold": _plain(c.threshold),
            "coverage_low": c.lowest,
            "coverage_high": c.highest,
            "coverage_expected": c.expected,
            "coverage_given_these_rows": c.training_conditional(self.delta),
            "delta": self.delta,
            "rehearsed": self.rehearsed.as_json(),
            "size": _plain(self.size),
            "empty": _plain(self.empty),
            "single": _plain(self.single),
            "split": self.split,
            "score": self.score,
        }

    def __str__(self) -> str:
        c = self.calibration
        if math.isinf(c.threshold):
            return (
                f"{c.n} rows are too few for alpha {c.alpha:g}: every answer is in the set "
                f"(at least {math.ceil(1 / c.alpha - 1)} rows are needed)"
            )
        what = f"{self.size:.4g} wide" if math.isnan(self.single) else f"{self.size:.3g} classes on average"
        return (
            f"{self.score} <= {c.threshold:.6g} covers {c.lowest:g} to {c.highest:.4g} of new rows "
            f"(at least {c.training_conditional(self.delta):.4g} given these {c.n} rows, with probability "
            f"{1 - self.delta:g}); sets are {what}; rehearsed coverage {self.rehearsed}"
        )


def conformal(
    path: str | os.PathLike[str],
    *,
    alpha: float = 0.1,
    delta: float = 0.05,
    split: str = "test",
    seed: int = 0,
) -> Conformal:
    """Calibrate prediction sets on the audited model's rows of `split` in a file as `audit_predictions` reads it.

    Errors: a file without such rows, bare labels (no score to rank answers by), rows in groups, alpha or delta
    outside (0, 1), and all that `audit_predictions` refuses.
    """
    if split not in SPLITS:
        raise InputError(f"split = {split!r}", f"give one of {', '.join(SPLITS)}")
    if split == "train":
        raise InputError(
            "training rows cannot calibrate: the model has fitted them", "use rows that training has not seen"
        )
    table = read_table(Path(path))
    if table.kind == "labels":
        raise InputError(
            "the file holds bare predictions, which do not rank the answers",
            "add probabilities (p0, p1, ...) or a value",
        )
    rows = np.flatnonzero((table.split == split) & table.audited)
    if len(rows) < 2:
        raise InputError(
            f"the file has {len(rows)} rows of split {split!r} by the audited model",
            "add predictions on rows that neither training nor any choice has seen",
        )
    outputs, y = table.outputs[rows], table.label[rows]
    scores = _scores(outputs, y, table)
    groups = None if table.group is None else table.group[rows]
    found = conformal_threshold(scores, alpha, groups)
    found.training_conditional(delta)
    order = stream(seed, "conformal rehearsal").permutation(len(rows))
    half = len(rows) // 2
    rehearsal = conformal_threshold(scores[order[:half]], alpha)
    held = int((scores[order[half:]] <= rehearsal.threshold).sum())
    rehearsed = Estimate.of(clopper_pearson(held, len(rows) - half))
    if table.kind == "values":
        return Conformal(
            found, delta, rehearsed, 2 * found.threshold, math.nan, math.nan, split, "|label - value|"
        )
    counts = (1.0 - outputs <= found.threshold).sum(1)
    return Conformal(
        found,
        delta,
        rehearsed,
        float(counts.mean()),
        float((counts == 0).mean()),
        float((counts == 1).mean()),
        split,
        "1 - p",
    )


def _scores(outputs: np.ndarray, y: np.ndarray, table: Table) -> np.ndarray:
    if table.kind == "values":
        return np.asarray(np.abs(y - outputs))
    return np.asarray(1.0 - outputs[np.arange(len(y)), y.astype(np.int64)])


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None
