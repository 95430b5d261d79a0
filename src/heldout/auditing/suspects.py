"""Probably wrong labels: out-of-fold margins of a k-NN and a short MLP, as conformal p-values against the test set.

If training labels were as right as test labels, a training row's margin under models that did not see it would rank
among the test rows' margins like one of them: p_i = (1 + #{test margins <= margin_i}) / (m + 1). Benjamini-Hochberg
then lists rows with a controlled rate of false discoveries. Power is capped by the test size (1,000 rows need 80
discoveries at 5%), and a test set as noisy as the training set has none: then there is a ranking, with the precision
that the test margins allow, and it says so. "Wrong fraction" is the excess of low margins over what the test set shows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from heldout.auditing.held_out import HeldOut
from heldout.core.batch import flat
from heldout.core.errors import Withheld
from heldout.core.estimate import Estimate
from heldout.core.subject import Subject
from heldout.measures.subset_design import fold_design, strata
from heldout.stats.false_discovery import benjamini_hochberg, conformal_p_values
from heldout.stats.proportion import clopper_pearson
from heldout.stats.wrong_fraction import THRESHOLDS, excess_below

RATE = 0.10  # false discoveries among the listed
MOST_APART = 0.2  # total variation between the class shares of train and test
_MOST_ROWS = 20_000


@dataclass(frozen=True)
class Suspects:
    """order [n]: rows, most suspicious first; p [n]; listed: how many of `order` are the list; controlled: at rate RATE,
    or else a ranking whose expected `precision` is stated; likely [n]: the label others would give (classes only).

    wrong_fraction: share of training labels that are wrong, with a lower bound that is 0 where there is no evidence.
    repeated: of the listed rows, the share whose given label the audited model repeats.
    """

    order: np.ndarray
    p: np.ndarray
    margin: np.ndarray
    listed: int
    controlled: bool
    precision: float
    likely: np.ndarray | None
    wrong_fraction: Estimate
    repeated: Estimate
    note: str


def suspects(
    subject: Subject, held: HeldOut, clusters: np.ndarray | None, seed: int, folds: int = 10
) -> Suspects:
    """Rank the training rows by how little their label agrees with models that did not see them."""
    if subject.task == "language":
        raise Withheld("texts have no labels that could be wrong")
    if held.test is None or subject.test is None or held.fresh is None or held.fresh.sum() < 20:
        raise Withheld("wrong labels are judged against at least 20 test rows without a twin in train")
    n = len(held.train.score)
    if n > _MOST_ROWS:
        raise Withheld(
            f"{n} training rows are more than the {_MOST_ROWS} that the out-of-fold models are fitted on"
        )
    if n < 3 * folds:
        raise Withheld(f"{n} training rows are too few for {folds} folds")
    from heldout.controls.out_of_fold import out_of_fold_margins

    y = subject.train.y.numpy()
    design = fold_design(strata(y, subject.task), folds, seed, clusters)
    fold = np.argmax(~design.masks, axis=0)
    X = flat(subject.train.x).numpy().astype(np.float64)
    X_test = flat(subject.test.x).numpy().astype(np.float64)[held.fresh]
    y_test = subject.test.y.numpy()[held.fresh]
    margin, on_test, probability = out_of_fold_margins(X, y, X_test, y_test, subject.n_classes, fold, seed)
    groups_test = None if held.test.groups is None else held.test.groups[held.fresh]
    refuse_other_proportions(y, y_test, subject.task)
    return weigh(margin, on_test, fold, probability, held.train.score, y, clusters, groups_test)


def refuse_other_proportions(y: np.ndarray, y_test: np.ndarray, task: str) -> None:
    """Raises `Withheld` where the classes hold other shares of the training than of the test rows (chi-squared p < 1e-4, and
    over a fifth of the labels would have to change): then a training row's margin would not rank like a test row's although
    its label is right. Smaller differences stand, since wrong labels make such differences themselves."""
    if task != "classification":
        return
    from scipy.stats import chi2_contingency

    classes = np.union1d(y, y_test)
    table = np.stack([(y == k).sum() for k in classes] + [(y_test == k).sum() for k in classes]).reshape(
        2, -1
    )
    shares = table / table.sum(1, keepdims=True)
    apart = 0.5 * float(np.abs(shares[0] - shares[1]).sum())
    if table.shape[1] > 1 and apart > MOST_APART and chi2_contingency(table).pvalue < 1e-4:
        raise Withheld(
            "wrong labels are judged by test rows of the same kind, and the classes hold other shares of the test rows than of the training rows"
        )


def weigh(
    margin: np.ndarray,
    test_margins: np.ndarray,
    fold: np.ndarray,
    probability: np.ndarray | None,
    train_score: np.ndarray,
    y: np.ndarray,
    groups: np.ndarray | None = None,
    groups_test: np.ndarray | None = None,
    allowance: float = 0.0,
) -> Suspects:
    """From out-of-fold margins [n], test margins [k m] by fold, and the audited model's scores [n] on train. Of rows in
    groups [n], [m] the fraction counts one a group, since it asks for independent rows. allowance: taken off the fraction."""
    p = conformal_p_values(margin, test_margins, fold)
    listed_mask = benjamini_hochberg(p, RATE)
    order = np.lexsort((margin, p))
    # One fold model a test row, as a training row has one: their margins are then exchangeable under clean labels.
    drawn = test_margins[
        np.arange(test_margins.shape[1]) % len(test_margins), np.arange(test_margins.shape[1])
    ]
    # Residuals of values are never positive: there "misclassified" would be all of them.
    looks = THRESHOLDS if (drawn > 0).any() else THRESHOLDS[:-1]
    mine, theirs = margin[_first(groups, margin)], drawn[_first(groups_test, drawn)]
    wrong = Estimate.of(excess_below(mine, theirs, thresholds=looks))
    if allowance:
        wrong = replace(
            wrong, **{k: (getattr(wrong, k) - allowance).clamp_min(0.0) for k in ("value", "low", "high")}
        )
    listed, controlled, precision = int(listed_mask.sum()), True, 1 - RATE
    note = f"Benjamini-Hochberg at {RATE:.0%} false discoveries"
    if listed == 0:
        controlled = False
        # Without a controlled list: as many as the excess suggests, and what the test margins say of their precision.
        listed = round(
            max(float(wrong.low), 0.5 * float(wrong.value) if float(wrong.low) > 0 else 0.0) * len(y)
        )
        cut = p[order[max(listed - 1, 0)]]
        expected_false = cut * len(y)
        precision = max(0.0, 1 - expected_false / max(listed, 1)) if listed else float("nan")
        note = "a ranking: no list at a controlled rate is possible with these test rows"
    if listed:
        k = round(float(train_score[order[:listed]].sum()))
        repeated = Estimate.of(clopper_pearson(min(k, listed), listed))
    else:
        repeated = Estimate.withheld("no label is suspected")
    likely = None
    if probability is not None:
        others = probability.copy()
        others[np.arange(len(y)), y.astype(np.int64)] = -np.inf
        likely = others.argmax(1)
    return Suspects(order, p, margin, listed, controlled, precision, likely, wrong, repeated, note)


def _first(groups: np.ndarray | None, rows: np.ndarray) -> np.ndarray:
    """One row number a group: rows come in no order of their margins, so the first is as good as any."""
    return np.arange(len(rows)) if groups is None else np.unique(groups, return_index=True)[1]
