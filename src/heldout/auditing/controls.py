"""What the model adds over simple things: the controls on the same split, with paired intervals.

The difference to the best of K controls pays for the choice: every difference is shown at level 1 - .05 / K.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from heldout.auditing.held_out import HeldOut
from heldout.auditing.ledger import Ledger
from heldout.core.batch import flat
from heldout.core.errors import Withheld
from heldout.core.estimate import Estimate
from heldout.core.streams import stream
from heldout.core.subject import Subject
from heldout.stats.mean_interval import bootstrap_mean, paired_difference

_MOST_CELLS = 4e7  # rows x features a control is asked to fit


@dataclass(frozen=True)
class Beside:
    """One control: test score, this model minus it (paired, corrected), and its own chance-corrected rote share."""

    name: str
    score: Estimate
    difference: Estimate
    share: float
    note: str
    fit: Any


def chance_scores(subject: Subject) -> tuple[np.ndarray, np.ndarray | None]:
    """Score of the trivial predictor of the training labels on train [n] and test [m] rows."""
    y = subject.train.y.numpy()
    test = None if subject.test is None else subject.test.y.numpy()
    if subject.task == "language":
        from heldout.controls.unigram import unigram

        on_test = None if subject.test is None else unigram(subject.train.x, subject.test.x).numpy()
        return unigram(subject.train.x, subject.train.x).numpy(), on_test
    answer = trivial_answer(y, subject)
    return _right(y, answer, subject), None if test is None else _right(test, answer, subject)


def trivial_answer(y: np.ndarray, subject: Subject) -> float:
    """The constant that is right most often on y: the most frequent class, or the centre of the fullest window."""
    if subject.task == "classification":
        return float(np.bincount(y.astype(np.int64)).argmax())
    width = 2 * float(subject.tolerance or 0.0)
    ordered = np.sort(y)
    ends = np.searchsorted(ordered, ordered + width, side="right")
    best = int((ends - np.arange(len(ordered))).argmax())
    return float((ordered[best] + ordered[ends[best] - 1]) / 2)


def _right(y: np.ndarray, answer: float, subject: Subject) -> np.ndarray:
    if subject.task == "classification":
        return (y == answer).astype(np.float64)
    return (np.abs(y - answer) <= float(subject.tolerance or 0.0) * (1 + 1e-12)).astype(np.float64)


def beside_controls(subject: Subject, held: HeldOut, ledger: Ledger, seed: int, tick: Any) -> list[Beside]:
    """Fit every control on the training data, score it on the same test rows, and compare pairwise."""
    if held.test is None or subject.test is None or held.fresh is None or not held.fresh.any():
        raise Withheld("controls need test rows without a twin in the training data")
    if subject.task == "language":
        raise Withheld(
            "the controls are fitted on tables, images and labelled texts; for a language model the unigram stands as chance"
        )
    X, X_test = (
        flat(subject.train.x).numpy().astype(np.float64),
        flat(subject.test.x).numpy().astype(np.float64),
    )
    y, y_test = subject.train.y.numpy(), subject.test.y.numpy()
    rows = np.arange(len(y))
    thinned = ""
    if X.size > _MOST_CELLS:
        rows = np.sort(
            stream(seed, "control rows").choice(len(y), int(_MOST_CELLS / X.shape[1]), replace=False)
        )
        thinned = f"fitted on {len(rows)} of {len(y)} rows"
    from heldout.controls.constant import constant
    from heldout.controls.kernel_svm import kernel_svm
    from heldout.controls.linear import linear
    from heldout.controls.neighbours import neighbours
    from heldout.controls.trees import trees

    plans: list[tuple[str, Any, dict[str, Any]]] = [
        ("constant", constant, {}),
        ("1-NN", neighbours, {"k": 1}),
        ("15-NN", neighbours, {"k": 15}),
        ("linear", linear, {}),
        ("kernel SVM", kernel_svm, {}),
        ("boosted trees", trees, {}),
    ]
    found = []
    level = 1 - 0.05 / len(plans)
    keep, groups = held.fresh, held.test.groups
    groups = None if groups is None else groups[keep]
    chance = float(chance_scores(subject)[0].mean())
    for k, (name, control, options) in enumerate(plans):
        task = "classification" if subject.task == "classification" else "regression"
        fit = control(X[rows], y[rows], X_test, y_test, task, subject.tolerance, seed, **options)
        mine, theirs = held.test.score[keep], fit.scores_test[keep]
        score = Estimate.of(
            bootstrap_mean(theirs, groups, rng=stream(seed, "control", name), bounds=(0.0, 1.0))
        )
        difference = Estimate.of(
            paired_difference(mine, theirs, groups, level=level, rng=stream(seed, "pair", name))
        )
        reach = float(fit.scores_train.mean()) - chance
        share = (
            (float(fit.scores_train.mean()) - float(theirs.mean())) / reach if reach > 0.02 else float("nan")
        )
        note = "; ".join(part for part in (fit.note, thinned) if part)
        found.append(Beside(name, score, difference, share, note, fit))
        ledger.add(
            f"control: {name}",
            "controls",
            score,
            method=note or score.method,
            cost_seconds=fit.seconds,
            unit="score",
        )
        tick(k + 1, len(plans))
    return found
