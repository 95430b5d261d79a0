"""The audited model on data: scores, losses and log-odds of every row, held-out performance, gap, reliability.

Test rows with a twin in the training data do not count as held out: `rows` says which do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from heldout.auditing.ledger import Ledger
from heldout.core import scoring
from heldout.core.batch import Batch
from heldout.core.errors import InputError
from heldout.core.estimate import Estimate
from heldout.core.streams import stream
from heldout.core.subject import Subject
from heldout.stats.mean_interval import bootstrap_mean, difference_of_means


@dataclass(frozen=True)
class Rows:
    """What the audited model does on one split: score, nats, log-odds and answer [n]; confidence [n] of its answer."""

    score: np.ndarray
    nats: np.ndarray
    phi: np.ndarray
    answer: np.ndarray
    confidence: np.ndarray | None
    y: np.ndarray
    groups: np.ndarray | None


@dataclass(frozen=True)
class HeldOut:
    """Audited model on train, test, validation and shifted rows; `fresh` [m] bool: test rows without a twin in train."""

    train: Rows
    test: Rows | None
    validation: Rows | None
    shifted: Rows | None
    fresh: np.ndarray | None
    train_score: Estimate
    test_score: Estimate
    test_score_all: Estimate
    gap: Estimate


def rows_of(subject: Subject, batch: Batch | None) -> Rows | None:
    """Run the audited model once over a split."""
    if batch is None:
        return None
    outputs = subject.predict(batch.x)
    if not torch.isfinite(outputs).all():
        raise InputError("the model returns NaN or inf", "check its weights and the scaling of the inputs")
    kind = subject.output_kind
    confidence = None
    if kind in ("logits", "probabilities"):
        confidence = torch.exp(scoring.log_probabilities(outputs, kind)).amax(-1).numpy()
    return Rows(
        subject.score(outputs, batch.y).numpy(),
        scoring.nats(outputs, batch.y, kind).numpy(),
        scoring.log_odds(outputs, batch.y, kind).numpy(),
        scoring.predicted(outputs, kind).numpy() if kind != "scored" else np.zeros(len(batch.y)),
        confidence,
        batch.y.numpy(),
        None if batch.groups is None else batch.groups.numpy(),
    )


def _grouped(rows: Rows | None, clusters: np.ndarray | None) -> Rows | None:
    """The rows with these groups; without any where every row is apart, which keeps the exact intervals."""
    if rows is None or clusters is None:
        return rows
    apart = len(np.unique(clusters)) == len(clusters)
    return replace(rows, groups=None if apart else clusters)


def mean_score(rows: Rows, seed: int, keep: np.ndarray | None = None, level: float = 0.95) -> Estimate:
    """Mean score of (some) rows with its interval: exact for right/wrong, by groups where rows depend."""
    score, groups = rows.score, rows.groups
    if keep is not None:
        score, groups = score[keep], None if groups is None else groups[keep]
    if len(score) == 0:
        return Estimate.withheld("no rows")
    return Estimate.of(
        bootstrap_mean(score, groups, level=level, rng=stream(seed, "held out"), bounds=(0.0, 1.0))
    )


def held_out(
    subject: Subject,
    leaked: np.ndarray | None,
    ledger: Ledger,
    seed: int,
    clusters: np.ndarray | None = None,
    test_clusters: np.ndarray | None = None,
) -> HeldOut:
    """Measure the audited model on every split it came with and enter the numbers.

    `clusters` [n], `test_clusters` [n_test]: rows that depend on each other, as declared or as copies of one another; every
    interval counts them as one unit.
    """
    train = _grouped(rows_of(subject, subject.train), clusters)
    if train is None:
        raise InputError("there is no training data", "pass train=")
    test = _grouped(rows_of(subject, subject.test), test_clusters)
    validation, shifted = (rows_of(subject, b) for b in (subject.validation, subject.shifted))
    unit = {"regression": "share within tolerance", "language": "next-token accuracy"}.get(
        subject.task, "accuracy"
    )
    train_score = ledger.add(
        "train score", "measures", mean_score(train, seed), unit=unit, formula="mean of s(i), i in train"
    )
    if test is None:
        none = Estimate.withheld("the subject has no test set")
        return HeldOut(train, None, validation, shifted, None, train_score, none, none, none)
    fresh = np.ones(len(test.score), dtype=bool) if leaked is None else ~leaked
    test_all = mean_score(test, seed)
    test_score = (
        mean_score(test, seed, fresh)
        if fresh.any()
        else Estimate.withheld("every test row has a twin in train")
    )
    about = "mean of s(j) over test rows without a twin in the training data"
    ledger.add("test score", "measures", test_score, unit=unit, formula=about)
    if not fresh.all():
        ledger.add(
            "test score with leaked rows",
            "measures",
            test_all,
            unit=unit,
            formula="mean of s(j) over all test rows",
        )
    if fresh.any():
        gap = Estimate.of(
            difference_of_means(
                train.score, test.score[fresh], train.groups, None if test.groups is None else test.groups[fresh],
                rng=stream(seed, "gap"), bounds=(0.0, 1.0),
            )
        )  # fmt: skip
    else:
        gap = Estimate.withheld("every test row has a twin in train")
    ledger.add("gap", "measures", gap, unit=unit, formula="train score - test score of the audited model")
    if subject.task != "classification" or subject.output_kind != "labels":
        name = {"regression": "test squared error", "language": "test loss"}.get(
            subject.task, "test log loss"
        )
        values = test.nats[fresh]
        if len(values) > 1:
            units = None if test.groups is None else test.groups[fresh]
            loss = Estimate.of(bootstrap_mean(values, units, rng=stream(seed, "loss")))
            about = {"regression": "mean (output - y)^2"}.get(subject.task, "mean -log p_y")
            ledger.add(
                name,
                "measures",
                loss,
                unit="nats" if subject.task != "regression" else "squared units",
                formula=about,
            )
    _regression_rows(subject, test, fresh, ledger, seed)
    if validation is not None:
        ledger.add(
            "validation score",
            "measures",
            mean_score(validation, seed),
            unit=unit,
            formula="used for choices: no evidence",
        )
    return HeldOut(train, test, validation, shifted, fresh, train_score, test_score, test_all, gap)


def _regression_rows(subject: Subject, test: Rows, fresh: np.ndarray, ledger: Ledger, seed: int) -> None:
    """R^2 against the mean of the training values, with a bootstrap over rows (groups of rows where they depend)."""
    if subject.task != "regression" or fresh.sum() < 3:
        return
    residual = test.nats[fresh]
    base = (test.y[fresh] - float(subject.train.y.to(torch.float64).mean())) ** 2
    what = "rows"
    if test.groups is not None:
        unit = np.unique(test.groups[fresh], return_inverse=True)[1]
        residual, base, what = np.bincount(unit, residual), np.bincount(unit, base), "groups of rows"
    n = len(residual)
    if n < 3:
        ledger.add("R2", "measures", Estimate.withheld(f"{n} groups of rows are too few"))
        return
    rng, values = stream(seed, "r2"), []
    for _ in range(1000):  # one at a time: a million rows would be a million draws a thousand times over
        draw = rng.integers(0, n, n)
        values.append(1 - residual[draw].sum() / max(base[draw].sum(), 1e-300))
    low, high = np.quantile(values, [0.025, 0.975])
    value = 1 - residual.sum() / max(base.sum(), 1e-300)
    r2 = Estimate(value, low, high, method=f"percentile bootstrap over {what}", n=n)
    ledger.add("R2", "measures", r2, formula="1 - sum (output - y)^2 / sum (mean of train - y)^2")


def per_class(subject: Subject, held: HeldOut, ledger: Ledger, seed: int) -> list[tuple[str, Estimate]]:
    """Test recall of each class with its interval, exact where rows are apart (at most 50 classes are listed)."""
    if held.test is None or subject.classes is None or held.fresh is None:
        return []
    found = []
    for k, name in enumerate(subject.classes[:50]):
        mine = held.fresh & (held.test.y == k)
        n = int(mine.sum())
        value = mean_score(held.test, seed, mine) if n else Estimate.withheld("no test row of this class")
        found.append(
            (
                name,
                ledger.add(
                    f"recall of {name}",
                    "measures",
                    value,
                    unit="accuracy",
                    formula="mean of s(j), y_j = class",
                ),
            )
        )
    return found
